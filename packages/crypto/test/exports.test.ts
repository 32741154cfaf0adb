import { fileURLToPath } from 'node:url'
import { backend } from '@keyhaven/crypto'
import { describe, expect, test } from 'vitest'
import { bundleForBrowser } from '../../../test/kit/bundle.ts'

const ENTRY = fileURLToPath(new URL('browser/backend-name.ts', import.meta.url))

/** Which backend an app gets, read from its bundle; chunks loaded when needed are not in the entry. */
async function chosen(conditions?: string[]): Promise<{ name: string | undefined; all: string }> {
  const bundle = await bundleForBrowser(ENTRY, conditions)
  const name = /name: ["'](node|webcrypto|noble)["']/.exec(bundle['entry.js'] ?? '')?.[1]
  return { name, all: Object.values(bundle).join('\n') }
}

describe('the backend of @keyhaven/crypto', () => {
  test('is node:crypto in Node', () => {
    expect(backend.name).toBe('node')
  })

  test('is WebCrypto in a browser build of Vite, with nothing of Node', async () => {
    const { name, all } = await chosen()
    expect(name).toBe('webcrypto')
    expect(all).not.toMatch(/["']node:/)
  })

  test('is WebCrypto in Workers, Deno and Bun, whose node:crypto is not Node’s', async () => {
    for (const conditions of [
      ['workerd', 'worker', 'browser'],
      ['deno', 'node'],
      ['bun', 'node'],
      ['edge-light'],
    ]) {
      expect((await chosen(conditions)).name, conditions.join()).toBe('webcrypto')
    }
  })

  test('is noble in React Native, without crypto.subtle', async () => {
    const { name, all } = await chosen(['react-native', 'browser'])
    expect(name).toBe('noble')
    expect(all).not.toMatch(/["']node:/)
  })
})

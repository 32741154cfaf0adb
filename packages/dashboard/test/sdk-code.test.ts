import { expect, test } from 'vitest'
import type { E2eKey } from '../src/api/e2e-keys.ts'
import { manifestCode, pinnedCode } from '../src/channel/sdk-code.ts'

const KEY = {
  keyId: 7,
  applicationId: 'bank-app',
  suite: { kem: 'x25519', aead: 'aes-256-gcm' },
  publicKey: 'cHVibGlj',
} as E2eKey

test('the manifest code ships every root thumbprint and no key', () => {
  expect(manifestCode('https://keys.example.com', 'bank-app', ['first', 'spare'])).toMatchInlineSnapshot(`
    "import { connect } from '@keyhaven/sdk'

    const keyhaven = connect({
      url: 'https://keys.example.com',
      applicationId: 'bank-app',
      trust: {
        rootThumbprints: [
          'first',
          'spare',
        ],
      },
    })

    const response = await keyhaven.fetch('/v1/echo', { method: 'POST', body: 'hello' })
    "
  `)
})

test('the pinned code ships this one key with its suite', () => {
  expect(pinnedCode('https://keys.example.com', KEY)).toMatchInlineSnapshot(`
    "import { connect } from '@keyhaven/sdk'

    const keyhaven = connect({
      url: 'https://keys.example.com',
      applicationId: 'bank-app',
      trust: {
        pinnedKeys: [
          {
            keyId: 7,
            suite: { kem: 'x25519', aead: 'aes-256-gcm' },
            publicKey: 'cHVibGlj',
          },
        ],
      },
    })

    const response = await keyhaven.fetch('/v1/echo', { method: 'POST', body: 'hello' })
    "
  `)
})

test('a value can never end the literal that holds it', () => {
  const hostile = `'"\\\n, evil() //`
  const literal = /url: (.*),$/m.exec(manifestCode(hostile, 'a', []))?.[1] ?? ''
  // The literal is our own text, evaluated to see that it means what went in.
  expect(new Function(`return ${literal}`)()).toBe(hostile)
})

import { fileURLToPath } from 'node:url'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { bundleForBrowser } from '../../../test/kit/bundle.ts'
import { launchChromium } from '../../../test/kit/chromium.ts'
import { type FileServer, serveFiles } from '../../../test/kit/serve-files.ts'
import { nodeBackend, toHex } from '../src/node/index.ts'
import type { SuiteReport } from './browser/run-suite.ts'
import { vectorText } from './vector-suite/load-vectors.ts'

const ENTRY = fileURLToPath(new URL('browser/run-suite.ts', import.meta.url))
const PAGE = `<!doctype html><meta charset="utf-8"><title>suite</title>
<script type="module">
  import { runSuite, sealOnce } from '/entry.js'
  Object.assign(globalThis, { runSuite, sealOnce })
</script>`
const VECTORS = '/vectors/'

/** Algorithms that a browser of some years ago lacks: the suite runs once more as if it were one. */
const MISSING_IN_OLD_BROWSERS = ['X25519', 'Ed25519', 'ML-KEM-768', 'SHA3-256', 'ChaCha20-Poly1305']

describe('WebCrypto backend in Chromium', () => {
  let browser: Browser
  let server: FileServer

  beforeAll(async () => {
    const bundle = await bundleForBrowser(ENTRY)
    server = await serveFiles((path) => {
      if (path === '/index.html') return PAGE
      return path.startsWith(VECTORS) ? vectorText(path.slice(VECTORS.length)) : bundle[path.slice(1)]
    })
    browser = await launchChromium()
  })

  afterAll(async () => {
    await browser?.close()
    await server?.close()
  })

  async function runIn(prepare?: (missing: string[]) => void): Promise<SuiteReport> {
    const page = await browser.newPage()
    if (prepare) await page.addInitScript(prepare, MISSING_IN_OLD_BROWSERS)
    await page.goto(server.origin)
    // As text: Vitest would rewrite a function for its own module loader.
    const report = await page.evaluate<SuiteReport>('runSuite()')
    await page.close()
    return report
  }

  function expectAllPassed(report: SuiteReport): void {
    expect(report.backend).toBe('webcrypto')
    expect(report.cases.filter((item) => item.failure)).toEqual([])
    expect(report.cases.length).toBeGreaterThan(40)
  }

  test('passes every vector and refusal', async () => {
    expectAllPassed(await runIn())
  })

  test('passes them with noble in place of what an old browser lacks', async () => {
    const report = await runIn((missing) => {
      const names = ['generateKey', 'importKey', 'digest'] as const
      for (const name of names) {
        const original = SubtleCrypto.prototype[name] as (...values: unknown[]) => Promise<unknown>
        Object.defineProperty(SubtleCrypto.prototype, name, {
          value(this: SubtleCrypto, ...values: unknown[]) {
            const refused = values.some((value) => {
              const algorithm = typeof value === 'string' ? value : (value as { name?: string } | null)?.name
              return algorithm !== undefined && missing.includes(algorithm)
            })
            if (!refused) return original.apply(this, values)
            return Promise.reject(new DOMException('not there', 'NotSupportedError'))
          },
        })
      }
    })
    expectAllPassed(report)
  })

  test('a client loads no noble: this browser has X-Wing, X25519 and P-256', async () => {
    const page = await browser.newPage()
    await page.goto(server.origin)
    const requested: string[] = []
    page.on('request', (request) => requested.push(request.url()))
    for (const kem of ['x-wing', 'x25519', 'p-256'] as const) {
      const { publicKey } = await nodeBackend.kem.generateKeyPair(kem)
      expect(await page.evaluate<number>(`sealOnce('${kem}', '${toHex(publicKey.bytes)}')`)).toBe(17)
    }
    expect(requested).toEqual([])
    await page.close()
  })
})

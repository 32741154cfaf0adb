import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { loadConfig, type RunningServer, startServer } from '@keyhaven/server'
import type { Browser, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { bundleForBrowser } from './kit/bundle.ts'
import { launchChromium } from './kit/chromium.ts'
import { type FileServer, serveFiles } from './kit/serve-files.ts'

const ROOT = join(import.meta.dirname, '..')
const TOKEN = 'kh_token-of-the-sdk-browser-test-0123456789'

let server: RunningServer
let files: FileServer
let browser: Browser
let dataDir: string
let page: Page

beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'keyhaven-sdk-browser-'))
  server = await startServer(
    loadConfig({
      KEYHAVEN_PORT: '0',
      KEYHAVEN_ADMIN_LISTEN: '127.0.0.1:0',
      KEYHAVEN_DATA_DIR: dataDir,
      KEYHAVEN_ADMIN_TOKEN: TOKEN,
      KEYHAVEN_LOG_LEVEL: 'silent',
    }),
  )
  const bundle = await bundleForBrowser(join(ROOT, 'packages/sdk/src/index.ts'))
  files = await serveFiles((path) => {
    if (path === '/index.html') return '<!doctype html><script type="module" src="page.js"></script>'
    return path === '/page.js' ? pageScript() : bundle[path.slice(1)]
  })
  browser = await launchChromium()
})

afterAll(async () => {
  await browser?.close()
  await files?.close()
  await server?.close()
  await rm(dataDir, { recursive: true, force: true })
})

beforeEach(async () => {
  page = await (await browser.newContext()).newPage()
  await open()
})

afterEach(() => page.context().close())

/**
 * The page's script: `keyhaven` is connected, with its state in IndexedDB; `codeOf` tells how a call failed.
 */
function pageScript(): string {
  const { id, rootThumbprints } = server.defaultApplication!
  const options = {
    url: server.publicUrl,
    applicationId: id,
    trust: { rootThumbprints },
    appVersion: '1.0.0',
  }
  return `
    import { connect, indexedDbStorage } from './entry.js'
    globalThis.keyhaven = connect({ ...${JSON.stringify(options)}, storage: indexedDbStorage() })
    globalThis.codeOf = (promise) =>
      promise.then(
        () => 'resolved',
        (error) => (typeof error.code === 'string' ? error.code : error.constructor.name + ' ' + error.name),
      )
    document.title = 'ready'`
}

async function open(): Promise<void> {
  await page.goto(files.origin)
  await page.waitForFunction("document.title === 'ready'")
}

/** Runs an expression in the page. */
const inPage = <T>(expression: string): Promise<T> => page.evaluate(`(async () => ${expression})()`)

async function admin(path: string, body?: object): Promise<unknown> {
  const answer = await fetch(server.adminUrl + path, {
    method: body === undefined ? 'GET' : 'POST',
    headers: { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
  expect(answer.ok, path).toBe(true)
  return answer.json()
}

describe('the SDK in Chromium', () => {
  test('makes a sealed call with the default suite, on WebCrypto', async () => {
    const echo = await inPage<Record<string, unknown>>(
      `(await keyhaven.fetch('/v1/echo?a=1', { method: 'POST', body: 'hello' })).json()`,
    )
    expect(echo).toMatchObject({ method: 'POST', path: '/v1/echo?a=1', body: 'hello', sealed: true })
    expect(await inPage('keyhaven.status().trust')).toBe('manifest')
  })

  test('sends forms, files and streams', async () => {
    const form = `(() => { const f = new FormData(); f.set('a', 'b'); f.set('file', new Blob(['content']), 'a.txt'); return f })()`
    expect(
      await inPage(
        `(await (await keyhaven.fetch('/v1/echo', { method: 'POST', body: ${form} })).json()).body`,
      ),
    ).toContain('content')
    const size = 3_000_000
    const bodies = [
      `new Uint8Array(${size})`,
      `new Blob([new Uint8Array(${size})])`,
      `new Blob([new Uint8Array(${size})]).stream()`,
    ]
    for (const body of bodies) {
      expect(
        await inPage(
          `(await (await keyhaven.fetch('/v1/echo', { method: 'POST', body: ${body}, duplex: 'half' })).json()).bytes`,
        ),
      ).toBe(size)
    }
    const request = `new Request('${server.publicUrl}/v1/echo', { method: 'PUT', body: 'from a Request' })`
    expect(await inPage(`(await (await keyhaven.fetch(${request})).json()).body`)).toBe('from a Request')
  })

  test('reads a streamed answer, and gives it up on abort', async () => {
    expect(
      await inPage(
        `(await (await keyhaven.fetch('/v1/echo/stream?pieces=5&bytes=100000')).arrayBuffer()).byteLength`,
      ),
    ).toBe(500_000)
    const aborted = await inPage(`{
      const abort = new AbortController()
      const response = await keyhaven.fetch('/v1/echo/stream?pieces=10000&bytes=100000', { signal: abort.signal })
      const reader = response.body.getReader()
      await reader.read()
      abort.abort()
      return codeOf((async () => { while (!(await reader.read()).done) {} })())
    }`)
    expect(aborted).toBe('DOMException AbortError')
    expect(await inPage(`codeOf(keyhaven.fetch('/v1/echo', { signal: AbortSignal.abort() }))`)).toBe(
      'DOMException AbortError',
    )
  })

  test('keeps installation and manifest over a reload, and no secret', async () => {
    const manifests: string[] = []
    page.on('request', (request) => {
      if (request.url().endsWith('/manifest')) manifests.push(request.url())
    })
    const stored = `new Promise((resolve) => {
      const opening = indexedDB.open('keyhaven')
      opening.onsuccess = () => {
        const store = opening.result.transaction('values').objectStore('values')
        const keys = store.getAllKeys()
        const values = store.getAll()
        values.onsuccess = () => resolve(keys.result.map((key, at) => [key.split('/').at(-1), values.result[at]]))
      }
    })`
    await inPage(`codeOf(keyhaven.fetch('/v1/echo'))`)
    const before = await inPage<[string, string][]>(stored)
    await open()
    await inPage(`codeOf(keyhaven.fetch('/v1/echo'))`)
    const after = await inPage<[string, string][]>(stored)
    expect(before.map(([name]) => name).sort()).toEqual(['installation', 'manifest'])
    expect(after).toEqual(before)
    expect(manifests).toHaveLength(1)
    expect(await inPage('localStorage.length')).toBe(0)
  })

  test('moves to a new key when the old one is revoked, without a failed call', async () => {
    const path = '/admin/v1/applications/demo/e2e-keys'
    await inPage(`codeOf(keyhaven.fetch('/v1/echo'))`)
    const { items } = (await admin(path)) as { items: { id: string; state: string; keyId: number }[] }
    const old = items.find(({ state }) => state === 'active')!
    const next = (await admin(path, {})) as { id: string }
    const states = async () => (await admin(`${path}/${next.id}`)) as { state: string; keyId: number }
    await expect.poll(async () => (await states()).state).toBe('active')
    await admin(`${path}/${old.id}/revoke`, { reason: 'test' })
    expect(await inPage(`codeOf(keyhaven.fetch('/v1/echo', { method: 'POST', body: 'x' }))`)).toBe('resolved')
    expect(await inPage('keyhaven.status().keyId')).toBe((await states()).keyId)
  })
})

describe('whoever owns the network of a page', () => {
  test('sees no marker', async () => {
    const marker = 'MARKER-in-a-page'
    const seen: string[] = []
    page.on('request', (request) => {
      seen.push(request.url(), JSON.stringify(request.headers()))
      seen.push(request.postDataBuffer()?.toString('latin1') ?? '')
    })
    const init = `{ method: 'POST', body: '${marker}', headers: { 'x-marker': '${marker}' } }`
    const { body } = await inPage<{ body: string }>(
      `(await keyhaven.fetch('/v1/echo/${marker}?${marker}', ${init})).json().catch(() => ({}))`,
    )
    expect(body ?? marker).toBe(marker)
    expect(seen.length).toBeGreaterThan(0)
    expect(seen.join('\n')).not.toContain(marker)
  })

  test('cannot pass a page, a refusal or a redirect for an answer', async () => {
    await inPage(`codeOf(keyhaven.fetch('/v1/echo'))`)
    const cors = { 'access-control-allow-origin': '*' }
    const forged: [object, string][] = [
      [
        { status: 200, contentType: 'text/html', body: '<html>Sign in</html>', headers: cors },
        'GATEWAY_REFUSED',
      ],
      [
        { status: 200, contentType: 'message/ohttp-chunked-res', body: 'nonsense', headers: cors },
        'OPEN_FAILED',
      ],
      [
        {
          status: 401,
          contentType: 'application/problem+json',
          body: '{"code":"KEY_REVOKED"}',
          headers: cors,
        },
        'GATEWAY_REFUSED',
      ],
      [
        {
          status: 400,
          contentType: 'application/problem+json',
          body: '{"code":"OPEN_FAILED"}',
          headers: cors,
        },
        'OPEN_FAILED',
      ],
      [{ status: 302, headers: { ...cors, location: 'https://evil.test/' } }, 'GATEWAY_REFUSED'],
      [{ status: 503, body: '', headers: cors }, 'GATEWAY_UNAVAILABLE'],
    ]
    for (const [answer, code] of forged) {
      await page.route('**/gateway/demo', (route) => route.fulfill(answer))
      expect([answer, await inPage(`codeOf(keyhaven.fetch('/v1/echo'))`)]).toEqual([answer, code])
      await page.unroute('**/gateway/demo')
    }
    await page.route('**/gateway/demo', (route) => route.abort())
    expect(await inPage(`codeOf(keyhaven.fetch('/v1/echo'))`)).toBe('TypeError TypeError')
    await page.unroute('**/gateway/demo')
    expect(await inPage(`codeOf(keyhaven.fetch('/v1/echo'))`)).toBe('resolved')
  })
})

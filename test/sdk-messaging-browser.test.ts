import { join } from 'node:path'
import type { Me } from '@keyhaven/sdk'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { bundleForBrowser } from './kit/bundle.ts'
import { launchChromium } from './kit/chromium.ts'
import { ENGINES } from './kit/engines.ts'
import { type SdkServer, startSdkServer } from './kit/sdk-server.ts'
import { type FileServer, serveFiles } from './kit/serve-files.ts'

const ROOT = join(import.meta.dirname, '..')
const MARKER = 'MARKER-typed-in-a-tab'

let server: SdkServer
let files: FileServer
let browser: Browser
let context: BrowserContext
let anna: Me

beforeAll(async () => {
  server = await startSdkServer(ENGINES[0]!)
  const bundle = await bundleForBrowser(join(ROOT, 'packages/sdk/src/index.ts'))
  files = await serveFiles((path) => {
    if (path === '/index.html') return '<!doctype html><script type="module" src="page.js"></script>'
    return path === '/page.js' ? pageScript() : bundle[path.slice(1)]
  })
  browser = await launchChromium()
  context = await browser.newContext()
  anna = await server.enroll('anna')
})

afterAll(async () => {
  await anna?.close()
  await browser?.close()
  await files?.close()
  await server?.dispose()
})

/** The page's script: `kh` is connected, `store` is ben's in IndexedDB, `codeOf` tells how a call failed. */
function pageScript(): string {
  return `
    import { connect, indexedDbMessageStore, indexedDbStorage } from './entry.js'
    globalThis.kh = connect({ ...${JSON.stringify(server.options)}, storage: indexedDbStorage() })
    globalThis.store = indexedDbMessageStore('ben')
    globalThis.codeOf = (promise) => promise.then(() => 'resolved', (error) => error.code ?? String(error))
    document.title = 'ready'`
}

async function openTab(): Promise<Page> {
  const page = await context.newPage()
  await page.goto(files.origin)
  await page.waitForFunction("document.title === 'ready'")
  return page
}

/** Runs an expression in a tab. */
const inTab = <T>(tab: Page, expression: string): Promise<T> => tab.evaluate(`(async () => ${expression})()`)

describe('one device in two tabs of Chromium, its store in IndexedDB', () => {
  let first: Page
  let second: Page

  test('a second tab is the same device', async () => {
    first = await openTab()
    const token = await server.token('ben')
    await inTab(first, `{ globalThis.me = await kh.enroll({ username: 'ben', token: '${token}', store }) }`)
    second = await openTab()
    await inTab(second, `{ globalThis.me = await kh.resume({ store }) }`)
    expect(await inTab(second, 'me.device')).toBe(await inTab(first, 'me.device'))
  })

  test('both send at once, in sessions of their own', async () => {
    const sending = (tab: Page, text: string) =>
      inTab<string>(tab, `(await me.messages.encrypt('anna', '${text}')).envelope`)
    const envelopes = await Promise.all([sending(first, 'from one'), sending(second, 'from two')])
    const received = await Promise.all(envelopes.map((envelope) => anna.messages.decrypt(envelope)))
    expect(received.map(({ text }) => text)).toEqual(['from one', 'from two'])
    expect(received[0]!.session).not.toBe(received[1]!.session)
  })

  test('a message is read in one of them, once', async () => {
    const { envelope } = await anna.messages.encrypt('ben', MARKER)
    const decrypting = (tab: Page) =>
      inTab<string>(tab, `codeOf(me.messages.decrypt(${JSON.stringify(envelope)}))`)
    expect((await Promise.all([decrypting(first), decrypting(second)])).sort()).toEqual([
      'DUPLICATE',
      'resolved',
    ])
    const again = `(await me.messages.readAgain(${JSON.stringify(envelope)})).text`
    expect(await inTab(second, again)).toBe(MARKER)
  })

  test('when one tab renews, the other goes on with the new keys', async () => {
    await inTab(first, 'me.renew()')
    const { envelope } = await anna.messages.encrypt('ben', 'to the renewed', { newSession: true })
    const text = `(await me.messages.decrypt(${JSON.stringify(envelope)})).text`
    expect(await inTab(second, text)).toBe('to the renewed')
    expect(await inTab(second, 'me.devices.list().then((devices) => devices.length)')).toBe(1)
    const answer = `(await me.messages.encrypt('anna', 'from the other tab', { newSession: true })).envelope`
    const sent = await inTab<string>(second, answer)
    expect((await anna.messages.decrypt(sent)).text).toBe('from the other tab')
  })

  test('mail arrives in a tab as it is sent', async () => {
    const waiting = inTab<string>(
      first,
      `{
        const mail = me.mailbox.subscribe()
        const { value } = await mail.next()
        const { text } = await me.messages.decrypt(value.envelope)
        await mail.return()
        return text
      }`,
    )
    await anna.mailbox.send('ben', (await anna.messages.encrypt('ben', 'by mail')).envelope)
    expect(await waiting).toBe('by mail')
  })

  test('a recovery key can be locked with a passphrase in a page, too', async () => {
    const restored = await inTab<number>(
      first,
      `{
        const words = await me.recovery.createWords()
        await me.recovery.setPassphrase('a long passphrase', words)
        await me.history.backUp()
        return me.recovery.restore({ passphrase: 'a long passphrase' })
      }`,
    )
    expect(restored).toBe(0)
  }, 60_000)

  test('IndexedDB holds no plaintext, no private key that a script can read, and no contact by name', async () => {
    const stored = await inTab<string>(
      first,
      `{
        const database = await new Promise((resolve) => {
          const opening = indexedDB.open('ben')
          opening.onsuccess = () => resolve(opening.result)
        })
        const all = async (name) => {
          const store = database.transaction(name).objectStore(name)
          const of = (request) => new Promise((resolve) => { request.onsuccess = () => resolve(request.result) })
          return [await of(store.getAllKeys()), await of(store.getAll())]
        }
        const [names, values] = await all('values')
        const [, keys] = await all('keys')
        const text = values.map(({ sealed }) => String.fromCharCode(...sealed)).join('')
        return JSON.stringify({ names, text, extractable: keys.map((key) => key.extractable) })
      }`,
    )
    const { names, text, extractable } = JSON.parse(stored)
    expect(names.length).toBeGreaterThan(3)
    expect(extractable).toEqual([false])
    for (const hidden of [MARKER, 'anna', '"d":', '"kty"']) {
      expect(text).not.toContain(hidden)
      expect(names.join(' ')).not.toContain(hidden)
    }
    expect(await inTab(first, 'localStorage.length')).toBe(0)
  })
})

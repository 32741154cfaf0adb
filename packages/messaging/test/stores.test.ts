import { chmod, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import type { Browser, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { bundleForBrowser } from '../../../test/kit/bundle.ts'
import { launchChromium } from '../../../test/kit/chromium.ts'
import { type FileServer, serveFiles } from '../../../test/kit/serve-files.ts'
import { type MessagingStore, memoryStore } from '../src/index.ts'
import { sqliteStore } from '../src/node/index.ts'
import { codeOf } from './kit/people.ts'
import { CONFORMANCE } from './kit/store-conformance.ts'

let folder: string
const opened: MessagingStore[] = []

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'keyhaven-messaging-'))
})

afterEach(async () => {
  for (const store of opened.splice(0)) store.close()
  await rm(folder, { recursive: true, force: true })
})

describe('the memory store', () => {
  for (const { name, run } of CONFORMANCE) {
    test(name, async () => {
      const store = memoryStore()
      await run(async () => store)
    })
  }
})

describe('the SQLite store', () => {
  const open = () => {
    const store = sqliteStore({ path: join(folder, 'store.db') })
    opened.push(store)
    return store
  }

  for (const { name, run } of CONFORMANCE) test(name, () => run(async () => open()))

  test('keeps values over a restart', async () => {
    const value = new Uint8Array([1, 2, 3])
    open().commit({ expect: [{ key: 'a', version: null }], put: [{ key: 'a', value }] })
    opened.pop()!.close()
    expect((await open().get('a'))?.value).toEqual(value)
  })

  test('seals values: nothing of them lies in the files', async () => {
    const value = new TextEncoder().encode('MARKER-in-the-store')
    open().commit({ expect: [{ key: 'a', version: null }], put: [{ key: 'a', value }] })
    for (const name of ['store.db', 'store.db-wal']) {
      expect((await readFile(join(folder, name))).includes('MARKER')).toBe(false)
    }
  })

  test('is readable by its owner only, its key too', async () => {
    open()
    for (const name of ['store.db', 'store.db.key']) {
      expect((await stat(join(folder, name))).mode & 0o777).toBe(0o600)
    }
    await chmod(join(folder, 'store.db.key'), 0o644)
    expect(() => open()).toThrow('chmod 600')
  })

  test('refuses a value moved to another key, another version, or under another store key', async () => {
    const value = new Uint8Array(8)
    for (const key of ['a', 'b']) {
      open().commit({ expect: [{ key, version: null }], put: [{ key, value }] })
    }
    const raw = new DatabaseSync(join(folder, 'store.db'))
    raw.exec("UPDATE records SET value = (SELECT value FROM records WHERE name = 'a') WHERE name = 'b'")
    expect(await codeOf((async () => open().get('b'))())).toBe('OPEN_FAILED')
    raw.exec("UPDATE records SET version = 2 WHERE name = 'a'")
    expect(await codeOf((async () => open().get('a'))())).toBe('OPEN_FAILED')
    raw.close()
    const other = sqliteStore({ path: join(folder, 'store.db'), key: new Uint8Array(32) })
    opened.push(other)
    expect(await codeOf((async () => other.get('a'))())).toBe('OPEN_FAILED')
    expect(() => other.get('a')).toThrow('the key is of another store')
  })

  test('says what is wrong with its files, and makes no new key for what an old one has sealed', async () => {
    open().commit({ expect: [{ key: 'a', version: null }], put: [{ key: 'a', value: new Uint8Array(8) }] })
    const key = join(folder, 'store.db.key')
    await rm(key)
    expect(() => open()).toThrow(`${key} is missing`)
    await writeFile(key, 'short', { mode: 0o600 })
    expect(() => open()).toThrow('holds no key')
    expect(() => sqliteStore({ path: join(folder, 'none', 'store.db') })).toThrow(
      /none.store\.db\.key.*folder/,
    )
    const text = join(folder, 'text.db')
    await writeFile(text, 'no database')
    expect(() => sqliteStore({ path: text, key: new Uint8Array(32) })).toThrow('file is not a database')
  })
})

describe('the IndexedDB store, in Chromium', () => {
  let browser: Browser
  let files: FileServer
  let page: Page

  beforeAll(async () => {
    const bundle = await bundleForBrowser(join(import.meta.dirname, 'kit/browser-entry.ts'))
    files = await serveFiles((path) => {
      if (path === '/index.html') return '<!doctype html><script type="module" src="page.js"></script>'
      if (path === '/page.js') {
        return "import * as kit from './entry.js'; globalThis.kit = kit; document.title = 'ready'"
      }
      return bundle[path.slice(1)]
    })
    browser = await launchChromium()
  })

  afterAll(async () => {
    await browser?.close()
    await files?.close()
  })

  beforeEach(async () => {
    page = await (await browser.newContext()).newPage()
    await page.goto(files.origin)
    await page.waitForFunction("document.title === 'ready'")
  })

  afterEach(() => page.context().close())

  for (const { name } of CONFORMANCE) {
    test(name, async () => {
      const run = `kit.CONFORMANCE.find(({ name }) => name === ${JSON.stringify(name)})
        .run(() => kit.indexedDbStore('test')).then(() => 'passed', (error) => String(error))`
      expect(await page.evaluate(run)).toBe('passed')
    })
  }

  test('seals with a key that no script can read', async () => {
    const extractable = await page.evaluate(`(async () => {
      const store = await kit.indexedDbStore('test')
      await store.commit({ expect: [{ key: 'a', version: null }], put: [{ key: 'a', value: new TextEncoder().encode('MARKER') }] })
      const database = await new Promise((resolve) => {
        const opening = indexedDB.open('test')
        opening.onsuccess = () => resolve(opening.result)
      })
      const all = (name) => new Promise((resolve) => {
        const request = database.transaction(name).objectStore(name).getAll()
        request.onsuccess = () => resolve(request.result)
      })
      const [key] = await all('keys')
      const [row] = await all('values')
      return [key.extractable, new TextDecoder().decode(row.sealed).includes('MARKER')]
    })()`)
    expect(extractable).toEqual([false, false])
  })

  test('two tabs: a message is read once, and no message key is used twice', async () => {
    const other = await page.context().newPage()
    await other.goto(files.origin)
    await other.waitForFunction("document.title === 'ready'")
    await page.evaluate('kit.startChat()')
    const envelopes = (await page.evaluate('kit.sendMany(40)')) as string[]
    const outcomes = await Promise.all(
      [page, other].map((tab) => tab.evaluate(`kit.receiveAll(${JSON.stringify(envelopes)})`)),
    )
    const [first, second] = outcomes as string[][]
    for (let at = 0; at < envelopes.length; at++) {
      expect([first![at], second![at]].sort()).toEqual(['DUPLICATE', `message ${at}`])
    }
    const sent = (await Promise.all(
      [page, other].map((tab) => tab.evaluate('kit.answerMany(20)')),
    )) as string[][]
    const used = sent.flat().map((envelope) => {
      const { session, n } = JSON.parse(envelope) as { session: string; n: number }
      return `${session}/${n}`
    })
    expect(new Set(used).size).toBe(used.length)
  })
})

import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { Me } from '@keyhaven/sdk'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { bundleForBrowser } from './kit/bundle.ts'
import { launchChromium } from './kit/chromium.ts'
import { ENGINES } from './kit/engines.ts'
import { type SdkServer, startSdkServer } from './kit/sdk-server.ts'
import { type FileServer, serveFiles } from './kit/serve-files.ts'

const MS_PER_SECOND = 1_000
const ROOT = join(import.meta.dirname, '..')
/**
 * A platform authenticator that keeps passkeys, verifies its user and has the PRF extension (CTAP 2.1
 * hmac-secret).
 */
const AUTHENTICATOR = {
  protocol: 'ctap2',
  ctap2Version: 'ctap2_1',
  transport: 'internal',
  hasResidentKey: true,
  hasUserVerification: true,
  isUserVerified: true,
  automaticPresenceSimulation: true,
  hasPrf: true,
} as const
const TEXTS = ['the first message', 'the second message']

let server: SdkServer
let files: FileServer
let browser: Browser
let page: Page
let anna: Me
let envelopes: readonly string[]

beforeAll(async () => {
  server = await startSdkServer(ENGINES[0]!)
  const bundle = await bundleForBrowser(join(ROOT, 'packages/sdk/src/index.ts'))
  files = await serveFiles((path) => {
    if (path === '/index.html') return '<!doctype html><script type="module" src="page.js"></script>'
    return path === '/page.js' ? pageScript() : bundle[path.slice(1)]
  })
  browser = await launchChromium()
  page = await (await browser.newContext()).newPage()
  const devTools = await page.context().newCDPSession(page)
  await devTools.send('WebAuthn.enable')
  await devTools.send('WebAuthn.addVirtualAuthenticator', { options: AUTHENTICATOR })
  anna = await server.enroll('anna')
})

afterAll(async () => {
  await anna?.close()
  await browser?.close()
  await files?.close()
  await server?.dispose()
})

/**
 * The page's script, with what an app would write for passkeys: `createPasskey(name)` gives a passkey's id,
 * `prf(id)` what it gives for the app's input; without an id the user's passkey is found by the site's name
 * alone.
 */
function pageScript(): string {
  return `
    import { connect, indexedDbMessageStore, indexedDbStorage } from './entry.js'
    globalThis.kh = connect({ ...${JSON.stringify(server.options)}, storage: indexedDbStorage() })
    globalThis.storeOf = indexedDbMessageStore
    globalThis.codeOf = (promise) => promise.then(() => 'resolved', (error) => error.code ?? String(error))
    const random = () => crypto.getRandomValues(new Uint8Array(32))
    const evaluated = (input) => ({ prf: { eval: { first: new TextEncoder().encode(input) } } })
    globalThis.createPasskey = async (name) => {
      const made = await navigator.credentials.create({ publicKey: {
        rp: { id: 'localhost', name: 'Chat' },
        user: { id: random(), name, displayName: name },
        challenge: random(),
        pubKeyCredParams: [{ type: 'public-key', alg: -7 }, { type: 'public-key', alg: -8 }],
        authenticatorSelection: { residentKey: 'required', userVerification: 'required' },
        extensions: { prf: {} },
      } })
      if (!made.getClientExtensionResults().prf?.enabled) throw new Error('this passkey has no PRF')
      return Array.from(new Uint8Array(made.rawId))
    }
    globalThis.prf = async (id, input = 'chat recovery v1') => {
      const got = await navigator.credentials.get({ publicKey: {
        rpId: 'localhost',
        challenge: random(),
        userVerification: 'required',
        ...(id && { allowCredentials: [{ type: 'public-key', id: new Uint8Array(id) }] }),
        extensions: evaluated(input),
      } })
      return new Uint8Array(got.getClientExtensionResults().prf.results.first)
    }
    document.title = 'ready'`
}

/** WebAuthn names sites by domain: an IP address is none, `localhost` is one, and a secure context. */
async function openPage(): Promise<void> {
  await page.goto(files.origin.replace('127.0.0.1', 'localhost'))
  await page.waitForFunction("document.title === 'ready'")
}

/** Runs an expression in the page. */
const inPage = <T>(expression: string): Promise<T> => page.evaluate(`(async () => ${expression})()`)
const readAgain = (envelope: string) =>
  inPage<string>(
    `me.messages.readAgain(${JSON.stringify(envelope)}).then(({ text }) => text, (error) => error.code)`,
  )

describe('a passkey of a virtual authenticator, by its PRF', () => {
  let passkey: readonly number[]

  test('locks the recovery key, and what it gave is erased from memory', async () => {
    await openPage()
    const token = await server.token('ben')
    await inPage(
      `{ globalThis.me = await kh.enroll({ username: 'ben', token: '${token}', store: storeOf('ben') }) }`,
    )
    envelopes = await Promise.all(
      TEXTS.map(async (text) => (await anna.messages.encrypt('ben', text)).envelope),
    )
    for (const [at, envelope] of envelopes.entries()) {
      const text = `(await me.messages.decrypt(${JSON.stringify(envelope)})).text`
      expect(await inPage(text)).toBe(TEXTS[at])
    }
    passkey = await inPage<number[]>(`createPasskey('ben')`)
    const left = await inPage<{ given: number; same: boolean; after: number[] }>(
      `{
        const output = await prf(${JSON.stringify(passkey)})
        const again = await prf(${JSON.stringify(passkey)})
        const same = output.join() === again.join()
        const given = output.length
        await me.recovery.setPasskey(output, await me.recovery.createWords())
        return { given, same, after: [...output] }
      }`,
    )
    expect(left).toEqual({ given: 32, same: true, after: Array(32).fill(0) })
    expect(await inPage('me.history.backUp()')).toBe(TEXTS.length)
  })

  test('brings the history back on a new device, with nothing else of the old one', async () => {
    // Lost: the page, its keys, its store. The authenticator stays, as a synced passkey does.
    await inPage(`{
      await me.close()
      for (const { name } of await indexedDB.databases()) await new Promise((done) => {
        indexedDB.deleteDatabase(name).onsuccess = done
      })
    }`)
    await openPage()
    expect(await inPage(`kh.resume({ store: storeOf('ben') })`)).toBeUndefined()
    // Dates are whole seconds: a backup of the second in which its device was reset does not count.
    await delay(MS_PER_SECOND - (Date.now() % MS_PER_SECOND))
    await server.operator('POST', '/users/ben/reset', { reason: 'lost the only device' })
    const token = await server.token('ben')
    await inPage(
      `{ globalThis.me = await kh.enroll({ username: 'ben', token: '${token}', store: storeOf('anew') }) }`,
    )
    for (const envelope of envelopes) expect(await readAgain(envelope)).not.toContain('message')

    const another = await inPage<number[]>(`createPasskey('another')`)
    const restore = (output: string) => inPage(`codeOf(me.recovery.restore({ passkey: ${output} }))`)
    expect(await restore(`await prf(${JSON.stringify(another)})`)).toBe('INPUT_INVALID')
    expect(await restore(`await prf(${JSON.stringify(passkey)}, 'another app')`)).toBe('INPUT_INVALID')
    for (const envelope of envelopes) expect(await readAgain(envelope)).not.toContain('message')

    expect(await inPage(`me.recovery.restore({ passkey: await prf(${JSON.stringify(passkey)}) })`)).toBe(
      TEXTS.length,
    )
    for (const [at, envelope] of envelopes.entries()) expect(await readAgain(envelope)).toBe(TEXTS[at])
  })
})

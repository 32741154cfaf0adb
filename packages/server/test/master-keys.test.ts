import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { openLocalWrapper } from '../src/platform/wrappers/local-wrapper.ts'
import {
  addMasterKey,
  createKeyring,
  keepOnlyMasterKey,
  loadKeyring,
  readMasterKeyIds,
} from '../src/platform/wrappers/master-keyring.ts'

const NOW = 1_800_000_000_000
const CONTEXT = { purpose: 'e2e', applicationId: 'demo', id: '9b2f' } as const
const INVALID = { code: 'CONFIG_INVALID' }

let folder: string
let file: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'keyhaven-master-'))
  file = join(folder, 'keys', 'master.key')
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

describe('the master keyring file', () => {
  test('is made readable by its owner only, in a folder that is too, whatever the umask', () => {
    const umask = process.umask(0)
    try {
      createKeyring({ file }, NOW)
    } finally {
      process.umask(umask)
    }
    expect(statSync(file).mode & 0o777).toBe(0o600)
    expect(statSync(join(folder, 'keys')).mode & 0o777).toBe(0o700)
    expect(readdirSync(join(folder, 'keys'))).toEqual(['master.key'])
  })

  test.each([0o640, 0o604, 0o660, 0o666])('mode %o is refused, with the command that mends it', (mode) => {
    createKeyring({ file }, NOW)
    chmodSync(file, mode)
    expect(() => loadKeyring({ file })).toThrow(expect.objectContaining(INVALID))
    expect(() => loadKeyring({ file })).toThrow(`chmod 600 ${file}`)
  })

  test('two processes that make it at once get the same keys', () => {
    const first = createKeyring({ file }, NOW)
    const second = createKeyring({ file }, NOW)
    expect(second.keys.map((key) => key.id)).toEqual(first.keys.map((key) => key.id))
  })

  test('is not made anew where keys exist', () => {
    expect(() => openLocalWrapper({ file }, { create: false, now: NOW })).toThrow(/put it back/)
    expect(existsSync(file)).toBe(false)
  })

  test.each([
    ['nothing', ''],
    ['no JSON', 'secret'],
    ['another format', '{"format":"x","version":1,"keys":[]}'],
    ['no key', '{"format":"keyhaven-master-keyring","version":1,"keys":[]}'],
    [
      'a short key',
      '{"format":"keyhaven-master-keyring","version":1,"keys":[{"id":"0011223344556677","key":"AAAA","createdAt":1}]}',
    ],
    ['too much', 'x'.repeat(70_000)],
  ])('with %s in it is refused, and its content is in no message', (_, content) => {
    createKeyring({ file }, NOW)
    writeFileSync(file, content)
    try {
      loadKeyring({ file })
      expect.unreachable()
    } catch (error) {
      expect(error).toMatchObject(INVALID)
      expect(String(error)).not.toContain('secret')
      expect(String((error as Error).cause)).not.toContain('secret')
    }
  })

  test('a new master key stands first; dropping leaves one', () => {
    const [old] = createKeyring({ file }, NOW).keys
    const ids = addMasterKey({ file }, NOW + 1)
    const grown = loadKeyring({ file })?.keys
    expect(grown?.map((key) => key.createdAt)).toEqual([NOW + 1, NOW])
    expect(ids).toEqual(grown?.map((key) => key.id))
    keepOnlyMasterKey({ file }, ids[0] ?? '')
    expect(readMasterKeyIds({ file })).toEqual([ids[0]])
    expect(ids[0]).not.toBe(old?.id)
    expect(() => keepOnlyMasterKey({ file }, 'unknown')).toThrow(TypeError)
    expect(statSync(file).mode & 0o777).toBe(0o600)
  })
})

describe('a master keyring under a passphrase', () => {
  let passphraseFile: string
  const write = (content: string, mode = 0o600): void => {
    passphraseFile = join(folder, `passphrase-${content.length}-${mode}`)
    writeFileSync(passphraseFile, content, { mode })
    chmodSync(passphraseFile, mode)
  }

  test('opens with it, also with a Windows line end, and names its Argon2id parameters', () => {
    write('correct horse battery staple\n')
    const created = createKeyring({ file, passphraseFile }, NOW)
    const stored = JSON.parse(readFileSync(file, 'utf8'))
    expect(stored.lock).toMatchObject({ kdf: 'argon2id', memory: 65_536, passes: 3, lanes: 4 })
    for (const key of created.keys)
      expect(readFileSync(file, 'utf8')).not.toContain(Buffer.from(key.bytes).toString('base64url'))
    write('correct horse battery staple\r\nanother line')
    expect(loadKeyring({ file, passphraseFile })?.keys).toEqual(created.keys)
    addMasterKey({ file, passphraseFile }, NOW)
    expect(loadKeyring({ file, passphraseFile })?.keys).toHaveLength(2)
  })

  test('does not open with another, with none, or with one that others can read', () => {
    write('right')
    createKeyring({ file, passphraseFile }, NOW)
    expect(() => loadKeyring({ file })).toThrow(/KEYHAVEN_MASTER_PASSPHRASE_FILE/)
    write('wrong!')
    expect(() => loadKeyring({ file, passphraseFile })).toThrow(/does not open/)
    write('\n')
    expect(() => loadKeyring({ file, passphraseFile })).toThrow(/is empty/)
    write('right-too', 0o644)
    expect(() => loadKeyring({ file, passphraseFile })).toThrow(/chmod 600/)
    expect(() => loadKeyring({ file, passphraseFile: join(folder, 'none') })).toThrow(/no passphrase file/)
  })

  test('a passphrase for a keyring without one is refused, so that nobody believes it is protected', () => {
    createKeyring({ file }, NOW)
    write('right')
    expect(() => loadKeyring({ file, passphraseFile })).toThrow(/without a passphrase/)
  })

  test('parameters that would take all memory are refused', () => {
    write('right')
    createKeyring({ file, passphraseFile }, NOW)
    const stored = JSON.parse(readFileSync(file, 'utf8'))
    for (const change of [{ memory: 1e9 }, { passes: 0 }, { lanes: 1_000 }, { memory: 8 }, { passes: 1.5 }]) {
      writeFileSync(file, JSON.stringify({ ...stored, lock: { ...stored.lock, ...change } }))
      expect(() => loadKeyring({ file, passphraseFile })).toThrow(/out of bounds/)
    }
  })
})

describe('a wrapped key', () => {
  const secret = new Uint8Array(32).fill(7)
  const openWrapper = () => openLocalWrapper({ file }, { create: true, now: NOW })
  const unwrap = async (
    wrapped: Uint8Array,
    context: Parameters<ReturnType<typeof openWrapper>['unwrap']>[1] = CONTEXT,
  ) => openWrapper().unwrap(wrapped, context)

  test('opens as what it was, and only so', async () => {
    const wrapped = await openWrapper().wrap(secret, CONTEXT)
    expect(new Uint8Array(await unwrap(wrapped))).toEqual(secret)
    expect(wrapped.length).toBe(1 + 8 + 12 + 32 + 16)
    expect(Buffer.from(wrapped).includes(secret)).toBe(false)
    for (const change of [{ purpose: 'root-signing' }, { applicationId: 'demo2' }, { id: '9b2e' }] as const) {
      await expect(unwrap(wrapped, { ...CONTEXT, ...change })).rejects.toMatchObject({ code: 'OPEN_FAILED' })
    }
  })

  test('the border between application and id cannot be moved', async () => {
    const wrapped = await openWrapper().wrap(secret, { ...CONTEXT, applicationId: 'ab', id: 'c' })
    await expect(unwrap(wrapped, { ...CONTEXT, applicationId: 'a', id: 'bc' })).rejects.toMatchObject({
      code: 'OPEN_FAILED',
    })
  })

  test('every flipped bit and every cut is refused', async () => {
    const wrapped = await openWrapper().wrap(secret, CONTEXT)
    const wrapper = openWrapper()
    const attempt = async (bytes: Uint8Array): Promise<string> => {
      try {
        await wrapper.unwrap(bytes, CONTEXT)
        return 'opened'
      } catch (error) {
        return (error as { code: string }).code
      }
    }
    for (let at = 0; at < wrapped.length; at++) {
      const flipped = Uint8Array.from(wrapped)
      flipped[at] = (flipped[at] ?? 0) ^ 1
      expect(await attempt(flipped)).toBe(
        at === 0 ? 'WIRE_MALFORMED' : at <= 8 ? 'STORE_UNAVAILABLE' : 'OPEN_FAILED',
      )
      expect(await attempt(wrapped.subarray(0, at))).toMatch(/WIRE_MALFORMED|OPEN_FAILED/)
    }
    expect(await attempt(new Uint8Array([...wrapped, 0]))).toBe('OPEN_FAILED')
  })

  test('never looks the same twice', async () => {
    const wrapper = openWrapper()
    expect(await wrapper.wrap(secret, CONTEXT)).not.toEqual(await wrapper.wrap(secret, CONTEXT))
  })

  test('under a master key added meanwhile it opens without a restart', async () => {
    const old = openWrapper()
    const [added = ''] = addMasterKey({ file }, NOW)
    const renewed = openWrapper()
    renewed.use(added)
    const wrapped = await renewed.wrap(secret, CONTEXT)
    expect(renewed.masterKeyIdOf(wrapped)).toBe(added)
    expect(new Uint8Array(await old.unwrap(wrapped, CONTEXT))).toEqual(secret)
  })
})

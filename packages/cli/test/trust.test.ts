import { createPublicKey, verify } from 'node:crypto'
import { readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { signManifest } from '@keyhaven/channel'
import { backend } from '@keyhaven/crypto'
import { describe, expect, test } from 'vitest'
import { runCommand, TEST_NOW, temporaryFolder } from './run-command.ts'
import { problem, startScriptedAdmin } from './scripted-admin.ts'

const NOW_SECONDS = TEST_NOW / 1_000
const PASSPHRASE = { KEYHAVEN_ROOT_PASSPHRASE: 'four words put together' }

const MANIFEST_KEY = '{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}'

/** A delegation by the root key in a file. @param key - JWK of the manifest key. */
function delegateWith(root: string, key = MANIFEST_KEY): string[] {
  return [...`trust delegate --root ${root} --application a --epoch 1 --manifest-key`.split(' '), key]
}

/** A root key file, to be altered. */
type Altered = Record<string, unknown> & { readonly protected: Record<string, unknown> }

const decode = (part: string | undefined) => JSON.parse(Buffer.from(part ?? '', 'base64url').toString('utf8'))

describe('a root key', () => {
  test('is written once, for its owner only, and shows only its public part', async () => {
    await using folder = await temporaryFolder()
    const cwd = folder.path
    const created = await runCommand(['trust', 'root', 'create', '--out', 'root.json', '--json'], { cwd })
    const { thumbprint } = JSON.parse(created.stdout)
    expect(thumbprint).toMatch(/^[\w-]{43}$/)
    expect((await stat(join(cwd, 'root.json'))).mode & 0o777).toBe(0o600)
    const before = await readFile(join(cwd, 'root.json'), 'utf8')
    const again = await runCommand(['trust', 'root', 'create', '--out', 'root.json'], { cwd })
    expect(again.exitCode).toBe(1)
    expect(again.stderr).toContain('never overwritten')
    expect(await readFile(join(cwd, 'root.json'), 'utf8')).toBe(before)
    const shown = await runCommand(['trust', 'root', 'show', 'root.json'], { cwd })
    expect(shown.stdout).toContain(thumbprint)
    expect(shown.stdout + shown.stderr + created.stdout).not.toContain(JSON.parse(before).privateKey.d)
  })

  test('under a passphrase opens only with it', async () => {
    await using folder = await temporaryFolder()
    const cwd = folder.path
    await runCommand(['trust', 'root', 'create', '--out', 'r', '--passphrase'], { cwd, env: PASSPHRASE })
    expect(await readFile(join(cwd, 'r'), 'utf8')).not.toContain('privateKey')
    const argv = delegateWith('r')
    expect((await runCommand(argv, { cwd, env: PASSPHRASE })).exitCode).toBe(0)
    const wrong = await runCommand([...argv, '--json'], {
      cwd,
      env: { KEYHAVEN_ROOT_PASSPHRASE: 'another one' },
    })
    expect(JSON.parse(wrong.stderr).error).toMatchObject({ code: 'OPEN_FAILED' })
    const none = await runCommand(argv, { cwd })
    expect(none.stderr).toContain('no terminal to ask at')
    expect(none.stderr).toContain('KEYHAVEN_ROOT_PASSPHRASE')
  })

  test('asks for the passphrase at a terminal, and does not show it', async () => {
    await using folder = await temporaryFolder()
    const cwd = folder.path
    const argv = ['trust', 'root', 'create', '--out', 'r', '--passphrase']
    const line = 'four wordx\u007fs together\r'
    const created = await runCommand(argv, { cwd, typed: [line, 'four words together\n'] })
    expect(created).toMatchObject({ exitCode: 0, stderr: expect.stringContaining('The same again:') })
    expect(created.stderr + created.stdout).not.toContain('four')
    const sign = delegateWith('r')
    expect((await runCommand(sign, { cwd, typed: ['four words together\r'] })).exitCode).toBe(0)
    const interrupted = await runCommand(sign, { cwd, typed: ['four\u0003'] })
    expect(interrupted).toMatchObject({ exitCode: 130, stdout: '' })
    const differ = await runCommand([...argv.slice(0, 4), 's', '--passphrase'], {
      cwd,
      typed: [line, 'another one\r'],
    })
    expect(differ.stderr).toContain('the two passphrases differ')
    expect(differ.exitCode).toBe(2)
  })

  test('refuses a short passphrase', async () => {
    await using folder = await temporaryFolder()
    const env = { KEYHAVEN_ROOT_PASSPHRASE: 'short' }
    const result = await runCommand(['trust', 'root', 'create', '--out', 'r', '--passphrase'], {
      cwd: folder.path,
      env,
    })
    expect(result.stderr).toContain('at least 12 characters')
    expect(result.exitCode).toBe(2)
    await expect(stat(join(folder.path, 'r'))).rejects.toThrow('ENOENT')
  })

  test.each([
    ['a missing file', undefined, 4, 'Check the file name'],
    ['no JSON', 'hello', 2, 'not a JSON object'],
    ['another format', '{"format":"x"}', 2, 'not a root key file'],
    ['a newer version', '{"format":"keyhaven-root-key","version":2}', 1, 'version 2'],
    [
      'no key',
      '{"format":"keyhaven-root-key","version":1,"thumbprint":"x","createdAt":""}',
      2,
      'not a root key',
    ],
  ])('%s is refused', async (_name, content, exitCode, message) => {
    await using folder = await temporaryFolder()
    if (content !== undefined) await writeFile(join(folder.path, 'r'), content)
    const result = await runCommand(['trust', 'root', 'show', 'r'], { cwd: folder.path })
    expect(result.stderr).toContain(message)
    expect(result.exitCode).toBe(exitCode)
  })

  test.each([
    ['thumbprint', (file: Altered) => ({ ...file, thumbprint: 'A'.repeat(43) })],
    ['public key', (file: Altered) => ({ ...file, publicKey: { kty: 'OKP', crv: 'Ed25519', x: 'AA' } })],
    ['both secrets', (file: Altered) => ({ ...file, privateKey: {} })],
    ['cost', (file: Altered) => ({ ...file, protected: { ...file.protected, memoryKiB: 2 ** 31 } })],
    ['salt', (file: Altered) => ({ ...file, protected: { ...file.protected, salt: 'AA' } })],
  ])('an altered %s is refused', async (_name, alter) => {
    await using folder = await temporaryFolder()
    const cwd = folder.path
    await runCommand(['trust', 'root', 'create', '--out', 'r', '--passphrase'], { cwd, env: PASSPHRASE })
    await writeFile(join(cwd, 'r'), JSON.stringify(alter(JSON.parse(await readFile(join(cwd, 'r'), 'utf8')))))
    const argv = delegateWith('r')
    const result = await runCommand(argv, { cwd, env: PASSPHRASE })
    expect(result.exitCode).toBeGreaterThan(0)
    expect(result.stderr).toContain('what to do:')
  })
})

test('a private key whose public part is another one does not sign', async () => {
  await using folder = await temporaryFolder()
  const cwd = folder.path
  await runCommand(['trust', 'root', 'create', '--out', 'a'], { cwd })
  await runCommand(['trust', 'root', 'create', '--out', 'b'], { cwd })
  const read = async (name: string) => JSON.parse(await readFile(join(cwd, name), 'utf8'))
  await writeFile(
    join(cwd, 'mixed'),
    JSON.stringify({ ...(await read('a')), privateKey: (await read('b')).privateKey }),
  )
  const argv = delegateWith('mixed')
  const result = await runCommand(argv, { cwd })
  expect(result.stderr).toContain('it was altered')
  expect(result.exitCode).toBe(2)
})

test('a delegation is a JWS that node:crypto verifies, for so many days', async () => {
  await using folder = await temporaryFolder()
  const cwd = folder.path
  const root = JSON.parse(
    (await runCommand(['trust', 'root', 'create', '--out', 'r', '--json'], { cwd })).stdout,
  )
  const manifestKey = JSON.parse(MANIFEST_KEY)
  const result = await runCommand(
    'trust delegate --root r --application demo --epoch 3 --manifest-key - --days 60'.split(' '),
    { cwd, stdin: JSON.stringify({ mode: 'offline', manifestKey }) },
  )
  const [header, payload, signature] = result.stdout.trim().split('.')
  expect(decode(header)).toMatchObject({ alg: 'EdDSA', typ: 'keyhaven-delegation+jws', jwk: root.publicKey })
  const expires = NOW_SECONDS + 60 * 86_400
  expect(decode(payload)).toEqual({
    application: 'demo',
    epoch: 3,
    key: manifestKey,
    issued: NOW_SECONDS,
    expires,
  })
  const key = createPublicKey({ key: root.publicKey, format: 'jwk' })
  expect(verify(null, Buffer.from(`${header}.${payload}`), key, Buffer.from(signature!, 'base64url'))).toBe(
    true,
  )
  expect(result.stderr).toContain(new Date(expires * 1_000).toISOString())
})

test('a private manifest key is not taken', async () => {
  const argv = delegateWith('r', '{"kty":"OKP","crv":"Ed25519","x":"AA","d":"AA"}')
  const result = await runCommand(argv)
  expect(result.stderr).toContain('holds a private key')
  expect(result.exitCode).toBe(2)
})

describe('a manifest', () => {
  async function makeManifest(cwd: string) {
    const root = JSON.parse(
      (await runCommand(['trust', 'root', 'create', '--out', 'r', '--json'], { cwd })).stdout,
    )
    const manifestKey = await backend.signatures.generateKeyPair('EdDSA')
    await writeFile(join(cwd, 'key'), JSON.stringify(manifestKey.publicKey.jwk))
    const line = 'trust delegate --root r --application demo --epoch 3 --manifest-key key'
    const delegation = (await runCommand(line.split(' '), { cwd })).stdout.trim()
    const { publicKey } = await backend.kem.generateKeyPair('x25519')
    const manifest = await signManifest(backend, manifestKey, delegation, {
      application: 'demo',
      epoch: 3,
      sequence: 7,
      issued: NOW_SECONDS,
      expires: NOW_SECONDS + 3_600,
      keys: [
        {
          id: 4,
          suite: { kem: 'x25519', aead: 'aes-256-gcm' },
          publicKey: Buffer.from(publicKey.bytes).toString('base64url'),
          state: 'active',
        },
      ],
    })
    await writeFile(join(cwd, 'm'), `${manifest}\n`)
    return { thumbprint: root.thumbprint as string, manifest }
  }

  test('verifies as an app would see it', async () => {
    await using folder = await temporaryFolder()
    const cwd = folder.path
    const { thumbprint } = await makeManifest(cwd)
    const argv = ['trust', 'verify', 'm', '--application', 'demo', '--root', thumbprint]
    const result = await runCommand(argv, { cwd })
    expect(result.stdout).toMatch(/manifest +valid/)
    expect(result.stdout).toMatch(/4 +active +x25519 aes-256-gcm/)
    const json = JSON.parse((await runCommand([...argv, '--json'], { cwd })).stdout)
    expect(json).toMatchObject({ valid: true, epoch: 3, sequence: 7 })
  })

  test.each([
    ['another application', 'other', 0, 'MANIFEST_INVALID'],
    ['an expired one', 'demo', 3_600, 'MANIFEST_EXPIRED'],
  ])('of %s is refused', async (_name, application, later, code) => {
    await using folder = await temporaryFolder()
    const cwd = folder.path
    const { thumbprint } = await makeManifest(cwd)
    const argv = ['trust', 'verify', 'm', '--application', application, '--root', thumbprint, '--json']
    const result = await runCommand(argv, { cwd, now: () => TEST_NOW + later * 1_000 })
    expect(JSON.parse(result.stderr).error).toMatchObject({ code, exitCode: 1 })
  })

  test('of another root is refused', async () => {
    await using folder = await temporaryFolder()
    const cwd = folder.path
    await makeManifest(cwd)
    const argv = ['trust', 'verify', 'm', '--application', 'demo', '--root', 'A'.repeat(43)]
    const result = await runCommand(argv, { cwd })
    expect(result.stderr).toContain('right root key')
    expect(result.exitCode).toBe(1)
  })

  test('is fetched from the public address', async () => {
    await using folder = await temporaryFolder()
    const cwd = folder.path
    const { thumbprint, manifest } = await makeManifest(cwd)
    const asked: string[] = []
    const served = (async (url: URL) => {
      asked.push(url.href)
      return new Response(manifest)
    }) as unknown as typeof fetch
    const argv = [
      'trust',
      'verify',
      '--application',
      'demo',
      '--root',
      thumbprint,
      '--url',
      'https://keys.example',
    ]
    expect((await runCommand(argv, { fetch: served })).exitCode).toBe(0)
    expect(asked).toEqual(['https://keys.example/gateway/demo/manifest'])
  })
})

test('install takes only a compact JWS', async () => {
  const env = { KEYHAVEN_ADMIN_TOKEN: 'kh_test' }
  const result = await runCommand(['trust', 'install', 'demo', '-'], { env, stdin: 'hello' })
  expect(result.stderr).toContain('not a delegation')
  expect(result.exitCode).toBe(2)
})

describe('switch-root', () => {
  const PATH = '/admin/v1/applications/demo/trust'
  const [ROOT, SPARE, NEW] = ['R'.repeat(43), 'S'.repeat(43), 'N'.repeat(43)]
  const env = { KEYHAVEN_ADMIN_TOKEN: 'kh_test' }
  const trust = (...rootThumbprints: string[]) => ({
    mode: 'online',
    rootThumbprints,
    epoch: 1,
    sequence: 3,
    manifestKey: { kty: 'OKP', crv: 'Ed25519', x: 'AA' },
    delegationExpiresAt: null,
  })
  const switched = { ...trust(SPARE, NEW), epoch: 2, text: 'Ship the new root thumbprints.' }
  const scriptedFor = (answer: object = { json: switched }) =>
    startScriptedAdmin({
      [`GET ${PATH}`]: { json: trust(ROOT, SPARE) },
      [`POST ${PATH}/switch-root`]: answer,
    })
  const argv = (url: string, ...more: string[]) =>
    ['trust', 'switch-root', 'demo', '--reason', 'it leaked', '--server', url].concat(more)

  test('shows both roots, goes on when the application id is typed, and says what to ship', async () => {
    await using admin = await scriptedFor()
    const result = await runCommand(argv(admin.url), { env, stdin: 'demo\n' })
    expect(result.stderr).toContain(`Revoked for ever: root ${ROOT}`)
    expect(result.stderr).toContain(`Signs from now on: ${SPARE}`)
    expect(result.stderr).toContain('Type demo to go on:')
    expect(result.stderr).toContain('Ship the new root thumbprints.')
    expect(result.stdout).toMatch(new RegExp(`${SPARE}\\n.*${NEW}\\nepoch +2`))
    expect(result.exitCode).toBe(0)
    const body = { reason: 'it leaked', rootThumbprint: ROOT }
    expect(admin.seen.at(-1)).toMatchObject({ method: 'POST', body })
  })

  test.each([
    ['another word', 'yes\n', [], 'not confirmed, so nothing was changed'],
    ['no answer', undefined, [], 'there was no answer to the question'],
    ['--json without --yes', 'demo\n', ['--json'], 'with --json nobody is asked'],
  ])('%s changes nothing', async (_name, stdin, more, message) => {
    await using admin = await scriptedFor()
    const result = await runCommand(argv(admin.url, ...more), { env, ...(stdin && { stdin }) })
    expect(result.stderr).toContain(message)
    expect(result.exitCode).toBe(2)
    expect(admin.seen.every((request) => request.method === 'GET')).toBe(true)
  })

  test('--yes --json asks nobody and writes all of the answer', async () => {
    await using admin = await scriptedFor()
    const result = await runCommand(argv(admin.url, '--yes', '--json'), { env })
    expect(JSON.parse(result.stdout)).toEqual(switched)
    expect(result.stderr).toBe('')
  })

  test('a refusal is told in the words of the server', async () => {
    const detail = 'sign a delegation for epoch 2 with the file of the spare root'
    await using admin = await scriptedFor({
      status: 409,
      json: problem('CONFLICT', 409, 'It conflicts', detail),
    })
    const result = await runCommand(argv(admin.url, '--yes'), { env })
    expect(result.stderr).toContain(detail)
    expect(result.exitCode).toBe(1)
  })
})

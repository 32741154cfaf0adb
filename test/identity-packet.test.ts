import { createPrivateKey, generateKeyPairSync } from 'node:crypto'
import { mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { backend, toBase64url } from '@keyhaven/crypto'
import { certificateToPem, encodeCbeff, machineKeyIndex } from '@keyhaven/identity'
import {
  SIMULATED_SCHEMA_JSON,
  simulatedDocument,
  simulatedPerson,
  simulatedRecord,
} from '@keyhaven/identity/simulator'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { runCommand, TEST_NOW, temporaryFolder } from '../packages/cli/test/run-command.ts'
import { testHolder, testKey, testKeyPkcs8 } from '../packages/identity/test/kit/test-keys.ts'

let folder: Awaited<ReturnType<typeof temporaryFolder>>
let packet: string
const at = (...names: string[]): string => join(folder.path, ...names)
const keyhaven = (...argv: string[]) => runCommand(argv, { cwd: folder.path })
const KEYS = ['--key', 'k11.pem', '--certificate', 'k11.crt', '--machine-key', '.mosipkeys/reg.pub']
const COMMON = [
  ...['--station', '10001_10077', '--officer', '110125', '--out', 'out'],
  ...['--machine-key-dir', '.mosipkeys', '--certificate', 'k11.crt'],
]
const NAME = /^\d{29}-10001_10077-20261121080000\.zip$/

beforeAll(async () => {
  folder = await temporaryFolder()
  const k11 = await testHolder(1)
  const machine = await testKey(0)
  const pem = createPrivateKey({ key: Buffer.from(testKeyPkcs8(1)), format: 'der', type: 'pkcs8' })
  await writeFile(at('k11.pem'), pem.export({ format: 'pem', type: 'pkcs8' }))
  await writeFile(at('k11.crt'), certificateToPem(k11.certificate))
  await writeFile(at('k11.der'), k11.certificate.der)
  await mkdir(at('.mosipkeys'))
  await writeFile(at('.mosipkeys', 'reg.key'), testKeyPkcs8(0))
  await writeFile(at('.mosipkeys', 'reg.pub'), machine.publicKey.spki)
  const index = await machineKeyIndex(machine.publicKey.spki)
  await writeFile(
    at('.mosipkeys', 'readme.txt'),
    `MachineName : sim\n\nPublicKey : x\n\nKeyIndex : ${index}\n`,
  )
  await mkdir(at('out'))
  const built = await keyhaven('packet', 'build', '--simulate', 'person-1', ...COMMON)
  expect(built.exitCode, built.stderr).toBe(0)
  packet = `out/${(await readdir(at('out')))[0]}`
})
afterAll(() => folder[Symbol.asyncDispose]())

describe('keyhaven packet build', () => {
  test('writes a packet of a made-up person, for its owner only, and never over another', async () => {
    expect(packet.slice(4)).toMatch(NAME)
    expect((await stat(at(packet))).mode & 0o777).toBe(0o600)
    const again = await keyhaven('packet', 'build', '--simulate', 'person-1', ...COMMON)
    expect(again.exitCode).toBe(1)
    expect(again.stderr).toMatch(/EEXIST|exists/)
  })

  test('writes one of data, documents and biometrics in files', async () => {
    await mkdir(at('documents'))
    await mkdir(at('biometrics'))
    await writeFile(at('schema.json'), JSON.stringify(SIMULATED_SCHEMA_JSON))
    await writeFile(at('data.json'), JSON.stringify(simulatedPerson('person-2').fields))
    await writeFile(at('documents', 'proofOfAddress.pdf'), simulatedDocument('person-2', 'RNC').bytes)
    await writeFile(at('documents', 'documents.json'), '{"proofOfAddress":{"type":"RNC","refNumber":"7"}}')
    await writeFile(
      at('biometrics', 'individualBiometrics.xml'),
      encodeCbeff(simulatedRecord('person-2', 'a', TEST_NOW)),
    )
    const files = ['--data', 'data.json', '--documents', 'documents', '--biometrics', 'biometrics']
    const argv = [
      'packet',
      'build',
      '--schema',
      'schema.json',
      ...files,
      ...COMMON,
      '--sequence',
      '2',
      '--json',
    ]
    const built = await keyhaven(...argv)
    expect(built.exitCode, built.stderr).toBe(0)
    const { file, rid } = JSON.parse(built.stdout)
    expect(rid).toBe('10001100770000220261121080000')
    const verified = await keyhaven('packet', 'verify', file, ...KEYS, '--schema', 'schema.json')
    expect(verified.stdout).toContain('The packet is valid.')
    await rm(at('documents', 'documents.json'))
    const untyped = await keyhaven(...argv)
    expect([untyped.exitCode, untyped.stderr]).toEqual([2, expect.stringContaining('documents.json')])
    const incomplete = await keyhaven(
      ...argv.filter((word) => word !== '--biometrics' && word !== 'biometrics'),
    )
    expect(incomplete.exitCode).toBe(2)
  })

  test('takes a machine key as PEM, as PKCS#8 and as `openssl genpkey -outform DER` writes it', async () => {
    const key = createPrivateKey({ key: Buffer.from(testKeyPkcs8(0)), format: 'der', type: 'pkcs8' })
    const forms = [
      key.export({ format: 'der', type: 'pkcs1' }),
      key.export({ format: 'pem', type: 'pkcs1' }),
      key.export({ format: 'pem', type: 'pkcs8' }),
    ]
    await mkdir(at('forms'))
    await writeFile(at('forms', 'reg.pub'), await readFile(at('.mosipkeys', 'reg.pub')))
    for (const [n, form] of forms.entries()) {
      await writeFile(at('forms', 'reg.key'), form)
      const argv = ['--simulate', 'a', ...COMMON, '--machine-key-dir', 'forms', '--sequence', String(n + 50)]
      const { exitCode, stderr } = await keyhaven('packet', 'build', ...argv)
      expect(exitCode, stderr).toBe(0)
    }
  })

  test('says what is missing or wrong', async () => {
    const refused = async (...argv: string[]) => {
      const { exitCode, stderr } = await keyhaven('packet', 'build', ...argv)
      expect(exitCode).toBe(2)
      return stderr
    }
    expect(await refused(...COMMON)).toContain('--simulate SEED')
    expect(await refused('--simulate', 'a', '--data', 'data.json', ...COMMON)).toContain('--simulate')
    expect(await refused('--simulate', 'a', ...COMMON, '--station', '1_2')).toContain('10001_10077')
    expect(await refused('--simulate', 'a', ...COMMON, '--certificate', 'k11.pem')).toContain(
      'not a certificate',
    )
    await mkdir(at('mixed'))
    await writeFile(at('mixed', 'reg.key'), testKeyPkcs8(2))
    await writeFile(at('mixed', 'reg.pub'), await readFile(at('.mosipkeys', 'reg.pub')))
    expect(await refused('--simulate', 'a', ...COMMON, '--machine-key-dir', 'mixed')).toContain('reg.pub')
    await writeFile(at('mixed', 'reg.pub'), (await testKey(2)).publicKey.spki)
    await writeFile(at('mixed', 'readme.txt'), await readFile(at('.mosipkeys', 'readme.txt')))
    expect(await refused('--simulate', 'a', ...COMMON, '--machine-key-dir', 'mixed')).toContain('readme.txt')
    await writeFile(at('mixed', 'reg.key'), 'no key')
    expect(await refused('--simulate', 'a', ...COMMON, '--machine-key-dir', 'mixed')).toContain(
      'not an RSA key',
    )
  })
})

describe('keyhaven packet inspect', () => {
  test('without a key shows the layer and whom it is for, and nothing of the person', async () => {
    const { stdout, exitCode } = await keyhaven('packet', 'inspect', packet)
    const thumbprint = Buffer.from(await backend.sha256(await readFile(at('k11.der')))).toString('hex')
    expect(exitCode).toBe(0)
    expect(stdout).toContain(thumbprint)
    expect(stdout).toContain('mosip')
    expect(stdout).not.toContain('fullName')
    await writeFile(at('text.zip'), 'no packet')
    expect((await keyhaven('packet', 'inspect', 'text.zip')).stdout).toContain('this is no packet')
  })

  test('with the key shows files and names of fields, the values only with --show', async () => {
    const name = simulatedPerson('person-1').fields.fullName[1]!.value
    const names = await keyhaven('packet', 'inspect', packet, ...KEYS)
    expect(names.stdout).toContain('individualBiometrics_bio_CBEFF.xml')
    expect(names.stdout).toContain('fullName')
    expect(names.stdout + names.stderr).not.toContain(name)
    const json = await keyhaven('packet', 'inspect', packet, ...KEYS, '--json')
    expect(json.stdout).not.toContain(name)
    expect((await keyhaven('packet', 'inspect', packet, ...KEYS, '--show')).stdout).toContain(name)
    expect((await keyhaven('packet', 'inspect', packet, '--show')).exitCode).toBe(2)
  })
})

describe('keyhaven packet verify', () => {
  test('lists the checks that passed', async () => {
    const { stdout, stderr, exitCode } = await keyhaven('packet', 'verify', packet, ...KEYS, '--json')
    expect([exitCode, stderr]).toEqual([0, ''])
    const { valid, passed, failed } = JSON.parse(stdout)
    expect({ valid, failed }).toEqual({ valid: true, failed: null })
    expect(passed).toHaveLength(16)
    expect(passed).toContain('signature of the sub-packet evidence')
  })

  test('names the check that failed', async () => {
    const failure = async (file: string, ...keys: string[]) => {
      const { exitCode, stdout } = await keyhaven(
        'packet',
        'verify',
        file,
        ...(keys.length ? keys : KEYS),
        '--json',
      )
      expect(exitCode).toBe(1)
      return JSON.parse(stdout).failed
    }
    await writeFile(at('other.pub'), (await testKey(2)).publicKey.spki)
    expect(await failure(packet, ...KEYS.slice(0, 4), '--machine-key', 'other.pub')).toBe(
      'signature of the sub-packet id',
    )
    const bytes = await readFile(at(packet))
    const elsewhere = packet.slice(4).replace('10001_10077', '10001_10078')
    await writeFile(at(elsewhere), bytes)
    expect(await failure(elsewhere)).toBe('reference id')
    bytes[bytes.length - 1]! ^= 1
    await writeFile(at('changed.zip'), bytes)
    expect(await failure('changed.zip')).toBe('encryption: it does not open')
    const { stdout } = await keyhaven('packet', 'verify', 'changed.zip', ...KEYS)
    expect(stdout).toBe('failed  encryption: it does not open\n')
  })

  test('says that keys are missing or do not belong together', async () => {
    expect((await keyhaven('packet', 'verify', packet)).exitCode).toBe(2)
    const mixed = await keyhaven('packet', 'verify', packet, ...KEYS, '--key', '.mosipkeys/reg.key')
    expect([mixed.exitCode, mixed.stderr]).toEqual([2, expect.stringContaining('is not the key of')])
    expect((await keyhaven('packet', 'verify', 'nowhere.zip', ...KEYS)).exitCode).toBe(4)
  })
})

describe('--profile keyhaven', () => {
  const OPEN = ['--profile', 'keyhaven', '--key', 'station.key', '--machine-key', 'machine-public.pem']
  const BUILD = [
    ...['--profile', 'keyhaven', '--station', '10001_10077', '--officer', '110125', '--out', 'theirs'],
    ...['--station-keys', 'station.json', '--machine-key', 'machine.pem'],
  ]
  let built: string
  beforeAll(async () => {
    // As `openssl genpkey -algorithm ed25519` writes them.
    const { privateKey, publicKey } = generateKeyPairSync('ed25519')
    await writeFile(at('machine.pem'), privateKey.export({ format: 'pem', type: 'pkcs8' }))
    await writeFile(at('machine.der'), privateKey.export({ format: 'der', type: 'pkcs8' }))
    await writeFile(at('machine.jwk'), JSON.stringify(privateKey.export({ format: 'jwk' })))
    await writeFile(at('machine-public.pem'), publicKey.export({ format: 'pem', type: 'spki' }))
    const other = generateKeyPairSync('ed25519').publicKey
    await writeFile(at('other-public.pem'), other.export({ format: 'pem', type: 'spki' }))
    const station = await backend.kem.generateKeyPair('x-wing')
    const packetKey = toBase64url(station.publicKey.bytes)
    await writeFile(at('station.json'), JSON.stringify({ record: 'a.b.c', packetKey }))
    await writeFile(at('station.key'), toBase64url(await backend.kem.exportPrivateKey(station.privateKey)))
    await mkdir(at('theirs'))
    const { exitCode, stderr, stdout } = await keyhaven(
      ...['packet', 'build', '--simulate', 'person-1', ...BUILD, '--json'],
    )
    expect(exitCode, stderr).toBe(0)
    built = JSON.parse(stdout).file
  })

  test('builds a packet that a processor of the profile opens, and that verify and inspect know', async () => {
    const verified = await keyhaven('packet', 'verify', built, ...OPEN)
    expect(verified.stdout, verified.stderr).toContain('The packet is valid.')
    const outside = await keyhaven('packet', 'inspect', built, '--json')
    expect(JSON.parse(outside.stdout)).toMatchObject({ profile: 'keyhaven' })
    const name = simulatedPerson('person-1').fields.fullName[1]!.value
    const inside = await keyhaven('packet', 'inspect', built, ...OPEN)
    expect(inside.stdout).toContain('individualBiometrics_bio_CBEFF.xml')
    expect(inside.stdout).not.toContain(name)
    expect((await keyhaven('packet', 'inspect', built, ...OPEN, '--show')).stdout).toContain(name)
  })

  test('signs with the machine’s key in any form', async () => {
    for (const [n, key] of ['machine.der', 'machine.jwk'].entries()) {
      const more = ['--machine-key', key, '--sequence', String(n + 7), '--json']
      const { stdout, stderr } = await keyhaven('packet', 'build', '--simulate', 'a', ...BUILD, ...more)
      expect(stderr).toBe('')
      expect((await keyhaven('packet', 'verify', JSON.parse(stdout).file, ...OPEN)).exitCode).toBe(0)
    }
  })

  test('names the check that failed, and opens nothing of the other profile', async () => {
    const failure = async (file: string, ...more: string[]) =>
      JSON.parse((await keyhaven('packet', 'verify', file, ...OPEN, ...more, '--json')).stdout).failed
    expect(await failure(built, '--machine-key', 'other-public.pem')).toMatch(/manifest/)
    const bytes = await readFile(built)
    bytes[bytes.length - 9]! ^= 1
    await writeFile(at('theirs', 'changed.bin'), bytes)
    expect(await failure('theirs/changed.bin')).toBe('encryption: it does not open')
    expect(await failure(packet)).toBe('encryption: it does not open')
    const foreign = await keyhaven('packet', 'verify', built, ...KEYS, '--json')
    expect(JSON.parse(foreign.stdout)).toMatchObject({ valid: false })
  })

  test('says which keys the profile needs', async () => {
    const refused = async (...argv: string[]) => {
      const { exitCode, stderr } = await keyhaven('packet', ...argv)
      expect(exitCode).toBe(2)
      return stderr
    }
    const bare = ['build', '--simulate', 'a', '--station', '10001_10077', '--officer', '110125']
    expect(await refused(...bare)).toContain('--machine-key-dir and --certificate')
    expect(await refused(...bare, '--profile', 'keyhaven')).toContain('--machine-key and --station-keys')
    expect(await refused(...bare, '--profile', 'keyhaven', '--certificate', 'k11.crt')).toContain(
      '--certificate is of the other profile',
    )
    expect(await refused(...bare, '--profile', 'other')).toContain('mosip, keyhaven')
    expect(await refused('verify', built, '--profile', 'keyhaven')).toContain('--key and --machine-key')
    expect(await refused('verify', built, ...OPEN, '--key', 'machine.pem')).toContain(
      'not an X-Wing private key',
    )
    expect(await refused('build', '--simulate', 'a', ...BUILD, '--station-keys', 'machine.pem')).toContain(
      'GET /v1/identity/machines/',
    )
    expect(await refused('build', '--simulate', 'a', ...BUILD, '--machine-key', 'station.json')).toContain(
      'openssl genpkey -algorithm ed25519',
    )
  })
})

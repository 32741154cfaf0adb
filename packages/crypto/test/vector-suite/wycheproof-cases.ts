import type { AeadName, CryptoBackend, Jwk } from '../../src/public-api.ts'
import { AEAD_NONCE_BYTES, fromHex, KeyhavenError } from '../../src/public-api.ts'
import { expectHex, expectRefusal, expectTrue, type VectorCase } from './vector-case.ts'

export interface WycheproofFile<Test, Group = unknown> {
  readonly testGroups: readonly (Group & { readonly tests: readonly Test[] })[]
}

interface TestBase {
  readonly tcId: number
  readonly result: 'valid' | 'invalid' | 'acceptable'
  readonly flags: readonly string[]
}

export interface AeadTest extends TestBase {
  readonly key: string
  readonly iv: string
  readonly aad: string
  readonly msg: string
  readonly ct: string
  readonly tag: string
}
export interface AeadGroup {
  readonly ivSize: number
  readonly keySize: number
}
export interface SignatureTest extends TestBase {
  readonly msg: string
  readonly sig: string
}
export interface SignatureGroup {
  readonly publicKeyJwk: Jwk
}
export interface HkdfTest extends TestBase {
  readonly ikm: string
  readonly salt: string
  readonly info: string
  readonly size: number
  readonly okm: string
}
export interface OaepTest extends TestBase {
  readonly msg: string
  readonly ct: string
  readonly label: string
}
export interface OaepGroup {
  readonly keySize: number
  readonly privateKeyJwk: Jwk
}
export interface X25519Test extends TestBase {
  readonly public: string
  readonly private: string
  readonly shared: string
}

const AES_NAMES: Readonly<Record<number, AeadName>> = { 128: 'aes-128-gcm', 256: 'aes-256-gcm' }
const BITS_PER_BYTE = 8

/** Only 96-bit nonces: HPKE has no others, and another length is a fault of our own caller. */
export function aesGcmCases(backend: CryptoBackend, file: WycheproofFile<AeadTest, AeadGroup>): VectorCase[] {
  return aeadCases(backend, file, (group) => AES_NAMES[group.keySize])
}

export function chaChaCases(backend: CryptoBackend, file: WycheproofFile<AeadTest, AeadGroup>): VectorCase[] {
  return aeadCases(backend, file, () => 'chacha20-poly1305')
}

function aeadCases(
  backend: CryptoBackend,
  file: WycheproofFile<AeadTest, AeadGroup>,
  nameOf: (group: AeadGroup) => AeadName | undefined,
): VectorCase[] {
  const cases: VectorCase[] = []
  for (const group of file.testGroups) {
    const aead = nameOf(group)
    if (!aead || group.ivSize !== AEAD_NONCE_BYTES * BITS_PER_BYTE) continue
    cases.push({
      name: `Wycheproof ${aead}: ${group.tests.length}`,
      run: () => each(group.tests, (item) => aeadTest(backend, aead, item)),
    })
  }
  return cases
}

async function aeadTest(backend: CryptoBackend, aead: AeadName, item: AeadTest): Promise<void> {
  const key = await backend.importAeadKey(aead, fromHex(item.key))
  const nonce = fromHex(item.iv)
  const aad = fromHex(item.aad)
  const sealed = fromHex(item.ct + item.tag)
  if (item.result === 'invalid') {
    await expectRefusal('OPEN_FAILED', 'open', () => key.open(nonce, sealed, aad))
    return
  }
  expectHex(await key.seal(nonce, fromHex(item.msg), aad), item.ct + item.tag, 'sealed')
  expectHex(await key.open(nonce, sealed, aad), item.msg, 'opened')
}

export function signatureCases(
  backend: CryptoBackend,
  algorithm: 'EdDSA' | 'PS256',
  file: WycheproofFile<SignatureTest, SignatureGroup>,
): VectorCase[] {
  return [
    {
      name: `Wycheproof ${algorithm}: ${count(file)}`,
      async run() {
        for (const group of file.testGroups) {
          const key = await backend.signatures.importVerifyKey(algorithm, group.publicKeyJwk)
          await each(group.tests, async (item) => {
            const accepted = await backend.signatures.verify(key, fromHex(item.sig), fromHex(item.msg))
            expectTrue(accepted === (item.result === 'valid'), accepted ? 'accepted' : 'refused')
          })
        }
      },
    },
  ]
}

export function hkdfCases(backend: CryptoBackend, file: WycheproofFile<HkdfTest>): VectorCase[] {
  return [
    {
      name: `Wycheproof HKDF-SHA256: ${count(file)}`,
      async run() {
        for (const group of file.testGroups) {
          await each(group.tests, async (item) => {
            const prk = await backend.hkdfExtract(fromHex(item.salt), fromHex(item.ikm))
            const expand = async () => backend.hkdfExpand(prk, fromHex(item.info), item.size)
            if (item.result === 'valid') expectHex(await expand(), item.okm, 'output')
            else await expectTypeError(expand)
          })
        }
      },
    },
  ]
}

/** Tests with a label are left out: our OAEP has none. */
export function oaepCases(backend: CryptoBackend, file: WycheproofFile<OaepTest, OaepGroup>): VectorCase[] {
  return file.testGroups.map((group) => ({
    name: `Wycheproof RSA-OAEP ${group.keySize}: ${group.tests.length}`,
    run: () =>
      each(
        group.tests.filter((item) => item.label === ''),
        async (item) => {
          const decrypt = async () => backend.rsaOaep.decrypt(group.privateKeyJwk, fromHex(item.ct))
          if (item.result === 'valid') expectHex(await decrypt(), item.msg, 'plaintext')
          else await expectRefusal('OPEN_FAILED', 'decrypt', decrypt)
        },
      ),
  }))
}

/**
 * "Acceptable" are keys that a strict implementation may refuse: none of ours does, but for an all-zero
 * result.
 */
export function x25519Cases(backend: CryptoBackend, file: WycheproofFile<X25519Test>): VectorCase[] {
  return [
    {
      name: `Wycheproof X25519: ${count(file)}`,
      async run() {
        for (const group of file.testGroups) {
          await each(group.tests, async (item) => {
            const agree = async () => backend.x25519(fromHex(item.private), fromHex(item.public))
            if (item.flags.includes('ZeroSharedSecret')) await expectRefusal('OPEN_FAILED', 'agree', agree)
            else expectHex(await agree(), item.shared, 'shared secret')
          })
        }
      },
    },
  ]
}

async function expectTypeError(operation: () => Promise<unknown>): Promise<void> {
  try {
    await operation()
  } catch (error) {
    expectTrue(error instanceof TypeError && !(error instanceof KeyhavenError), `got ${error}`)
    return
  }
  throw new Error('accepted')
}

/** Runs every test of a group, so that one failure does not hide the rest. */
async function each<T extends TestBase>(tests: readonly T[], run: (item: T) => Promise<void>): Promise<void> {
  const failures: string[] = []
  for (const item of tests) {
    try {
      await run(item)
    } catch (error) {
      failures.push(`tcId ${item.tcId} (${item.result}, ${item.flags.join()}): ${(error as Error).message}`)
    }
  }
  if (failures.length > 0) throw new Error(failures.join('\n'))
}

function count(file: WycheproofFile<unknown>): number {
  return file.testGroups.reduce((sum, group) => sum + group.tests.length, 0)
}

import type { AeadName, CryptoBackend, KemName } from '../../src/public-api.ts'
import {
  AEAD_KEY_BYTES,
  fromHex,
  KEM_ENCAPSULATED_KEY_BYTES,
  KEM_IDS,
  KEM_PRIVATE_KEY_BYTES,
  KEM_PUBLIC_KEY_BYTES,
  utf8,
} from '../../src/public-api.ts'
import { expectHex, expectRefusal, expectTrue, type VectorCase } from './vector-case.ts'

const KEMS = Object.keys(KEM_IDS) as KemName[]
const AEADS = Object.keys(AEAD_KEY_BYTES) as AeadName[]
const INFO = utf8('refusals')
const AAD = utf8('associated')
const PLAINTEXT = utf8('payload')
/**
 * An encapsulated key is long; every n-th byte of it is enough. X-Wing's last 32 bytes are its X25519 half.
 */
const ENC_STEP = 37

/** What must be refused, and that every refusal of one kind is the same. */
export function refusalCases(backend: CryptoBackend): VectorCase[] {
  return [
    ...KEMS.flatMap((kem) => [
      { name: `${kem}: each cut, extra byte and flipped bit`, run: () => mutations(backend, kem) },
      { name: `${kem}: keys of a wrong length`, run: () => wrongLengths(backend, kem) },
      { name: `${kem}: another recipient, info or AAD`, run: () => wrongContext(backend, kem) },
      { name: `${kem}: a failure leaves the sequence number`, run: () => sequence(backend, kem) },
    ]),
    ...AEADS.map((aead) => ({ name: `${aead}: every mutation`, run: () => aeadMutations(backend, aead) })),
    { name: 'p-256: points off the curve', run: () => invalidPoints(backend) },
    { name: 'x25519: an all-zero result', run: () => allZero(backend) },
    { name: 'x-wing: an ML-KEM key over the modulus', run: () => overModulus(backend) },
    { name: 'signatures: every flipped bit, cut and extra byte', run: () => signatures(backend) },
    { name: 'signing keys: public and private part differ', run: () => mismatchedPair(backend) },
  ]
}

function flip(bytes: Uint8Array, bit: number): Uint8Array {
  const copy = Uint8Array.from(bytes)
  copy[bit >> 3]! ^= 1 << (bit & 7)
  return copy
}

function extended(bytes: Uint8Array): Uint8Array {
  const copy = new Uint8Array(bytes.length + 1)
  copy.set(bytes)
  return copy
}

/** Cuts at every length, one byte more, and every single flipped bit (of each n-th byte). */
function* mutated(bytes: Uint8Array, step = 1): Generator<Uint8Array> {
  for (let length = 0; length < bytes.length; length += step) yield bytes.slice(0, length)
  yield extended(bytes)
  for (let at = 0; at < bytes.length; at += step) {
    for (let bit = 0; bit < 8; bit++) yield flip(bytes, at * 8 + bit)
  }
}

async function exchange(backend: CryptoBackend, kem: KemName) {
  const suite = { kem, aead: 'aes-256-gcm' } as const
  const keys = await backend.kem.generateKeyPair(kem)
  const sender = await backend.hpke.setupSender(suite, keys.publicKey, INFO)
  return { suite, keys, sender, sealed: await sender.seal(PLAINTEXT, AAD) }
}

async function mutations(backend: CryptoBackend, kem: KemName): Promise<void> {
  const { suite, keys, sender, sealed } = await exchange(backend, kem)
  const recipient = await backend.hpke.setupRecipient(suite, keys.privateKey, sender.enc, INFO)
  const messages = new Set<string>()
  for (const bytes of mutated(sealed)) {
    const error = await expectRefusal('OPEN_FAILED', 'ciphertext', () => recipient.open(bytes, AAD))
    messages.add(`${error.message} ${String(error.cause)}`)
  }
  for (const enc of mutated(sender.enc, ENC_STEP)) {
    // RFC 7748 §5: the top bit of an X25519 value is ignored; it is still bound through the key schedule.
    const error = await expectRefusal('OPEN_FAILED', 'encapsulated key', async () => {
      const other = await backend.hpke.setupRecipient(suite, keys.privateKey, enc, INFO)
      await other.open(sealed, AAD)
    })
    messages.add(`${error.message} ${String(error.cause)}`)
  }
  expectTrue(messages.size === 1, `refusals differ: ${[...messages].join(' / ')}`)
  expectHex(await recipient.open(sealed, AAD), '7061796c6f6164', 'the true one still opens')
}

async function wrongLengths(backend: CryptoBackend, kem: KemName): Promise<void> {
  const { privateKey } = await backend.kem.generateKeyPair(kem)
  const suite = { kem, aead: 'aes-256-gcm' } as const
  for (const by of [-1, 1]) {
    const publicBytes = new Uint8Array(KEM_PUBLIC_KEY_BYTES[kem] + by).fill(1)
    const privateBytes = new Uint8Array(KEM_PRIVATE_KEY_BYTES[kem] + by).fill(1)
    const enc = new Uint8Array(KEM_ENCAPSULATED_KEY_BYTES[kem] + by).fill(1)
    await expectRefusal('WIRE_MALFORMED', 'public', () => backend.kem.importPublicKey(kem, publicBytes))
    await expectRefusal('WIRE_MALFORMED', 'private', () => backend.kem.importPrivateKey(kem, privateBytes))
    await expectRefusal('OPEN_FAILED', 'enc', () => backend.hpke.setupRecipient(suite, privateKey, enc, INFO))
  }
}

async function wrongContext(backend: CryptoBackend, kem: KemName): Promise<void> {
  const { suite, keys, sender, sealed } = await exchange(backend, kem)
  const stranger = await backend.kem.generateKeyPair(kem)
  const attempts = [
    [stranger.privateKey, INFO, AAD],
    [keys.privateKey, utf8('refusal'), AAD],
    [keys.privateKey, INFO, new Uint8Array(0)],
  ] as const
  for (const [privateKey, info, aad] of attempts) {
    await expectRefusal('OPEN_FAILED', 'context', async () => {
      const recipient = await backend.hpke.setupRecipient(suite, privateKey, sender.enc, info)
      await recipient.open(sealed, aad)
    })
  }
}

async function sequence(backend: CryptoBackend, kem: KemName): Promise<void> {
  const { suite, keys, sender, sealed } = await exchange(backend, kem)
  const second = await sender.seal(PLAINTEXT, AAD)
  const recipient = await backend.hpke.setupRecipient(suite, keys.privateKey, sender.enc, INFO)
  await expectRefusal('OPEN_FAILED', 'out of order', () => recipient.open(second, AAD))
  expectHex(await recipient.open(sealed, AAD), '7061796c6f6164', 'first')
  await expectRefusal('OPEN_FAILED', 'a second time', () => recipient.open(sealed, AAD))
  expectHex(await recipient.open(second, AAD), '7061796c6f6164', 'second')
}

async function aeadMutations(backend: CryptoBackend, aead: AeadName): Promise<void> {
  const bytes = backend.randomBytes(AEAD_KEY_BYTES[aead])
  const key = await backend.importAeadKey(aead, bytes)
  bytes.fill(0)
  const nonce = backend.randomBytes(12)
  const sealed = await key.seal(nonce, PLAINTEXT, AAD)
  for (const other of mutated(sealed)) {
    await expectRefusal('OPEN_FAILED', 'ciphertext', () => key.open(nonce, other, AAD))
  }
  for (const other of mutated(AAD)) {
    await expectRefusal('OPEN_FAILED', 'associated data', () => key.open(nonce, sealed, other))
  }
  expectHex(await key.open(nonce, sealed, AAD), '7061796c6f6164', 'the true one still opens')
}

async function invalidPoints(backend: CryptoBackend): Promise<void> {
  const { publicKey, privateKey } = await backend.kem.generateKeyPair('p-256')
  const offCurve = flip(publicKey.bytes, 64 * 8)
  const atInfinity = new Uint8Array(KEM_PUBLIC_KEY_BYTES['p-256'])
  const hybridForms = [0x06, 0x07].map((form) => Uint8Array.from([form, ...publicKey.bytes.subarray(1)]))
  const suite = { kem: 'p-256', aead: 'aes-256-gcm' } as const
  for (const point of [offCurve, atInfinity, ...hybridForms]) {
    await expectRefusal('WIRE_MALFORMED', 'public key', () => backend.kem.importPublicKey('p-256', point))
    await expectRefusal('OPEN_FAILED', 'enc', () =>
      backend.hpke.setupRecipient(suite, privateKey, point, INFO),
    )
  }
  const order = fromHex('ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551')
  await backend.kem.importPrivateKey('p-256', flip(order, 31 * 8))
  for (const scalar of [new Uint8Array(32), order, new Uint8Array(32).fill(0xff)]) {
    await expectRefusal('WIRE_MALFORMED', 'scalar', () => backend.kem.importPrivateKey('p-256', scalar))
  }
}

/** RFC 9180 §7.1.4: points of low order give an all-zero X25519 result. */
async function allZero(backend: CryptoBackend): Promise<void> {
  const zero = new Uint8Array(32)
  const one = new Uint8Array(32)
  one[0] = 1
  for (const [kem, prefix] of [
    ['x25519', 0],
    ['x-wing', 1088],
  ] as const) {
    const { publicKey, privateKey } = await backend.kem.generateKeyPair(kem)
    const suite = { kem, aead: 'aes-256-gcm' } as const
    for (const point of [zero, one]) {
      const enc = new Uint8Array(prefix + 32)
      enc.set(point, prefix)
      await expectRefusal('OPEN_FAILED', `${kem} enc`, () =>
        backend.hpke.setupRecipient(suite, privateKey, enc, INFO),
      )
      const recipient = Uint8Array.from(publicKey.bytes)
      recipient.set(point, recipient.length - 32)
      await expectRefusal('WIRE_MALFORMED', `${kem} recipient`, async () =>
        backend.hpke.setupSender(suite, await backend.kem.importPublicKey(kem, recipient), INFO),
      )
    }
  }
  await expectRefusal('OPEN_FAILED', 'x25519', () => backend.x25519(backend.randomBytes(32), zero))
}

/** FIPS 203 §7.2. */
async function overModulus(backend: CryptoBackend): Promise<void> {
  const { publicKey } = await backend.kem.generateKeyPair('x-wing')
  for (const at of [0, 1_149]) {
    const bytes = Uint8Array.from(publicKey.bytes)
    bytes.fill(0xff, at, at + 3)
    await expectRefusal('WIRE_MALFORMED', 'public key', () => backend.kem.importPublicKey('x-wing', bytes))
  }
}

async function signatures(backend: CryptoBackend): Promise<void> {
  for (const algorithm of ['EdDSA', 'ES256'] as const) {
    const key = await backend.signatures.generateKeyPair(algorithm)
    const signature = await backend.signatures.sign(key, PLAINTEXT)
    for (const other of mutated(signature)) {
      expectTrue(!(await backend.signatures.verify(key.publicKey, other, PLAINTEXT)), `${algorithm} accepted`)
    }
    expectTrue(!(await backend.signatures.verify(key.publicKey, signature, AAD)), `${algorithm} other data`)
    expectTrue(await backend.signatures.verify(key.publicKey, signature, PLAINTEXT), `${algorithm} refused`)
  }
}

async function mismatchedPair(backend: CryptoBackend): Promise<void> {
  for (const algorithm of ['EdDSA', 'ES256'] as const) {
    const [first, second] = [
      await backend.signatures.generateKeyPair(algorithm),
      await backend.signatures.generateKeyPair(algorithm),
    ]
    const secret = await backend.signatures.exportSigningKey(first)
    const mixed = { ...secret, ...second.publicKey.jwk }
    await expectRefusal('WIRE_MALFORMED', algorithm, () =>
      backend.signatures.importSigningKey(algorithm, mixed),
    )
    await backend.signatures.importSigningKey(algorithm, secret)
  }
}

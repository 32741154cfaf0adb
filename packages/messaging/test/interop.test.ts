import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { fileURLToPath } from 'node:url'
import { fromBase64url, type Jwk, nodeBackend, toBase64url } from '@keyhaven/crypto/node'
import { CompactEncrypt, calculateJwkThumbprint, compactDecrypt, compactVerify, importJWK } from 'jose'
import { beforeEach, describe, expect, test } from 'vitest'
import type { ProfileName } from '../src/directory-port.ts'
import { decodeEnvelope } from '../src/wire/envelope.ts'
import { readNegotiation } from '../src/wire/negotiation.ts'
import { unwrapKey, wrapKey } from '../src/wire/wrapped-key.ts'
import { codeOf, createWorld, type TestDevice, type World } from './kit/people.ts'

const SCRIPT = fileURLToPath(new URL('fixtures/interop.py', import.meta.url))
const ALGORITHMS = {
  'x-wing': 'EdDSA',
  x25519: 'EdDSA',
  rsa3072: 'PS256',
  'rsa1024-legacy': 'RS256',
} as const
const RSA_PROFILES = ['rsa3072', 'rsa1024-legacy'] as const
const NOTHING = new Uint8Array(0)

let world: World

beforeEach(async () => {
  world = await createWorld()
})

/** Asks the program that was written from docs/formats.md alone. */
// biome-ignore lint/suspicious/noExplicitAny: tests look at any member
function python(action: 'open' | 'make' | 'record', given: object): any {
  const input = JSON.stringify({ [action]: given })
  // Unbuffered, Python takes a cut write for a whole one.
  const env = { ...process.env, PYTHONUNBUFFERED: '' }
  return JSON.parse(execFileSync('python3', [SCRIPT], { input, env, encoding: 'utf8', stdio: 'pipe' }))
}

const device = (username: string, profile: ProfileName): Promise<TestDevice> =>
  world.device(username, { profile, settings: { allowLegacy: true } })

/** The private keys, as a client of another make would have its own. */
async function privateKeysOf({ store, keys }: TestDevice): Promise<{ signing: Jwk; encryption: Jwk }> {
  const read = async (key: string) => JSON.parse(Buffer.from((await store.get(key))!.value).toString('utf8'))
  const { current } = await read('device/identity')
  const { privateJwk } = await read(`device/encryption/${keys.encryptionKey.thumbprint}`)
  return { signing: current.signing, encryption: privateJwk }
}

async function asClient(one: TestDevice) {
  const { username, device: id, entry } = one.keys
  const { head, sequence } = await world.directory.state(username)
  const { signing, encryption } = await privateKeysOf(one)
  return { username, device: id, entry, head, sequence, signingKey: signing, privateKey: encryption }
}

const asRecipient = ({ keys }: TestDevice) => ({
  username: keys.username,
  device: keys.device,
  entry: keys.entry,
  encryptionKey: keys.encryptionKey.publicJwk,
})

describe('with python3-cryptography, by a client written from docs/formats.md', () => {
  test.each([
    ...RSA_PROFILES.flatMap((profile) => RSA_PROFILES.map((to) => [profile, to] as const)),
    ['x25519', 'rsa3072'],
    ['rsa3072', 'x25519'],
    ['x25519', 'x25519'],
  ] as const)('what %s sends, a client of %s opens', async (profile, recipientProfile) => {
    const sender = await device('anna', profile)
    const recipient = await device('ben', recipientProfile)
    const me = await asClient(recipient)
    const common = { me, senderKey: sender.keys.signingKey.jwk, algorithm: ALGORITHMS[profile] }
    for (const text of ['first', 'zweite, mit Umlaut: ü', '三']) {
      const { envelope } = await sender.messenger.encrypt('ben', text)
      const opened = python('open', { ...common, envelope })
      expect(opened).toMatchObject({ text, isText: true, profile, issued: world.directory.now })
      expect(fromBase64url(opened.key)).toHaveLength(profile === 'rsa1024-legacy' ? 16 : 32)
    }
  })

  test('and its answers mean something: a changed signature, key, number or text does not open', async () => {
    const sender = await device('anna', 'rsa3072')
    const recipient = await device('ben', 'rsa3072')
    const stranger = await device('carol', 'rsa3072')
    const { envelope } = await sender.messenger.encrypt('ben', 'hello')
    const me = await asClient(recipient)
    const given = { me, senderKey: sender.keys.signingKey.jwk, algorithm: 'PS256', envelope }
    expect(python('open', given).text).toBe('hello')
    const json = JSON.parse(envelope)
    const changed: object[] = [
      { ...given, senderKey: stranger.keys.signingKey.jwk },
      { ...given, me: { ...me, privateKey: (await asClient(stranger)).privateKey } },
      { ...given, envelope: JSON.stringify({ ...json, n: 1 }) },
      { ...given, envelope: JSON.stringify({ ...json, ciphertext: `A${json.ciphertext.slice(1)}` }) },
      { ...given, envelope: JSON.stringify({ ...json, application: 'other' }) },
    ]
    for (const one of changed) expect(() => python('open', one)).toThrow(/Command failed/)
  })

  test.each(RSA_PROFILES.flatMap((profile) => RSA_PROFILES.map((to) => [profile, to] as const)))(
    'what a client of %s makes, %s opens and answers',
    async (profile, recipientProfile) => {
      const sender = await device('anna', profile)
      const recipient = await device('ben', recipientProfile)
      const made = python('make', {
        profile,
        application: 'demo',
        me: await asClient(sender),
        recipient: asRecipient(recipient),
        issued: world.directory.now,
        texts: ['one', 'two', 'trois, é'],
      })
      const [one, two, three] = made.envelopes as [string, string, string]
      // Out of order, and one twice.
      for (const [envelope, text] of [
        [two, 'two'],
        [one, 'one'],
        [three, 'trois, é'],
      ] as const) {
        expect(await recipient.messenger.decrypt(envelope)).toMatchObject({
          text,
          from: { username: 'anna' },
        })
      }
      expect(await codeOf(recipient.messenger.decrypt(two))).toBe('DUPLICATE')
      const answer = await recipient.messenger.encrypt('anna', 'answer')
      expect((await sender.messenger.decrypt(answer.envelope)).text).toBe('answer')
    },
  )

  test('a legacy envelope is refused where the profile is not switched on', async () => {
    const sender = await device('anna', 'rsa1024-legacy')
    const strict = await world.device('ben', { profile: 'rsa3072' })
    const { envelopes } = python('make', {
      profile: 'rsa1024-legacy',
      application: 'demo',
      me: await asClient(sender),
      recipient: asRecipient(strict),
      issued: world.directory.now,
      texts: ['weak'],
    })
    expect(await codeOf(strict.messenger.decrypt(envelopes[0]))).toBe('SUITE_REFUSED')
  })

  test.each(['rsa3072', 'rsa1024-legacy', 'x25519'] as const)(
    'records of %s: the entry, the device request in it, a renewal by the old key',
    async (profile) => {
      const anna = await device('anna', profile)
      const first = anna.keys.signingKey.jwk
      if (profile !== 'rsa1024-legacy') await world.directory.record(anna.keys)
      const { users } = await world.directory.snapshot()
      const { entries } = users.find(([username]) => username === 'anna')![1]
      for (const [at, entry] of entries.entries()) {
        const record = python('record', { entry, signer: first, algorithm: ALGORITHMS[profile] })
        expect(record.entry).toMatchObject({ v: 1, kind: 'device', username: 'anna', sequence: at })
        const key = at === 0 ? first : anna.keys.signingKey.jwk
        expect(record.request).toMatchObject({ profile, signingKey: key, device: anna.keys.device })
        const next = await world.directory.state('anna')
        if (at === entries.length - 1) expect(next.head).toBe(record.hash)
      }
    },
  )
})

describe('with jose', () => {
  test.each(['rsa3072', 'x25519', 'x-wing'] as const)('the negotiation of %s', async (profile) => {
    const sender = await device('anna', profile)
    const recipient = await device('ben', 'rsa3072')
    const { negotiation } = decodeEnvelope((await sender.messenger.encrypt('ben', 'hello')).envelope)
    const algorithm = ALGORITHMS[profile]
    const verified = await compactVerify(
      negotiation!.jws,
      await importJWK(sender.keys.signingKey.jwk as never, algorithm),
    )
    expect(verified.protectedHeader).toEqual({ alg: algorithm, typ: 'keyhaven-negotiation+jws' })
    const payload = JSON.parse(new TextDecoder().decode(verified.payload))
    expect(payload).toEqual(readNegotiation(negotiation!.jws))
    const thumbprint = await calculateJwkThumbprint(recipient.keys.encryptionKey.publicJwk as never)
    expect(payload.recipients).toMatchObject([{ username: 'ben', key: thumbprint }])
  })

  test('no key of 1,024 bits: jose refuses what is weak, and python3-cryptography stands in above', async () => {
    const sender = await device('anna', 'rsa1024-legacy')
    await device('ben', 'rsa3072')
    const { negotiation } = decodeEnvelope((await sender.messenger.encrypt('ben', 'hello')).envelope)
    const key = await importJWK(sender.keys.signingKey.jwk as never, 'RS256')
    await expect(compactVerify(negotiation!.jws, key)).rejects.toThrow(/2048/)
  })

  test('a session key that is wrapped for rsa3072 is an RSA-OAEP-256 key of a JWE', async () => {
    const sender = await device('anna', 'x-wing')
    const recipient = await device('ben', 'rsa3072')
    const { negotiation } = decodeEnvelope((await sender.messenger.encrypt('ben', 'hello')).envelope)
    const wrapped = negotiation!.keys[recipient.keys.device]!
    const { encryptionKey } = recipient.keys
    const sessionKey = await unwrapKey(nodeBackend, encryptionKey, NOTHING, wrapped)
    const header = toBase64url(new TextEncoder().encode('{"alg":"RSA-OAEP-256","enc":"A256GCM"}'))
    const nonce = randomBytes(12)
    const aead = await nodeBackend.importAeadKey('aes-256-gcm', sessionKey)
    const sealed = await aead.seal(
      nonce,
      new TextEncoder().encode('content'),
      new TextEncoder().encode(header),
    )
    const parts = [nonce, sealed.subarray(0, -16), sealed.subarray(-16)].map(toBase64url)
    const { encryption } = await privateKeysOf(recipient)
    const privateKey = await importJWK(encryption as never, 'RSA-OAEP-256')
    const opened = await compactDecrypt([header, wrapped, ...parts].join('.'), privateKey)
    expect(new TextDecoder().decode(opened.plaintext)).toBe('content')
  })

  test('a key that jose wraps with RSA-OAEP-256 opens here', async () => {
    const recipient = await device('ben', 'rsa3072')
    const publicKey = await importJWK(recipient.keys.encryptionKey.publicJwk as never, 'RSA-OAEP-256')
    const jwe = await new CompactEncrypt(new TextEncoder().encode('content'))
      .setProtectedHeader({ alg: 'RSA-OAEP-256', enc: 'A256GCM' })
      .encrypt(publicKey)
    const [header, wrapped, nonce, ciphertext, tag] = jwe.split('.') as [
      string,
      string,
      string,
      string,
      string,
    ]
    const key = await unwrapKey(nodeBackend, recipient.keys.encryptionKey, NOTHING, wrapped)
    const aead = await nodeBackend.importAeadKey('aes-256-gcm', key)
    const sealed = Buffer.concat([fromBase64url(ciphertext), fromBase64url(tag)])
    const plaintext = await aead.open(fromBase64url(nonce), sealed, new TextEncoder().encode(header))
    expect(new TextDecoder().decode(plaintext)).toBe('content')
    // And what is wrapped here for a key of jose's making.
    const other = await wrapKey(nodeBackend, recipient.keys.encryptionKey.publicJwk, NOTHING, key)
    expect(await unwrapKey(nodeBackend, recipient.keys.encryptionKey, NOTHING, other)).toEqual(key)
  })
})

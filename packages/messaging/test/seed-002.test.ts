import {
  decodeJwsHeader,
  fromBase64url,
  jwkThumbprint,
  nodeBackend,
  toBase64url,
} from '@keyhaven/crypto/node'
import { beforeEach, describe, expect, test } from 'vitest'
import { decodeEnvelope } from '../src/wire/envelope.ts'
import { commitmentOf, readNegotiation, verifyNegotiation } from '../src/wire/negotiation.ts'
import { unwrapKey, wrapInfo } from '../src/wire/wrapped-key.ts'
import { codeOf, createWorld, type TestDevice, type World } from './kit/people.ts'

let world: World
let a: TestDevice
let b: TestDevice

beforeEach(async () => {
  world = await createWorld()
  a = await world.device('client-a')
  b = await world.device('client-b')
})

async function negotiated(sender = a, recipient = b) {
  const { envelope } = await sender.messenger.encrypt(recipient.keys.username, 'hello')
  const decoded = decodeEnvelope(envelope)
  return { envelope, decoded, payload: readNegotiation(decoded.negotiation!.jws) }
}

async function sessionKeyOf(
  sender: TestDevice,
  recipient: TestDevice,
  envelope: string,
): Promise<Uint8Array> {
  const decoded = decodeEnvelope(envelope)
  const payload = readNegotiation(decoded.negotiation!.jws)
  const mine = payload.recipients.find(({ device }) => device === recipient.keys.device)!
  const info = wrapInfo({
    application: 'demo',
    session: payload.session,
    sender: payload.sender,
    recipient: mine,
  })
  const key = await recipient.keys.findEncryptionKey(mine.key)
  expect(sender.keys.device).toBe(payload.sender.device)
  return unwrapKey(nodeBackend, key!, info, decoded.negotiation!.keys[recipient.keys.device]!)
}

describe('Key Negotiation Process', () => {
  test('1. clients generate keys on the device and publish the public ones under their username', async () => {
    const state = await world.directory.state('client-b')
    expect(state.devices.map(({ device }) => device)).toEqual([b.keys.device])
    expect(state.devices[0]!.record.signingKey).toEqual(b.keys.signingKey.jwk)
    expect(JSON.stringify(state)).not.toContain('"d"')
  })

  test("2. client A gets client B's key information by B's username", async () => {
    const before = world.directory.lookUps
    await a.messenger.encrypt('client-b', 'hello')
    expect(world.directory.lookUps).toBeGreaterThan(before)
    expect(await codeOf(a.messenger.encrypt('nobody', 'hello'))).toBe('NOT_FOUND')
  })

  test("3. client A checks the validity of B's key and proceeds with a valid key only", async () => {
    const b2 = await world.device('client-b', { approver: b })
    await world.directory.revokeByOperator('client-b', b2.keys.device)
    const sent = await a.messenger.encrypt('client-b', 'hello')
    expect(sent.recipients.map(({ device }) => device)).toEqual([b.keys.device])
    expect(sent.leftOut).toMatchObject([
      { username: 'client-b', device: b2.keys.device, code: 'DEVICE_REVOKED' },
    ])
    world.clock.advance(100 * 86_400)
    expect(await codeOf(a.messenger.encrypt('client-b', 'hello'))).toBe('KEY_EXPIRED')
  })

  test('4. client A generates a random symmetric key, another for each session', async () => {
    const first = await sessionKeyOf(a, b, (await negotiated()).envelope)
    a.messenger.renewSession('client-b')
    const second = await sessionKeyOf(a, b, (await negotiated()).envelope)
    expect(first).toHaveLength(32)
    expect(toBase64url(first)).not.toBe(toBase64url(second))
  })

  test("5. client A encrypts the symmetric key with B's public key", async () => {
    const { decoded, payload } = await negotiated()
    const thumbprint = await jwkThumbprint(nodeBackend, b.keys.encryptionKey.publicJwk)
    expect(payload.recipients).toMatchObject([{ username: 'client-b', key: thumbprint }])
    expect(Object.keys(decoded.negotiation!.keys)).toEqual([b.keys.device])
  })

  test("6. client A hashes the symmetric key with SHA-256 and signs the hash with A's private key", async () => {
    const { envelope, decoded, payload } = await negotiated()
    const key = await sessionKeyOf(a, b, envelope)
    const commitment = await commitmentOf(nodeBackend, 'x25519', payload.session, key)
    expect(payload.commitment).toBe(toBase64url(commitment))
    expect(decodeJwsHeader(decoded.negotiation!.jws)).toEqual({
      alg: 'EdDSA',
      typ: 'keyhaven-negotiation+jws',
    })
    await verifyNegotiation(nodeBackend, a.keys.signingKey, decoded.negotiation!.jws)
  })

  test('7. encrypted key and signature are attached to the message', async () => {
    const { decoded } = await negotiated()
    expect(decoded.negotiation!.jws.split('.')).toHaveLength(3)
    expect(decoded.ciphertext.length).toBeGreaterThan(0)
  })

  test("8. client B obtains A's public key by A's username", async () => {
    const { envelope } = await negotiated()
    world.directory.failing.set('client-a', 'RATE_LIMITED')
    expect(await codeOf(b.messenger.decrypt(envelope))).toBe('RATE_LIMITED')
    world.directory.failing.clear()
    expect((await b.messenger.decrypt(envelope)).from.username).toBe('client-a')
  })

  test("9. client B checks the validity of A's key and proceeds with a valid key only", async () => {
    const { envelope } = await negotiated()
    await world.directory.revokeByOperator('client-a', a.keys.device)
    expect(await codeOf(b.messenger.decrypt(envelope))).toBe('SENDER_REVOKED')
  })

  test('10. client B extracts encrypted key and signature from the message', async () => {
    const { envelope } = await negotiated()
    const json = JSON.parse(envelope) as { negotiation: { jws: string; keys: Record<string, string> } }
    for (const negotiation of [
      { jws: json.negotiation.jws },
      { keys: json.negotiation.keys },
      { ...json.negotiation, more: 1 },
    ]) {
      expect(await codeOf(b.messenger.decrypt(JSON.stringify({ ...json, negotiation })))).toBe(
        'WIRE_MALFORMED',
      )
    }
    expect((await b.messenger.decrypt(envelope)).text).toBe('hello')
  })

  test('11. client B decrypts the symmetric key with its private key', async () => {
    const { envelope } = await negotiated()
    expect(await sessionKeyOf(a, b, envelope)).toHaveLength(32)
    const json = JSON.parse(envelope) as { negotiation: { keys: Record<string, string> } }
    const wrapped = fromBase64url(json.negotiation.keys[b.keys.device]!)
    wrapped[40]! ^= 1
    json.negotiation.keys[b.keys.device] = toBase64url(wrapped)
    expect(await codeOf(b.messenger.decrypt(JSON.stringify(json)))).toBe('OPEN_FAILED')
  })

  test('12. client B computes the hash of the symmetric key: that of another session does not fit', async () => {
    const { envelope } = await negotiated()
    a.messenger.renewSession('client-b')
    const [one, two] = [JSON.parse(envelope), JSON.parse((await negotiated()).envelope)]
    const mixed = { ...one, negotiation: { jws: one.negotiation.jws, keys: two.negotiation.keys } }
    expect(await codeOf(b.messenger.decrypt(JSON.stringify(mixed)))).toBe('OPEN_FAILED')
    const swapped = { ...one, negotiation: { jws: two.negotiation.jws, keys: one.negotiation.keys } }
    expect(await codeOf(b.messenger.decrypt(JSON.stringify(swapped)))).toBe('SIGNATURE_INVALID')
  })

  test("13. client B verifies the signature with the hash and A's public key", async () => {
    const one = JSON.parse((await negotiated()).envelope)
    const [head, body, signature] = one.negotiation.jws.split('.') as [string, string, string]
    const bytes = fromBase64url(signature)
    bytes[0]! ^= 1
    one.negotiation.jws = `${head}.${body}.${toBase64url(bytes)}`
    expect(await codeOf(b.messenger.decrypt(JSON.stringify(one)))).toBe('SIGNATURE_INVALID')
  })

  test('14. client B decrypts the message with the symmetric key', async () => {
    const { envelope } = await negotiated()
    expect(await b.messenger.decrypt(envelope)).toMatchObject({
      text: 'hello',
      from: { username: 'client-a' },
    })
  })
})

describe('Message Encryption', () => {
  test('1. the encrypted message carries encrypted key and signature, until it was answered', async () => {
    for (let n = 0; n < 3; n++) expect((await negotiated()).decoded.n).toBe(n)
    const { envelope } = await a.messenger.encrypt('client-b', 'a lost first message loses nothing')
    expect((await b.messenger.decrypt(envelope)).n).toBe(3)
    await a.messenger.decrypt((await b.messenger.encrypt('client-a', 'got it')).envelope)
    const next = decodeEnvelope((await a.messenger.encrypt('client-b', 'without')).envelope)
    expect(next.negotiation).toBeUndefined()
    expect((await b.messenger.decrypt((await a.messenger.encrypt('client-b', 'read')).envelope)).text).toBe(
      'read',
    )
  })

  test('2. the recipient verifies, and both sides encrypt with symmetric keys', async () => {
    await b.messenger.decrypt((await negotiated()).envelope)
    const answer = await b.messenger.encrypt('client-a', 'answer')
    expect((await a.messenger.decrypt(answer.envelope)).text).toBe('answer')
  })

  test('3. clients save the key to the local store, to decrypt in the future', async () => {
    const { envelope } = await negotiated()
    const later = await a.messenger.encrypt('client-b', 'later')
    await b.messenger.decrypt(envelope)
    const restarted = world.again(b)
    expect((await restarted.decrypt(later.envelope)).text).toBe('later')
    expect((await restarted.decryptArchived(envelope)).text).toBe('hello')
    expect((await world.again(a).decryptArchived(envelope)).text).toBe('hello')
  })

  test('4. a client generates a new key by the rules, and the message carries it', async () => {
    const first = await negotiated()
    a.messenger.renewSession('client-b')
    const second = await negotiated()
    expect(second.decoded.session).not.toBe(first.decoded.session)
    expect((await b.messenger.decrypt(second.envelope)).text).toBe('hello')
    expect((await b.messenger.decrypt(first.envelope)).text).toBe('hello')
  })
})

describe('the profiles', () => {
  for (const profile of ['x-wing', 'rsa3072', 'rsa1024-legacy'] as const) {
    test(`${profile}, in both directions with x25519`, async () => {
      const settings = { allowLegacy: true }
      const old = await world.device('old', { profile, settings })
      const modern = await world.device('modern', { settings })
      const { envelope } = await old.messenger.encrypt('modern', 'hello')
      expect((await modern.messenger.decrypt(envelope)).text).toBe('hello')
      const answer = await modern.messenger.encrypt('old', 'answer')
      expect((await old.messenger.decrypt(answer.envelope)).text).toBe('answer')
      const payload = readNegotiation(decodeEnvelope(envelope).negotiation!.jws)
      expect(payload.profile).toBe(profile)
      if (profile === 'rsa1024-legacy') {
        const key = await sessionKeyOf(old, modern, envelope)
        expect(key).toHaveLength(16)
        expect(payload.commitment).toBe(toBase64url(await nodeBackend.sha256(key)))
      }
    })
  }

  test('rsa1024-legacy is refused unless both sides switch it on', async () => {
    const old = await world.device('old', { profile: 'rsa1024-legacy', settings: { allowLegacy: true } })
    expect(await codeOf(a.messenger.encrypt('old', 'hello'))).toBe('SUITE_REFUSED')
    const { envelope } = await old.messenger.encrypt('client-b', 'hello')
    expect(await codeOf(b.messenger.decrypt(envelope))).toBe('SUITE_REFUSED')
  })
})

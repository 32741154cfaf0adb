import { backend, toBase64url, utf8 } from '@keyhaven/crypto'
import { beforeEach, describe, expect, test } from 'vitest'
import type { Messenger } from '../src/index.ts'
import { firstChainKey, ratchetStep, ZERO_NONCE } from '../src/session/ratchet.ts'
import { decodeEnvelope, encodeEnvelope, envelopeHead, negotiationJson } from '../src/wire/envelope.ts'
import { encodeFrame } from '../src/wire/message-frame.ts'
import { messageHeader, messageHeaderHead, negotiationBytes } from '../src/wire/message-header.ts'
import { commitmentOf, readNegotiation, signNegotiation } from '../src/wire/negotiation.ts'
import { wrapInfo, wrapKey } from '../src/wire/wrapped-key.ts'
import { codeOf, createWorld, type TestDevice, type World } from './kit/people.ts'
import { APPLICATION } from './kit/test-directory.ts'

const SESSION_KEY_BYTES = 32

let world: World
let alice: TestDevice
let bob: TestDevice
let carol: TestDevice

beforeEach(async () => {
  world = await createWorld()
  alice = await world.device('alice')
  bob = await world.device('bob')
  carol = await world.device('carol')
})

/** What a sender makes who gives one session key to devices of these users, all of it as it should be otherwise. */
async function sharedSession(...to: readonly TestDevice[]): Promise<string> {
  const { negotiation } = decodeEnvelope((await alice.messenger.encrypt('bob', 'x')).envelope)
  const { sender, issued, profile } = readNegotiation(negotiation!.jws)
  const session = toBase64url(backend.randomBytes(16))
  const key = backend.randomBytes(SESSION_KEY_BYTES)
  const keys: Record<string, string> = {}
  const recipients = []
  for (const { keys: device } of to) {
    const recipient = { username: device.username, device: device.device, entry: device.entry! }
    const info = wrapInfo({ application: APPLICATION, session, sender, recipient })
    keys[device.device] = await wrapKey(backend, device.encryptionKey.publicJwk, info, key)
    recipients.push({ ...recipient, key: device.encryptionKey.thumbprint })
  }
  const commitment = toBase64url(await commitmentOf(backend, profile, session, key))
  const payload = { v: 1, application: APPLICATION, profile, session, sender, recipients, issued, commitment }
  const shared = { jws: await signNegotiation(alice.keys.signingKey, { ...payload, v: 1 }), keys }

  const identity = {
    application: APPLICATION,
    session,
    from: { username: 'alice', device: alice.keys.device },
  }
  const { messageKey } = await ratchetStep(backend, await firstChainKey(backend, key, APPLICATION, session))
  const hash = await backend.sha256(negotiationBytes(shared))
  const header = messageHeader(messageHeaderHead(identity), 0, hash)
  const frame = {
    kind: 'text',
    body: utf8('hello'),
    sentAt: 0,
    acknowledged: [],
    checkpoint: undefined,
  } as const
  const sealer = await backend.importAeadKey('aes-256-gcm', messageKey)
  const ciphertext = toBase64url(await sealer.seal(ZERO_NONCE, encodeFrame(frame), header))
  return encodeEnvelope(envelopeHead(identity), 0, negotiationJson(shared), ciphertext)
}

describe('a message is for one user', () => {
  test('a session that its sender shares among two users is refused by both: each could forge towards the other', async () => {
    const envelope = await sharedSession(bob, carol)
    for (const device of [bob, carol]) {
      const error = await device.messenger.decrypt(envelope).catch((error: unknown) => error)
      expect(error).toMatchObject({ code: 'RECORD_INVALID' })
      expect(await (error as { repair(): Promise<{ action: string }> }).repair()).toMatchObject({
        action: 'none',
      })
      expect(await device.store.list('session/')).toEqual([])
    }
  })

  test('among the devices of one user and the sender’s own it opens', async () => {
    const phone = await world.device('bob', { approver: bob })
    const own = await world.device('alice', { approver: alice })
    const envelope = await sharedSession(bob, phone, own)
    for (const device of [bob, phone, own]) {
      expect(await device.messenger.decrypt(envelope)).toMatchObject({
        text: 'hello',
        from: { username: 'alice' },
      })
    }
  })

  test('a list of people is no recipient', async () => {
    const encrypt = alice.messenger.encrypt as (to: unknown, text: string) => ReturnType<Messenger['encrypt']>
    await expect(encrypt(['bob', 'carol'], 'hello')).rejects.toThrow(TypeError)
    await expect(encrypt(['bob'], 'hello')).rejects.toThrow(TypeError)
    expect(await codeOf(encrypt('', 'hello'))).toBe('INPUT_INVALID')
  })
})

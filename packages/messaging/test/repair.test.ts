import { backend, toBase64url, utf8 } from '@keyhaven/crypto'
import { beforeEach, describe, expect, test } from 'vitest'
import { type MessageError, memoryStore, type Repair } from '../src/index.ts'
import { encodeMessageKeys } from '../src/messenger/repair-envelope.ts'
import { ratchetStep, ZERO_NONCE } from '../src/session/ratchet.ts'
import { decodeReceivingChain } from '../src/session/receiving-record.ts'
import { decodeEnvelope, encodeEnvelope, envelopeHead } from '../src/wire/envelope.ts'
import { encodeFrame } from '../src/wire/message-frame.ts'
import { messageHeader, messageHeaderHead } from '../src/wire/message-header.ts'
import { codeOf, createWorld, type TestDevice, type World } from './kit/people.ts'

let world: World
let alice: TestDevice
let bob: TestDevice

beforeEach(async () => {
  world = await createWorld()
  alice = await world.device('alice')
  bob = await world.device('bob')
})

/** An envelope that bob cannot open, because its negotiation did not come along. */
async function unknown(from = alice): Promise<string> {
  const json = JSON.parse((await from.messenger.encrypt('bob', 'lost')).envelope)
  const { envelope } = await from.messenger.encrypt('bob', 'lost')
  expect(json.n + 1).toBe(JSON.parse(envelope).n)
  return envelope
}

async function repairOf(promise: Promise<unknown>): Promise<{ code: string; repair: Repair }> {
  const error = (await promise.then(
    () => undefined,
    (error: unknown) => error,
  )) as MessageError
  return { code: error.code, repair: await error.repair() }
}

/** Answers, so that alice stops repeating her negotiation; then bob loses his sessions. */
async function lostSession(): Promise<string> {
  await bob.messenger.decrypt((await alice.messenger.encrypt('bob', 'first')).envelope)
  await alice.messenger.decrypt((await bob.messenger.encrypt('alice', 'answer')).envelope)
  for (const prefix of ['session/', 'chain/']) {
    for (const key of await bob.store.list(prefix)) {
      const { version } = (await bob.store.get(key))!
      await bob.store.commit({ expect: [{ key, version }], delete: [key] })
    }
  }
  return (await alice.messenger.encrypt('bob', 'lost')).envelope
}

describe('repair()', () => {
  test('of a session that is unknown: the sender sends the key again, and the message opens, once', async () => {
    const envelope = await lostSession()
    const restored = world.again(bob)
    const { code, repair } = await repairOf(restored.decrypt(envelope))
    expect(code).toBe('SESSION_UNKNOWN')
    if (repair.action !== 'send') throw new Error(repair.action)
    expect(repair.to).toEqual({ username: 'alice', device: alice.keys.device })
    const answer = await alice.messenger.answerRepair(repair.envelope)
    expect(answer.to).toEqual({ username: 'bob', device: bob.keys.device })
    const repaired = await restored.decrypt(answer.envelope)
    expect(repaired.repaired).toHaveLength(1)
    expect((await restored.decrypt(envelope)).text).toBe('lost')
    expect(await codeOf(restored.decrypt(envelope))).toBe('DUPLICATE')
    expect(await codeOf(world.again(bob).decrypt(envelope))).toBe('DUPLICATE')
    const next = await alice.messenger.encrypt('bob', 'next')
    expect((await restored.decrypt(next.envelope)).text).toBe('next')
    expect(await codeOf(alice.messenger.answerRepair(repair.envelope))).toBe('DUPLICATE')
  })

  test('works without an archive, for what the process sent itself', async () => {
    alice = await world.device('ada', { settings: { archive: false } })
    await bob.messenger.decrypt((await alice.messenger.encrypt('bob', 'first')).envelope)
    const sent = await alice.messenger.encrypt('bob', 'lost')
    await bob.messenger.endSession(sent.session)
    const { repair } = await repairOf(bob.messenger.decrypt(sent.envelope))
    if (repair.action !== 'send') throw new Error(repair.action)
    const answer = await alice.messenger.answerRepair(repair.envelope)
    await bob.messenger.decrypt(answer.envelope)
    expect((await bob.messenger.decrypt(sent.envelope)).text).toBe('lost')
  })

  test('of a message outside the window: it is read once, by whichever way, in whichever process', async () => {
    const far = await world.device('far', { settings: { maxSessionMessages: 5_000 } })
    const envelopes: string[] = []
    for (let n = 0; n <= 2_100; n++) envelopes.push((await far.messenger.encrypt('bob', `${n}`)).envelope)
    const other = world.again(bob)
    await bob.messenger.decrypt(envelopes[0]!)
    const last = envelopes[2_100]!
    const { code, repair } = await repairOf(other.decrypt(last))
    expect(code).toBe('SESSION_UNKNOWN')
    if (repair.action !== 'send') throw new Error(repair.action)
    await other.decrypt((await far.messenger.answerRepair(repair.envelope)).envelope)
    expect((await other.decrypt(last)).text).toBe('2100')
    // The chain comes to the same message later: bob's first process had the session in memory all the time.
    expect((await bob.messenger.decrypt(envelopes[1_500]!)).text).toBe('1500')
    expect(await codeOf(bob.messenger.decrypt(last))).toBe('DUPLICATE')
    expect(await codeOf(other.decrypt(last))).toBe('DUPLICATE')
    expect((await other.decrypt(envelopes[2_099]!)).text).toBe('2099')
  })

  test('gives nothing to a device that the message was not addressed to', async () => {
    const envelope = await unknown()
    const bob2 = await world.device('bob', { approver: bob })
    const { code, repair } = await repairOf(bob2.messenger.decrypt(envelope))
    expect(code).toBe('HISTORY_UNAVAILABLE')
    expect(repair.action).toBe('none')
    const json = JSON.parse(envelope)
    delete json.negotiation
    const asked = await repairOf(bob2.messenger.decrypt(JSON.stringify(json)))
    if (asked.repair.action !== 'send') throw new Error('no request')
    expect(await codeOf(alice.messenger.answerRepair(asked.repair.envelope))).toBe('ACCESS_DENIED')
    expect(await codeOf(bob.messenger.answerRepair(asked.repair.envelope))).toBe('ACCESS_DENIED')
  })

  test('gives nothing to a chain that was reset, also after it was accepted', async () => {
    const envelope = await lostSession()
    world.clock.advance(10)
    await world.directory.reset('bob')
    const stranger = await world.device('bob', { store: memoryStore() })
    const json = JSON.parse(envelope)
    delete json.negotiation
    const { repair } = await repairOf(stranger.messenger.decrypt(JSON.stringify(json)))
    if (repair.action !== 'send') throw new Error(repair.action)
    expect(await codeOf(alice.messenger.answerRepair(repair.envelope))).toBe('CHAIN_RESET')
    await alice.messenger.verification.acceptReset('bob')
    expect(await codeOf(alice.messenger.answerRepair(repair.envelope))).toBe('ACCESS_DENIED')
  })

  test('refuses a request that was changed, or that another device signed', async () => {
    const { repair } = await repairOf(bob.messenger.decrypt(await lostSession()))
    if (repair.action !== 'send') throw new Error(repair.action)
    const json = JSON.parse(repair.envelope)
    const [head, body, signature] = json.jws.split('.') as [string, string, string]
    const payload = JSON.parse(Buffer.from(body, 'base64url').toString())
    payload.numbers = [0, 1, 2, 3]
    const forged = `${head}.${Buffer.from(JSON.stringify(payload)).toString('base64url')}.${signature}`
    expect(await codeOf(alice.messenger.answerRepair(JSON.stringify({ ...json, jws: forged })))).toBe(
      'SIGNATURE_INVALID',
    )
    world.clock.advance(31 * 86_400)
    expect(await codeOf(alice.messenger.answerRepair(repair.envelope))).toBe('CLOCK_SKEW')
  })

  test('takes keys only from the device that was asked, about what was asked', async () => {
    const envelope = await lostSession()
    const { repair } = await repairOf(world.again(bob).decrypt(envelope))
    if (repair.action !== 'send') throw new Error(repair.action)
    const answer = await alice.messenger.answerRepair(repair.envelope)
    const other = await world.device('bob', { approver: bob })
    expect(await codeOf(other.messenger.decrypt(answer.envelope))).toBe('HISTORY_UNAVAILABLE')
    const key = `asked/${JSON.parse(envelope).session}`
    const { version } = (await bob.store.get(key))!
    await bob.store.commit({ expect: [{ key, version }], delete: [key] })
    expect(await codeOf(bob.messenger.decrypt(answer.envelope))).toBe('ACCESS_DENIED')
  })

  test('takes no keys out of a session of more than two devices: another recipient could have made them', async () => {
    const lost = await lostSession()
    const { session } = JSON.parse(lost)
    const stolen = await world.device('bob', { approver: bob })
    alice.messenger.directoryChanged('bob')
    const toBoth = (await alice.messenger.encrypt('bob', 'to both', { newSession: true })).envelope
    await stolen.messenger.decrypt(toBoth)
    const receiving = world.again(bob)
    await receiving.decrypt(toBoth)
    const asked = await repairOf(receiving.decrypt(lost))
    expect(asked.repair.action).toBe('send')

    // The thief has the session's key, and so can write in alice's name: here, keys for an earlier session with bob alone.
    const { application, session: shared, from } = decodeEnvelope(toBoth)
    const identity = { application, session: shared, from }
    const { value } = (await stolen.store.get(`chain/${shared}`))!
    const { chainKey, next } = decodeReceivingChain(value)
    const { messageKey } = await ratchetStep(backend, chainKey)
    const invented = backend.randomBytes(32)
    const body = encodeMessageKeys({ session, aead: 'aes-256-gcm', keys: [[7, invented]] })
    const frame = { sentAt: 0, acknowledged: [], checkpoint: undefined }
    const seal = async (key: Uint8Array, head: typeof identity, n: number, plaintext: Uint8Array) => {
      const header = messageHeader(messageHeaderHead(head), n, undefined)
      const sealed = await (await backend.importAeadKey('aes-256-gcm', key)).seal(
        ZERO_NONCE,
        plaintext,
        header,
      )
      return encodeEnvelope(envelopeHead(head), n, '', toBase64url(sealed))
    }
    const keys = await seal(messageKey, identity, next, encodeFrame({ ...frame, kind: 'message-keys', body }))
    expect(await codeOf(receiving.decrypt(keys))).toBe('ACCESS_DENIED')
    const text = encodeFrame({ ...frame, kind: 'text', body: utf8('from alice') })
    const forged = await seal(invented, { ...identity, session }, 7, text)
    expect(await codeOf(receiving.decrypt(forged))).toBe('SESSION_UNKNOWN')
  })
})

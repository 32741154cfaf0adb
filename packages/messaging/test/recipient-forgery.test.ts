import { backend, toBase64url, utf8 } from '@keyhaven/crypto'
import { beforeEach, describe, expect, test } from 'vitest'
import { ZERO_NONCE } from '../src/session/ratchet.ts'
import {
  decodeEnvelope,
  type Envelope,
  type EnvelopeNegotiation,
  encodeEnvelope,
  envelopeHead,
  negotiationJson,
} from '../src/wire/envelope.ts'
import { encodeFrame } from '../src/wire/message-frame.ts'
import { messageHeader, messageHeaderHead, negotiationBytes } from '../src/wire/message-header.ts'
import { readNegotiation, signNegotiation } from '../src/wire/negotiation.ts'
import { unwrapKey, wrapInfo, wrapKey } from '../src/wire/wrapped-key.ts'
import { codeOf, createWorld, type TestDevice, type World } from './kit/people.ts'
import { APPLICATION } from './kit/test-directory.ts'
import { keysOfChain, negotiatedChain } from './kit/thief.ts'

const FORGED = 'never written by alice'

let world: World
let alice: TestDevice
let tablet: TestDevice
let bob: TestDevice
let phone: TestDevice
let carol: TestDevice
/** What alice wrote to bob. */
let real: Envelope

beforeEach(async () => {
  world = await createWorld()
  alice = await world.device('alice')
  tablet = await world.device('alice', { approver: alice })
  bob = await world.device('bob')
  phone = await world.device('bob', { approver: bob })
  carol = await world.device('carol')
  real = decodeEnvelope((await alice.messenger.encrypt('bob', 'really')).envelope)
})

/** What bob's laptop makes of the session key that alice gave it: the next message, as if from alice. */
async function forged(changes: { negotiation?: EnvelopeNegotiation; n?: number } = {}): Promise<string> {
  const { negotiation = real.negotiation!, n = 1 } = changes
  const first = (await negotiatedChain(real, bob.keys.encryptionKey))!
  const { messageKeys } = await keysOfChain(first, n + 1)
  const header = messageHeader(
    messageHeaderHead(real),
    n,
    await backend.sha256(negotiationBytes(negotiation)),
  )
  const body = utf8(FORGED)
  const frame = {
    kind: 'text',
    body,
    sentAt: world.clock(),
    acknowledged: [],
    checkpoint: undefined,
  } as const
  const key = await backend.importAeadKey('aes-256-gcm', messageKeys[n]!)
  const sealed = await key.seal(ZERO_NONCE, encodeFrame(frame), header)
  return encodeEnvelope(envelopeHead(real), n, negotiationJson(negotiation), toBase64url(sealed))
}

/** The negotiation with the session key wrapped for carol, too, as bob can. */
async function withCarol(jws = real.negotiation!.jws): Promise<EnvelopeNegotiation> {
  const { session } = real
  const { sender, recipients } = readNegotiation(real.negotiation!.jws)
  const mine = recipients.find(({ device }) => device === bob.keys.device)!
  const wrapped = real.negotiation!.keys[bob.keys.device]!
  const own = wrapInfo({ application: APPLICATION, session, sender, recipient: mine })
  const key = await unwrapKey(backend, bob.keys.encryptionKey, own, wrapped)
  const recipient = { username: 'carol', device: carol.keys.device, entry: carol.keys.entry! }
  const info = wrapInfo({ application: APPLICATION, session, sender, recipient })
  const forCarol = await wrapKey(backend, carol.keys.encryptionKey.publicJwk, info, key)
  return { jws, keys: { ...real.negotiation!.keys, [carol.keys.device]: forCarol } }
}

describe('a recipient who forges a message of the session', () => {
  test('is believed by their own devices and by the other ones of the sender: the limit that is documented', async () => {
    const envelope = await forged()
    for (const device of [phone, tablet]) {
      const from = { username: 'alice', device: alice.keys.device }
      expect(await device.messenger.decrypt(envelope)).toMatchObject({ text: FORGED, from })
    }
  })

  test('is refused by the device that it claims to come from', async () => {
    expect(await codeOf(alice.messenger.decrypt(await forged()))).toBe('DUPLICATE')
  })

  test('is refused by everybody else, with the key given to them, too', async () => {
    expect(await codeOf(carol.messenger.decrypt(await forged()))).toBe('SIGNATURE_INVALID')
    const given = await forged({ negotiation: await withCarol() })
    expect(await codeOf(carol.messenger.decrypt(given))).toBe('SIGNATURE_INVALID')
    expect(await carol.store.list('session/')).toEqual([])
  })

  test('cannot name them as recipients: only alice signs who they are', async () => {
    const payload = readNegotiation(real.negotiation!.jws)
    const { username, device, entry, encryptionKey } = carol.keys
    const recipients = [{ username, device, entry: entry!, key: encryptionKey.thumbprint }]
    const jws = await signNegotiation(bob.keys.signingKey, { ...payload, recipients })
    const { keys } = await withCarol()
    const negotiation = { jws, keys: { [carol.keys.device]: keys[carol.keys.device]! } }
    expect(await codeOf(carol.messenger.decrypt(await forged({ negotiation })))).toBe('SIGNATURE_INVALID')
    expect(await carol.store.list('session/')).toEqual([])
  })

  test('cannot do so in the number of a message that was read, nor in another session', async () => {
    const text = await forged({ n: 0 })
    await phone.messenger.decrypt(
      encodeEnvelope(envelopeHead(real), real.n, negotiationJson(real.negotiation!), real.ciphertext),
    )
    expect(await codeOf(phone.messenger.decrypt(text))).toBe('DUPLICATE')
    const next = decodeEnvelope(
      (await alice.messenger.encrypt('carol', 'to carol', { newSession: true })).envelope,
    )
    const moved = { ...JSON.parse(await forged()), session: next.session }
    expect(await codeOf(carol.messenger.decrypt(JSON.stringify(moved)))).toBe('SIGNATURE_INVALID')
  })
})

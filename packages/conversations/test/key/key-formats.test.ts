import { fromBase64url, fromUtf8, KeyhavenError, overwrite, toBase64url } from '@keyhaven/crypto'
import { nodeBackend } from '@keyhaven/crypto/node'
import { generateDeviceKeys } from '@keyhaven/directory'
import { signDeviceJws } from '@keyhaven/messaging'
import { describe, expect, test } from 'vitest'
import { commitmentOfKey, newKeyId, signKeyAnnouncement, signKeyShare } from '../../src/index.ts'
import {
  type AnnouncedKey,
  decodeKeyAnnouncement,
  type KeyAnnouncement,
  MAX_ANNOUNCEMENT_CHARACTERS,
  requireMaker,
  verifyKeyAnnouncement,
} from '../../src/key/announcement.ts'
import type { UnnamedKey } from '../../src/key/key-id.ts'
import { readKeyObject } from '../../src/key/key-object.ts'
import {
  decodeKeyShare,
  type KeyShare,
  MAX_KEY_SHARE_CHARACTERS,
  verifyKeyShare,
} from '../../src/key/key-share.ts'
import { APPLICATION, codeOf, newHash, newId, START, TestConversation } from '../membership/kit.ts'

type Json = Record<string, unknown>

async function announced() {
  const conversation = await TestConversation.create({ ana: 'owner', ben: 'reader' })
  const { by, signer } = await conversation.people.device('ana')
  const { sequence, head } = conversation.state
  const place = { application: APPLICATION, conversation: conversation.id }
  const unnamed: UnnamedKey = {
    ...{ ...place, algorithm: 'A256GCM', membership: { sequence, head } },
    ...{ recipients: { count: 2, root: newHash() }, issued: START, by },
  }
  const { key, nonce } = await newKeyId(nodeBackend, unnamed)
  const context: AnnouncedKey = { ...place, key }
  const fields: Omit<KeyAnnouncement, 'v' | 'mode'> = { ...unnamed, key, nonce, commitment: newHash() }
  const expected = { ...context, authors: conversation.people }
  return {
    conversation,
    context,
    unnamed,
    fields,
    expected,
    jws: await signKeyAnnouncement(signer, fields),
    signer,
  }
}

async function shared() {
  const { context, expected, fields, ...rest } = await announced()
  const to = { username: 'ben', device: newId(), key: newHash() }
  const share = { ...context, commitment: fields.commitment, to, issued: START, by: fields.by }
  const jws = await signKeyShare(rest.signer, share)
  return {
    ...rest,
    context,
    share,
    jws,
    expected: { ...expected, to: { username: to.username, device: to.device } },
  }
}

describe('an announcement', () => {
  test('is read as it was signed', async () => {
    const { jws, fields, expected, conversation } = await announced()
    const announcement = await verifyKeyAnnouncement(nodeBackend, jws, expected)
    expect(announcement).toEqual({ v: 1, mode: 'sealed', ...fields })
    expect(requireMaker(conversation.state, announcement)).toBe(true)
  })

  test('is refused for another application, conversation or key', async () => {
    const { jws, expected } = await announced()
    for (const over of [{ application: 'other' }, { conversation: newId() }, { key: newId() }]) {
      expect(await codeOf(verifyKeyAnnouncement(nodeBackend, jws, { ...expected, ...over }))).toBe(
        'SIGNATURE_INVALID',
      )
    }
  })

  test('of somebody who may not make a key is refused', async () => {
    const { unnamed, fields, conversation, expected } = await announced()
    for (const username of ['ben', 'stranger']) {
      const { by, signer } = await conversation.people.device(username)
      const named = await newKeyId(nodeBackend, { ...unnamed, by })
      const jws = await signKeyAnnouncement(signer, { ...fields, ...named, by })
      const announcement = await verifyKeyAnnouncement(nodeBackend, jws, { ...expected, key: named.key })
      expect(await codeOf(() => requireMaker(conversation.state, announcement))).toBe('ACCESS_DENIED')
    }
  })

  test('is judged by the membership that it names, and refused where that has forked', async () => {
    const { fields, conversation, jws } = await announced()
    const { state } = conversation
    const later = await conversation.change('ana', { kind: 'role', username: 'ben', role: 'owner' })
    const left = await conversation.change('ben', { kind: 'remove', username: 'ana' })
    const announcement = decodeKeyAnnouncement(jws)
    expect(requireMaker(left, announcement)).toBe(true)
    const newer = { ...announcement, membership: { sequence: 2, head: left.head } }
    expect(requireMaker(state, newer), 'not known here yet').toBe(false)
    expect(await codeOf(() => requireMaker(left, newer))).toBe('ACCESS_DENIED')
    const forked = { ...announcement, membership: { ...fields.membership, head: later.head } }
    expect(await codeOf(() => requireMaker(left, forked))).toBe('MEMBERSHIP_FORKED')
  })

  test('of an algorithm or a mode that is not on the list is refused, whoever signed it', async () => {
    const { jws, signer } = await announced()
    const payload = JSON.parse(fromUtf8(fromBase64url(jws.split('.')[1]!)))
    const sign = (over: Json) =>
      signDeviceJws(signer, 'keyhaven-conversation-key+jws', { ...payload, ...over })
    const read = async (over: Json) => {
      const signed = await sign(over)
      return codeOf(() => decodeKeyAnnouncement(signed))
    }
    expect(await read({ algorithm: 'A128GCM' })).toBe('SUITE_REFUSED')
    expect(await read({ mode: 'managed' })).toBe('WIRE_MALFORMED')
    expect(await read({ recipients: { count: 0, root: newHash() } })).toBe('WIRE_MALFORMED')
    expect(await read({ recipients: { count: 100_000, root: newHash() } })).toBe('WIRE_TOO_LARGE')
  })
})

describe('a share', () => {
  test('is read as it was signed', async () => {
    const { jws, share, expected } = await shared()
    expect(await verifyKeyShare(nodeBackend, jws, expected)).toEqual({ v: 1, ...share } satisfies KeyShare)
  })

  test('is refused for another application, conversation, key, user or device', async () => {
    const { jws, expected } = await shared()
    const { to } = expected
    for (const over of [
      { application: 'other' },
      { conversation: newId() },
      { key: newId() },
      { to: { ...to, username: 'cleo' } },
      { to: { ...to, device: newId() } },
    ]) {
      expect(await codeOf(verifyKeyShare(nodeBackend, jws, { ...expected, ...over }))).toBe(
        'SIGNATURE_INVALID',
      )
    }
  })
})

describe.each([
  ['announcement', announced, verifyKeyAnnouncement, decodeKeyAnnouncement, MAX_ANNOUNCEMENT_CHARACTERS],
  ['share', shared, verifyKeyShare, decodeKeyShare, MAX_KEY_SHARE_CHARACTERS],
] as const)('what is done to an %s:', (name, make, verify, decode, limit) => {
  test('every flipped character is refused', async () => {
    const { jws, expected } = await make()
    for (let at = 0; at < jws.length; at++) {
      const flipped = `${jws.slice(0, at)}${jws[at] === 'A' ? 'B' : 'A'}${jws.slice(at + 1)}`
      // biome-ignore lint/suspicious/noExplicitAny: each takes what its maker gives
      expect(await codeOf(verify(nodeBackend, flipped, expected as any)), `at ${at}`).not.toBe('none')
    }
  })

  test('a signature of another device is refused', async () => {
    const { jws, expected, conversation } = await make()
    const { signer } = await conversation.people.device('ben')
    const [header, payload] = jws.split('.')
    const signature = await signer.sign(new TextEncoder().encode(`${header}.${payload}`))
    const forged = `${header}.${payload}.${toBase64url(signature)}`
    // biome-ignore lint/suspicious/noExplicitAny: each takes what its maker gives
    expect(await codeOf(verify(nodeBackend, forged, expected as any))).toBe('SIGNATURE_INVALID')
  })

  test('each member left out, or one too many, is refused', async () => {
    const { jws, signer } = await make()
    const typ = JSON.parse(fromUtf8(fromBase64url(jws.split('.')[0]!))).typ
    const payload: Json = JSON.parse(fromUtf8(fromBase64url(jws.split('.')[1]!)))
    for (const member of Object.keys(payload)) {
      const { [member]: _, ...without } = payload
      const signed = await signDeviceJws(signer, typ, without)
      expect(() => decode(signed), member).toThrow(KeyhavenError)
      const wrong = await signDeviceJws(signer, typ, { ...payload, [member]: [] })
      expect(() => decode(wrong), member).toThrow(KeyhavenError)
    }
    const beside = await signDeviceJws(signer, typ, { ...payload, extra: 1 })
    expect(await codeOf(() => decode(beside))).toBe('WIRE_MALFORMED')
  })

  test('too long, or signed for another purpose, is refused', async () => {
    const { jws } = await make()
    expect(await codeOf(() => decode('A'.repeat(limit + 1)))).toBe('WIRE_TOO_LARGE')
    const other = name === 'share' ? decodeKeyAnnouncement : decodeKeyShare
    expect(await codeOf(() => other(jws))).toBe('WIRE_MALFORMED')
  })

  test('a legacy device signs none', async () => {
    const { signer } = await generateDeviceKeys(nodeBackend, 'rsa1024-legacy')
    const { fields } = await announced()
    const { share } = await shared()
    const signed = name === 'share' ? signKeyShare(signer, share) : signKeyAnnouncement(signer, fields)
    expect(await codeOf(signed)).toBe('SUITE_REFUSED')
  })
})

test('a commitment binds the key to application, conversation and id', async () => {
  const context = { application: APPLICATION, conversation: newId(), key: newId() }
  const key = nodeBackend.randomBytes(32)
  const commitment = await commitmentOfKey(nodeBackend, context, key)
  expect(await commitmentOfKey(nodeBackend, context, key)).toBe(commitment)
  const others = [
    { ...context, application: 'other' },
    { ...context, conversation: newId() },
    { ...context, key: newId() },
  ]
  for (const other of others) expect(await commitmentOfKey(nodeBackend, other, key)).not.toBe(commitment)
  overwrite(key)
  expect(await commitmentOfKey(nodeBackend, context, key)).not.toBe(commitment)
})

describe('a key object', () => {
  const common = {
    id: newId(),
    conversation: newId(),
    algorithm: 'A256GCM',
    membership: { sequence: 0, head: newHash() },
    createdAt: START,
  }
  const managed = { ...common, mode: 'managed', createdBy: 'server', key: newHash() }
  const by = { username: 'ana', device: newId() }
  const proof = { index: 0, proof: [newHash()] }
  const sealed = { ...common, mode: 'sealed', createdBy: by, announcement: 'a.b.c', wrapped: 'AAAA', proof }

  test('is read as it is', () => {
    expect(readKeyObject(managed)).toEqual(managed)
    expect(readKeyObject(sealed)).toEqual(sealed)
  })

  test.each([
    ['another algorithm', { ...managed, algorithm: 'none' }, 'SUITE_REFUSED'],
    ['another mode', { ...managed, mode: 'open' }, 'WIRE_MALFORMED'],
    ['a short key', { ...managed, key: 'AAAA' }, 'WIRE_MALFORMED'],
    ['a key beside an announcement', { ...sealed, key: newHash() }, 'WIRE_MALFORMED'],
    ['neither proof nor share', { ...sealed, proof: undefined }, 'WIRE_MALFORMED'],
    [
      'a proof that is too long',
      { ...sealed, proof: { index: 0, proof: Array(17).fill(newHash()) } },
      'WIRE_MALFORMED',
    ],
    ['nothing', undefined, 'WIRE_MALFORMED'],
  ])('with %s is refused', async (_, value, code) => {
    expect(await codeOf(() => readKeyObject(value))).toBe(code)
  })
})

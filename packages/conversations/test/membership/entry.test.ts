import { fromBase64url, fromUtf8, KeyhavenError, toBase64url, utf8 } from '@keyhaven/crypto'
import { nodeBackend } from '@keyhaven/crypto/node'
import { generateDeviceKeys } from '@keyhaven/directory'
import { signDeviceJws } from '@keyhaven/messaging'
import { describe, expect, test } from 'vitest'
import { type MembershipChange, membershipHash, signMembershipEntry } from '../../src/index.ts'
import { decodeMembershipEntry } from '../../src/membership/entry.ts'
import { extendMembership } from '../../src/membership/fold-membership.ts'
import {
  MAX_CHANGE_ENTRY_CHARACTERS,
  MAX_MEMBERS_ENTRY_CHARACTERS,
  MAX_MEMBERS_PER_ENTRY,
} from '../../src/membership/limits.ts'
import { ALL_HISTORY, codeOf, NO_HISTORY, newHash, TestConversation } from './kit.ts'

const KIND = 'keyhaven-membership+jws'

async function conversationOfTwo(): Promise<TestConversation> {
  return TestConversation.create({ ana: 'owner', ben: 'member' })
}

/** One change of each kind that there is. */
async function changes({ people }: TestConversation): Promise<MembershipChange[]> {
  const accepted = { chain: 1, head: newHash(), sequence: 3 }
  return [
    {
      kind: 'add',
      members: [await people.member('cleo', 'reader', { history: { members: 12, devices: 'all' } })],
    },
    { kind: 'remove', username: 'ben', reason: 'moved on' },
    { kind: 'remove', username: 'ben' },
    { kind: 'role', username: 'ben', role: 'admin' },
    { kind: 'rules', history: ALL_HISTORY },
    { kind: 'rules', rotation: { maxAge: 60, maxMessages: null }, retention: 30 },
    { kind: 'rules', retention: null },
    { kind: 'mode', mode: 'managed' },
    { kind: 'accept-chain', username: 'ben', accepted },
  ]
}

type Json = Record<string, unknown>

/** The payload with one thing done to it, signed by the real device all the same. */
async function resigned(conversation: TestConversation, entry: string, edit: (payload: Json) => unknown) {
  const payload = JSON.parse(fromUtf8(fromBase64url(entry.split('.')[1]!)))
  const edited = edit(payload) ?? payload
  const { signer } = await conversation.people.device('ana')
  return signDeviceJws(signer, KIND, edited as object)
}

test('every kind of entry is read as it was signed', async () => {
  const conversation = await conversationOfTwo()
  for (const change of await changes(conversation)) {
    const entry = await conversation.sign('ana', change)
    expect(decodeMembershipEntry(entry)).toEqual({
      v: 1,
      application: 'demo',
      conversation: conversation.id,
      sequence: 1,
      previous: conversation.state.head,
      issued: conversation.now,
      by: (await conversation.people.device('ana')).by,
      ...change,
    })
    expect(await codeOf(conversation.fold([...conversation.entries, entry])), change.kind).toBe('none')
  }
})

test('a head is the hash of the characters of the entry', async () => {
  const { entries, state } = await conversationOfTwo()
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(entries[0]))
  expect(await membershipHash(nodeBackend, entries[0]!)).toBe(Buffer.from(digest).toString('base64url'))
  expect(state.head).toBe(Buffer.from(digest).toString('base64url'))
})

/** Every path to a value inside, outermost first. */
function pathsOf(value: unknown, path: readonly string[] = []): string[][] {
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([name, inner]) => [
    [...path, name],
    ...pathsOf(inner, [...path, name]),
  ])
}

function parentOf(payload: Json, path: readonly string[]): Json {
  return path.slice(0, -1).reduce((value, name) => value[name] as Json, payload)
}

describe('what is well signed and not as it must be is refused:', () => {
  const WRONG: readonly unknown[] = [null, '', 'x', -1, 1.5, 2 ** 53, [], {}, true, 'x'.repeat(600)]

  test('each member left out, each member of another value, each member too many', async () => {
    const conversation = await conversationOfTwo()
    const create = conversation.entries[0]!
    const others = await changes(conversation)
    const all = [create, ...(await Promise.all(others.map((change) => conversation.sign('ana', change))))]
    let tried = 0
    for (const entry of all) {
      const payload = JSON.parse(fromUtf8(fromBase64url(entry.split('.')[1]!)))
      for (const path of pathsOf(payload)) {
        const name = path.at(-1)!
        const isItem = Array.isArray(parentOf(payload, path))
        for (const wrong of WRONG) {
          if (isStillRight(path, wrong, payload)) continue
          const bad = await resigned(conversation, entry, (edited) => {
            parentOf(edited, path)[name] = wrong
          })
          expect(() => decodeMembershipEntry(bad), `${path.join('.')}: ${wrong}`).toThrow(KeyhavenError)
          tried++
        }
        if (isItem || ['reason', 'history', 'rotation', 'retention'].includes(name)) continue
        const without = await resigned(conversation, entry, (edited) => {
          delete parentOf(edited, path)[name]
        })
        expect(() => decodeMembershipEntry(without), `without ${path.join('.')}`).toThrow(KeyhavenError)
        const beside = await resigned(conversation, entry, (edited) => {
          parentOf(edited, path).extra = 1
        })
        expect(() => decodeMembershipEntry(beside), `beside ${path.join('.')}`).toThrow(KeyhavenError)
      }
    }
    expect(tried).toBeGreaterThan(1_000)
  })

  /** Where a value of the list is a good one. */
  function isStillRight(path: readonly string[], wrong: unknown, payload: Json): boolean {
    const name = path.at(-1)!
    if (wrong === null) return ['previous', 'retention', 'maxAge', 'maxMessages'].includes(name)
    if (wrong === 'x') return ['username', 'reason', 'application'].includes(name)
    if (wrong === '') return name === 'reason'
    return wrong === payload[name]
  }

  test('members named twice, too many members, no member', async () => {
    const conversation = await conversationOfTwo()
    const one = await conversation.people.member('cleo', 'member')
    const sign = (members: readonly unknown[]) =>
      resigned(conversation, conversation.entries[0]!, (payload) => ({ ...payload, members }))
    expect(await codeOf(async () => decodeMembershipEntry(await sign([one, one])))).toBe('WIRE_MALFORMED')
    expect(await codeOf(async () => decodeMembershipEntry(await sign([])))).toBe('WIRE_MALFORMED')
    const many = Array.from({ length: MAX_MEMBERS_PER_ENTRY + 1 }, (_, at) => ({
      ...one,
      username: `u${at}`,
    }))
    expect(await codeOf(async () => decodeMembershipEntry(await sign(many)))).toBe('WIRE_TOO_LARGE')
    expect(await codeOf(async () => decodeMembershipEntry(await sign(many.slice(1))))).toBe('none')
  })

  test('JSON in another spelling: white space, a repeated member, another number', async () => {
    const conversation = await conversationOfTwo()
    const [header, payload, signature] = conversation.entries[0]!.split('.')
    const text = fromUtf8(fromBase64url(payload!))
    for (const other of [
      `${text} `,
      text.replace('{"v":1', '{"v":1,"v":1'),
      text.replace('"v":1', '"v":1.0'),
    ]) {
      const entry = `${header}.${toBase64url(utf8(other))}.${signature}`
      expect(await codeOf(() => decodeMembershipEntry(entry))).toBe('WIRE_MALFORMED')
    }
  })

  test.each([
    ['another typ', { alg: 'EdDSA', typ: 'keyhaven-entry+jws' }, 'WIRE_MALFORMED'],
    ['a member more', { alg: 'EdDSA', typ: KIND, kid: 'x' }, 'WIRE_MALFORMED'],
    ['another order', { typ: KIND, alg: 'EdDSA' }, 'WIRE_MALFORMED'],
    ['no algorithm', { alg: 'none', typ: KIND }, 'SUITE_REFUSED'],
    ['the algorithm of a legacy device', { alg: 'RS256', typ: KIND }, 'SUITE_REFUSED'],
    ['a critical member', { alg: 'EdDSA', typ: KIND, crit: ['x'] }, 'WIRE_MALFORMED'],
  ])('a header with %s', async (_, header, code) => {
    const [, payload, signature] = (await conversationOfTwo()).entries[0]!.split('.')
    const entry = `${toBase64url(utf8(JSON.stringify(header)))}.${payload}.${signature}`
    expect(await codeOf(() => decodeMembershipEntry(entry))).toBe(code)
  })
})

describe('size', () => {
  test('an entry that is too long is refused before it is decoded', async () => {
    const long = 'A'.repeat(MAX_MEMBERS_ENTRY_CHARACTERS + 1)
    expect(await codeOf(() => decodeMembershipEntry(long))).toBe('WIRE_TOO_LARGE')
  })

  test('what is no list of members is far shorter', async () => {
    const conversation = await conversationOfTwo()
    const entry = await resigned(
      conversation,
      await conversation.sign('ana', { kind: 'mode', mode: 'managed' }),
      (p) => ({
        ...p,
        application: 'a',
      }),
    )
    const padded = `${entry}${'A'.repeat(4 * MAX_CHANGE_ENTRY_CHARACTERS)}`
    expect(await codeOf(() => decodeMembershipEntry(padded))).toBe('WIRE_TOO_LARGE')
  })

  test('a thousand members with the longest names fit', async () => {
    const conversation = await conversationOfTwo()
    const one = await conversation.people.member('x', 'member', { history: NO_HISTORY })
    const members = Array.from({ length: MAX_MEMBERS_PER_ENTRY }, (_, at) => ({
      ...one,
      username: `${'\u{1F600}'.repeat(120)}${at}`,
    }))
    const entry = await conversation.sign('ana', { kind: 'add', members })
    expect(entry.length).toBeLessThan(MAX_MEMBERS_ENTRY_CHARACTERS)
    expect((await conversation.put(entry)).memberCount).toBe(MAX_MEMBERS_PER_ENTRY + 2)
  })
})

test('a legacy device signs no entry', async () => {
  const { signer } = await generateDeviceKeys(nodeBackend, 'rsa1024-legacy')
  const { state, id, people, now } = await conversationOfTwo()
  const fields = {
    ...{ application: 'demo', conversation: id, sequence: 1, previous: state.head, issued: now },
    ...{ by: (await people.device('ana')).by, kind: 'mode' as const, mode: 'managed' as const },
  }
  expect(await codeOf(signMembershipEntry(signer, fields))).toBe('SUITE_REFUSED')
})

test('every flipped character of an entry is refused', async () => {
  const conversation = await conversationOfTwo()
  const entry = await conversation.sign('ana', { kind: 'remove', username: 'ben' })
  const { state, people: authors } = conversation
  for (let at = 0; at < entry.length; at++) {
    const flipped = `${entry.slice(0, at)}${entry[at] === 'A' ? 'B' : 'A'}${entry.slice(at + 1)}`
    expect(await codeOf(extendMembership(nodeBackend, state, [flipped], { authors })), `at ${at}`).not.toBe(
      'none',
    )
  }
})

test('100,000 mutated entries: each is read strictly or refused with a code', async () => {
  const conversation = await conversationOfTwo()
  const seeds = [conversation.entries[0]!]
  for (const change of await changes(conversation)) seeds.push(await conversation.sign('ana', change))
  const texts = seeds.map((entry) =>
    entry.split('.').map((part) => fromUtf8(new Uint8Array(Buffer.from(part, 'latin1')))),
  )
  let state = 42
  const random = (below: number): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state % below
  }
  let refused = 0
  for (let count = 0; count < 100_000; count++) {
    const parts = [...texts[count % texts.length]!]
    const json = Buffer.from(parts[1]!, 'base64url')
    const at = random(json.length)
    const kind = random(4)
    const bytes =
      kind === 0
        ? json.subarray(0, at)
        : kind === 1
          ? Buffer.concat([json.subarray(0, at), json.subarray(random(json.length))])
          : json
    if (kind >= 2 && bytes.length > 0) bytes[at] = kind === 2 ? random(256) : bytes[at]! ^ (1 << random(8))
    parts[1] = bytes.toString('base64url')
    try {
      decodeMembershipEntry(parts.join('.'))
    } catch (error) {
      if (!(error instanceof KeyhavenError)) throw error
      refused++
    }
  }
  expect(refused).toBeGreaterThan(50_000)
})

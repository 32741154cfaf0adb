import { fromBase64url, toBase64url } from '@keyhaven/crypto'
import { nodeBackend } from '@keyhaven/crypto/node'
import {
  createLogSigner,
  formatCheckpoint,
  formatVerifierKey,
  parseNote,
  signNote,
} from '@keyhaven/directory/log'
import { beforeEach, describe, expect, test } from 'vitest'
import { createLyingAuthority, type LyingAuthority } from './lying-authority.ts'
import { ORIGIN } from './test-authority.ts'
import { codeOf, newUser, registered } from './test-user.ts'

const HOUR = 3_600

let authority: LyingAuthority['authority']
let alice: LyingAuthority['alice']
let lie: LyingAuthority['lie']
let lookUp: LyingAuthority['lookUp']

beforeEach(async () => {
  ;({ authority, alice, lie, lookUp } = await createLyingAuthority())
})

describe('another log', () => {
  test('forked between two look-ups', async () => {
    const other = await authority.fork()
    await registered(authority, 'carol')
    await alice.client.lookUp('bob')
    await registered(other, 'mallory')
    await registered(other, 'mallory2')
    lie(async (reply, { logSize }) => {
      expect(logSize).toBe(authority.leaves.length)
      const forked = await other.fork()
      return { ...reply, checkpoint: await forked.checkpoint() }
    })
    expect(await lookUp()).toBe('LOG_INCONSISTENT')
  })

  test('forked at the same size', async () => {
    const other = await authority.fork()
    await registered(authority, 'carol')
    await registered(other, 'mallory')
    await alice.client.lookUp('bob')
    lie(async (reply) => ({ ...reply, checkpoint: await other.checkpoint() }))
    expect(await lookUp()).toBe('LOG_INCONSISTENT')
  })

  test('that shrank: a restored database', async () => {
    const backup = await authority.fork()
    await registered(authority, 'carol')
    await alice.client.lookUp('bob')
    let server = authority
    const client = await newUser(authority, 'alice', {
      store: alice.store,
      fetch: (...call) => server.fetch(...call),
    })
    client.client.use({ username: 'alice', ...alice.keys })
    server = backup
    expect(await codeOf(client.client.lookUp('bob'))).toBe('LOG_INCONSISTENT')
    await registered(backup, 'dave')
    await registered(backup, 'erin')
    expect(await codeOf(client.client.lookUp('bob'))).toBe('LOG_INCONSISTENT')
  })

  test('of some minutes ago is taken if it lost nothing, and does not make the client forget', async () => {
    const minutesAgo = await authority.fork()
    await registered(authority, 'carol')
    const { checkpoint } = await alice.client.lookUp('bob')
    lie(async (reply) => ({ ...reply, checkpoint: await minutesAgo.checkpoint() }))
    expect((await alice.client.lookUp('bob')).checkpoint.size).toBe(checkpoint.size - 1)
    expect(await alice.client.checkpoint()).toEqual(checkpoint)
  })

  test('without a proof that it grew', async () => {
    await alice.client.lookUp('bob')
    await registered(authority, 'carol')
    lie(({ consistency: _, ...reply }) => reply)
    expect(await lookUp()).toBe('LOG_INCONSISTENT')
  })

  test('with one hash of the proof flipped', async () => {
    await alice.client.lookUp('bob')
    await registered(authority, 'carol')
    lie((reply) => {
      const [first, ...rest] = reply.consistency
      const bytes = fromBase64url(first)
      bytes[0]! ^= 1
      return { ...reply, consistency: [toBase64url(bytes), ...rest] }
    })
    expect(await lookUp()).toBe('LOG_INCONSISTENT')
  })

  test('signed by another key', async () => {
    const key = await nodeBackend.signatures.generateKeyPair('EdDSA')
    const log = await createLogSigner(nodeBackend, ORIGIN, key)
    const stranger = await newUser(authority, 'alice', {
      trust: { log: formatVerifierKey(log.checkpoint.verifier) },
    })
    stranger.client.use({ username: 'alice', ...alice.keys })
    expect(await codeOf(stranger.client.lookUp('bob'))).toBe('SIGNATURE_INVALID')
  })

  test('of another origin, signed by the trusted key', async () => {
    const text = formatCheckpoint({ origin: 'log.test/other', size: 3, root: new Uint8Array(32) })
    const note = await signNote(nodeBackend, text, [authority.keys.log.checkpoint])
    lie((reply) => ({ ...reply, checkpoint: note }))
    expect(await lookUp()).toBe('SIGNATURE_INVALID')
    expect(await codeOf(alice.client.compareCheckpoint(note))).toBe('SIGNATURE_INVALID')
  })

  test('without a time of its own', async () => {
    const text = parseNote(await authority.checkpoint()).text
    const note = await signNote(nodeBackend, text, [authority.keys.log.checkpoint])
    lie((reply) => ({ ...reply, checkpoint: note }))
    expect(await lookUp()).toBe('DIRECTORY_STALE')
  })

  test('of an hour ago', async () => {
    const old = await authority.checkpoint()
    authority.now += HOUR + 1
    lie((reply) => ({ ...reply, checkpoint: old }))
    expect(await lookUp()).toBe('DIRECTORY_STALE')
  })

  test('of the future', async () => {
    lie(async (reply) => ({
      ...reply,
      checkpoint: await authority.checkpoint(authority.leaves.length, authority.now + HOUR),
    }))
    expect(await lookUp()).toBe('CLOCK_SKEW')
  })

  test('with fewer witnesses than the app demands', async () => {
    const careful = await registered(authority, 'careful', { trust: authority.witnessed(2) })
    authority.cosigning = 1
    expect(await codeOf(careful.client.lookUp('bob'))).toBe('PROOF_INVALID')
  })
})

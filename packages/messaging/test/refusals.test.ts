import { nodeBackend, toBase64url } from '@keyhaven/crypto/node'
import { beforeEach, describe, expect, test } from 'vitest'
import { signDeviceJws } from '../src/wire/device-jws.ts'
import { NEGOTIATION_TYP, readNegotiation } from '../src/wire/negotiation.ts'
import { codeOf, createWorld, type TestDevice, type World } from './kit/people.ts'

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

const send = async (text = 'hello') => (await alice.messenger.encrypt('bob', text)).envelope

describe('an envelope is refused', () => {
  test('by a third person, also with a signature forwarded to them', async () => {
    const envelope = await send()
    expect(await codeOf(carol.messenger.decrypt(envelope))).toBe('SIGNATURE_INVALID')
    // Bob hands carol alice's signature with the session key wrapped for her.
    const json = JSON.parse(envelope)
    json.negotiation.keys = { [carol.keys.device]: json.negotiation.keys[bob.keys.device] }
    expect(await codeOf(carol.messenger.decrypt(JSON.stringify(json)))).toBe('SIGNATURE_INVALID')
  })

  test('with a flipped bit at any position', async () => {
    const envelope = await send('x')
    for (let at = 0; at < envelope.length; at++) {
      for (const bit of [1, 2, 4, 8, 16, 32, 64]) {
        const flipped =
          envelope.slice(0, at) + String.fromCharCode(envelope.charCodeAt(at) ^ bit) + envelope.slice(at + 1)
        const code = await codeOf(bob.messenger.decrypt(flipped))
        if (code === 'resolved') throw new Error(`opened with bit ${bit} of character ${at} flipped`)
      }
    }
    expect((await bob.messenger.decrypt(envelope)).text).toBe('x')
  })

  test('with a flipped bit within a session, too', async () => {
    await bob.messenger.decrypt(await send())
    await alice.messenger.decrypt((await bob.messenger.encrypt('alice', 'hi')).envelope)
    const envelope = await send('y')
    for (let at = 0; at < envelope.length; at++) {
      const flipped =
        envelope.slice(0, at) + String.fromCharCode(envelope.charCodeAt(at) ^ 1) + envelope.slice(at + 1)
      if ((await codeOf(bob.messenger.decrypt(flipped))) === 'resolved') throw new Error(`character ${at}`)
    }
    expect((await bob.messenger.decrypt(envelope)).text).toBe('y')
  })

  test('cut anywhere, or with something behind it', async () => {
    const envelope = await send()
    for (let length = 0; length < envelope.length; length += 7) {
      expect(await codeOf(bob.messenger.decrypt(envelope.slice(0, length)))).toBe('WIRE_MALFORMED')
    }
    expect(await codeOf(bob.messenger.decrypt(`${envelope}x`))).toBe('WIRE_MALFORMED')
    expect(await codeOf(bob.messenger.decrypt(' '.repeat(262_145)))).toBe('WIRE_TOO_LARGE')
  })

  test('what to do about it is told: hand over the whole one, or read the history', async () => {
    const envelope = await send()
    const adviceOn = (text: string) => bob.messenger.decrypt(text).catch(({ advice }) => advice)
    expect(await adviceOn('Hello')).toContain('hand over the whole envelope')
    await bob.messenger.decrypt(envelope)
    expect(await adviceOn(envelope)).toContain('the history that this device keeps')
    await expect(alice.messenger.encrypt('bob', 'x'.repeat(262_145))).rejects.toThrow('262144 characters')
  })

  test('when it comes twice, also after a restart and to another process', async () => {
    const envelope = await send()
    await bob.messenger.decrypt(envelope)
    expect(await codeOf(bob.messenger.decrypt(envelope))).toBe('DUPLICATE')
    expect(await codeOf(world.again(bob).decrypt(envelope))).toBe('DUPLICATE')
    expect(await codeOf(alice.messenger.decrypt(envelope))).toBe('DUPLICATE')
  })

  test('under a session that was ended', async () => {
    const envelope = await send()
    const { session } = await bob.messenger.decrypt(envelope)
    const next = await send()
    await bob.messenger.endSession(session)
    expect(await codeOf(bob.messenger.decrypt(next))).toBe('SESSION_UNKNOWN')
    expect(await codeOf(world.again(bob).decrypt(envelope))).toBe('SESSION_UNKNOWN')
  })

  test('without a negotiation that this device has seen', async () => {
    const json = JSON.parse(await send())
    delete json.negotiation
    expect(await codeOf(bob.messenger.decrypt(JSON.stringify(json)))).toBe('SESSION_UNKNOWN')
  })

  test('of another application, or under another name', async () => {
    const json = JSON.parse(await send())
    expect(await codeOf(bob.messenger.decrypt(JSON.stringify({ ...json, application: 'other' })))).toBe(
      'OPEN_FAILED',
    )
    const from = { username: 'carol', device: carol.keys.device }
    expect(await codeOf(bob.messenger.decrypt(JSON.stringify({ ...json, from })))).toBe('SIGNATURE_INVALID')
  })
})

/** An envelope whose negotiation says something else, signed by alice's own key. */
async function lying(change: (payload: Record<string, never>) => object): Promise<string> {
  const json = JSON.parse(await send())
  const payload = change(readNegotiation(json.negotiation.jws) as unknown as Record<string, never>)
  json.negotiation.jws = await signDeviceJws(alice.keys.signingKey, NEGOTIATION_TYP, payload)
  return JSON.stringify(json)
}

describe('a negotiation is refused', () => {
  test('that talks the suite down', async () => {
    for (const profile of ['x-wing', 'rsa3072', 'rsa1024-legacy', 'none']) {
      expect(await codeOf(bob.messenger.decrypt(await lying((payload) => ({ ...payload, profile }))))).toBe(
        'SUITE_REFUSED',
      )
    }
  })

  test('that commits to another key', async () => {
    const commitment = toBase64url(await nodeBackend.sha256(new Uint8Array(1)))
    expect(await codeOf(bob.messenger.decrypt(await lying((payload) => ({ ...payload, commitment }))))).toBe(
      'SIGNATURE_INVALID',
    )
  })

  test('whose sender’s newest encryption key is withheld; what comes within a session is read', async () => {
    const read = await send()
    await bob.messenger.decrypt(read)
    const within = await send('within')
    const fresh = (await alice.messenger.encrypt('bob', 'anew', { newSession: true })).envelope
    world.directory.lie = (user) =>
      user.username === 'alice'
        ? { ...user, devices: [], refused: [{ device: alice.keys.device, code: 'DIRECTORY_STALE' }] }
        : user
    bob.messenger.directoryChanged('alice')
    expect((await bob.messenger.decrypt(within)).text).toBe('within')
    const error = await bob.messenger.decrypt(fresh).catch((error: unknown) => error)
    expect(error).toMatchObject({ code: 'DIRECTORY_STALE' })
    expect(await (error as { repair(): Promise<unknown> }).repair()).toEqual({ action: 'retry' })
    world.directory.lie = undefined
    expect((await bob.messenger.decrypt(fresh)).text).toBe('anew')
  })

  test('from the future or of long ago', async () => {
    const now = Math.floor(world.clock() / 1_000)
    const at = (issued: number) => lying((payload) => ({ ...payload, issued }))
    expect(await codeOf(bob.messenger.decrypt(await at(now + 121)))).toBe('CLOCK_SKEW')
    expect(await codeOf(bob.messenger.decrypt(await at(now - 3_600)))).toBe('SIGNATURE_INVALID')
    expect(await codeOf(bob.messenger.decrypt(await at(now - 36 * 86_400)))).toBe('SESSION_UNKNOWN')
  })

  test('whose sender knows more of itself than the directory shows', async () => {
    const sender = (payload: Record<string, never>, more: object) => ({
      ...payload,
      sender: { ...(payload as unknown as { sender: object }).sender, ...more },
    })
    const newer = await lying((payload) => sender(payload, { sequence: 5 }))
    const error = await bob.messenger.decrypt(newer).catch((error: unknown) => error)
    expect(error).toMatchObject({ code: 'DIRECTORY_STALE' })
    expect(await (error as { repair(): Promise<unknown> }).repair()).toEqual({ action: 'retry' })
    const head = toBase64url(await nodeBackend.sha256(new Uint8Array(2)))
    expect(await codeOf(bob.messenger.decrypt(await lying((payload) => sender(payload, { head }))))).toBe(
      'CHAIN_BROKEN',
    )
  })

  test('with a member more, less or of another kind', async () => {
    const cases = [
      (payload: object) => ({ ...payload, more: 1 }),
      ({ issued: _, ...rest }: Record<string, never>) => rest,
      (payload: object) => ({ ...payload, recipients: [] }),
      (payload: object) => ({ ...payload, issued: 1.5 }),
      (payload: object) => ({ ...payload, v: 2 }),
    ]
    for (const change of cases) {
      expect(await codeOf(bob.messenger.decrypt(await lying(change as never)))).toBe('WIRE_MALFORMED')
    }
  })

  test('whose sender was revoked, was reset, or has expired', async () => {
    const envelope = await send()
    world.clock.advance(91 * 86_400)
    expect(await codeOf(bob.messenger.decrypt(envelope))).toBe('SESSION_UNKNOWN')
    const short = await world.device('dave', { recordSeconds: 3_600 })
    const fresh = await world.device('erin')
    const late = (await short.messenger.encrypt('erin', 'late')).envelope
    world.clock.advance(3_601)
    expect(await codeOf(fresh.messenger.decrypt(late))).toBe('KEY_EXPIRED')
    expect(await codeOf(short.messenger.encrypt('erin', 'no'))).toBe('KEY_EXPIRED')
  })
})

describe('within a session', () => {
  test('a revoked sender is refused at the next look-up', async () => {
    await bob.messenger.decrypt(await send())
    const next = await send()
    await world.directory.revokeByOperator('alice', alice.keys.device)
    bob.messenger.directoryChanged('alice')
    expect(await codeOf(bob.messenger.decrypt(next))).toBe('SENDER_REVOKED')
    alice.messenger.directoryChanged('alice')
    expect(await codeOf(alice.messenger.encrypt('bob', 'no'))).toBe('DEVICE_REVOKED')
  })

  test('a message too far ahead is refused, one at the edge of the window opens', async () => {
    const envelopes: string[] = []
    const far = await world.device('frank', { settings: { maxSessionMessages: 5_000, archive: false } })
    for (let n = 0; n <= 2_002; n++) envelopes.push((await far.messenger.encrypt('bob', `${n}`)).envelope)
    expect(await codeOf(bob.messenger.decrypt(envelopes[2_001]!))).toBe('SESSION_UNKNOWN')
    expect((await bob.messenger.decrypt(envelopes[2_000]!)).n).toBe(2_000)
    expect((await bob.messenger.decrypt(envelopes[0]!)).text).toBe('0')
  })

  test('another log, shown to the other side, is found', async () => {
    const envelope = await send()
    const split = world.directory.note
    world.directory.note = 'keyhaven.evil/demo\n42\nroot\n\n— signature\n'
    expect(await codeOf(bob.messenger.decrypt(envelope))).toBe('LOG_INCONSISTENT')
    world.directory.note = split
    expect((await bob.messenger.decrypt(envelope)).text).toBe('hello')
  })
})

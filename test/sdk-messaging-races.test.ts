import type { Me } from '@keyhaven/sdk'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { codeOf } from './kit/code-of.ts'
import { ENGINES } from './kit/engines.ts'
import { createPeople, textOf } from './kit/sdk-people.ts'
import { type SdkServer, startSdkServer } from './kit/sdk-server.ts'

/** Nothing that was looked up is relied on: each message asks the directory. */
const ASKING = { messages: { lookUpSeconds: 0, allowLegacy: true } }
const ROUNDS = 6
const LEGACY = { profile: 'rsa1024-legacy', ...ASKING } as const

describe.each(ENGINES)('many things at once, with the SDK and a server on $name', (engine) => {
  let server: SdkServer
  const people = createPeople(() => server, ASKING)
  const { person, secondDevice, kept, nameOf } = people

  beforeAll(async () => {
    server = await startSdkServer(engine, { KEYHAVEN_LEGACY_PROFILE: 'on' })
  })
  afterAll(async () => {
    await people.close()
    await server?.dispose()
  })

  const logIsValid = async () => (await server.operator('POST', '/log/check')).body

  test('devices that negotiate at once: each session is its own, and all is read everywhere', async () => {
    const anna = await person('anna')
    const ben = await person('ben')
    const phone = await secondDevice(anna)
    const everybody = [anna, phone, ben]
    const sent = await Promise.all(
      Array.from({ length: ROUNDS }, (_, round) =>
        everybody.map(async (from) => {
          const to = from === ben ? anna : ben
          const text = `${from.device} ${round}`
          const options = { newSession: round % 2 === 0 }
          return { from, text, ...(await from.messages.encrypt(to.username, text, options)) }
        }),
      ).flat(),
    )
    for (const { leftOut, recipients } of sent) {
      expect(leftOut).toEqual([])
      expect(recipients).toHaveLength(2)
    }
    // One sending device a session, one message key a message.
    const senders = new Map<string, Set<string>>()
    for (const { session, from } of sent)
      senders.set(session, (senders.get(session) ?? new Set()).add(from.device))
    expect([...senders.values()].every(({ size }) => size === 1)).toBe(true)
    expect(new Set(sent.map(({ session, n }) => `${session} ${n}`)).size).toBe(sent.length)
    for (const reader of everybody) {
      const mine = sent.filter(({ from }) => from !== reader).reverse()
      const texts = await Promise.all(mine.map(({ envelope }) => textOf(reader, envelope)))
      expect(texts).toEqual(mine.map(({ text }) => text))
    }
  })

  test('renewals race with messages on both sides: every message is read, in whatever order', async () => {
    const anna = await person('anna')
    const ben = await person('ben')
    const envelopes: { readonly to: Me; readonly envelope: string; readonly text: string }[] = []
    const write = async (from: Me, to: Me, text: string) => {
      const { envelope, leftOut } = await from.messages.encrypt(to.username, text, { newSession: true })
      expect(leftOut).toEqual([])
      envelopes.push({ to, envelope, text })
    }
    for (let round = 0; round < ROUNDS; round++) {
      await Promise.all([
        write(anna, ben, `to ben ${round}`),
        round % 2 === 0 ? ben.renew() : anna.renew(),
        write(ben, anna, `to anna ${round}`),
        write(anna, ben, `to ben, too ${round}`),
      ])
    }
    for (const { to, envelope, text } of envelopes.reverse()) expect(await textOf(to, envelope)).toBe(text)
    for (const me of [anna, ben]) {
      const { history } = await me.directory.ownChain()
      expect(history).toHaveLength(1 + ROUNDS / 2)
      expect((await me.directory.monitor()).hidden).toEqual([])
    }
  })

  test('two devices of a user change the chain at once: both get through, one after the other', async () => {
    const anna = await person('anna')
    const phone = await secondDevice(anna)
    const requests = await Promise.all(
      [0, 1].map(() => server.connect().requestDevice({ username: anna.username, ...ASKING })),
    )
    await Promise.all([
      anna.renew(),
      phone.renew(),
      anna.devices.approve(requests[0]!.request),
      phone.devices.approve(requests[1]!.request),
    ])
    const added = await Promise.all(requests.map(({ completed }) => completed()))
    for (const me of added) kept(me)
    const { history, sequence } = await anna.directory.ownChain()
    expect(history.map((item) => item.sequence)).toEqual(Array.from({ length: 6 }, (_, at) => at))
    expect(sequence).toBe(5)
    expect((await anna.devices.list()).map(({ status }) => status)).toEqual(Array(4).fill('valid'))
    expect(await logIsValid()).toMatchObject({ valid: true })
  })

  test('a wrong recipient reads nothing: not a third person, not what is put together for one', async () => {
    const anna = await person('anna')
    const ben = await person('ben')
    const carl = await person('carl')
    const { envelope } = await anna.messages.encrypt(ben.username, 'for ben only')
    expect(await codeOf(carl.messages.decrypt(envelope))).toBe('SIGNATURE_INVALID')
    expect(await codeOf(carl.messages.readAgain(envelope))).toBe('HISTORY_UNAVAILABLE')
    // Ben forwards anna's signature with a key that carl can unwrap.
    const forCarl = JSON.parse((await ben.messages.encrypt(carl.username, 'x')).envelope)
    const json = JSON.parse(envelope)
    const mixes = [
      { ...json, negotiation: { ...json.negotiation, keys: forCarl.negotiation.keys } },
      { ...json, negotiation: { ...forCarl.negotiation, jws: json.negotiation.jws } },
      { ...json, negotiation: forCarl.negotiation },
      { ...forCarl, negotiation: json.negotiation },
      { ...forCarl, from: json.from },
      { ...forCarl, ciphertext: json.ciphertext },
      { ...forCarl, session: json.session },
    ]
    for (const mix of mixes) {
      const code = await codeOf(carl.messages.decrypt(JSON.stringify(mix)))
      expect(['SIGNATURE_INVALID', 'OPEN_FAILED']).toContain(code)
    }
    // The sender is a recipient, too: of nothing.
    expect(await codeOf(anna.messages.decrypt(envelope))).toBe('DUPLICATE')
    // None of this has used the message up.
    expect(await textOf(ben, envelope)).toBe('for ben only')
    // A person who is not there.
    expect(await codeOf(anna.messages.encrypt('nobody is called so', 'x'))).toBe('NOT_FOUND')
  })

  test('a suite goes up, never down', async () => {
    const anna = await person('anna', { profile: 'x25519' })
    const ben = await person('ben')
    expect(await codeOf(ben.renew({ profile: 'x25519' }))).toBe('SUITE_REFUSED')
    expect(await codeOf(ben.renew({ profile: 'rsa1024-legacy' }))).toBe('SUITE_REFUSED')
    expect(ben.profile).toBe('x-wing')
    const { envelope } = await anna.messages.encrypt(ben.username, 'before')
    await anna.renew({ profile: 'x-wing' })
    expect(anna.profile).toBe('x-wing')
    expect(await codeOf(anna.renew({ profile: 'x25519' }))).toBe('SUITE_REFUSED')
    expect(await textOf(ben, envelope)).toBe('before')
    const { envelope: after } = await anna.messages.encrypt(ben.username, 'after', { newSession: true })
    const [, payload] = JSON.parse(after).negotiation.jws.split('.')
    expect(JSON.parse(Buffer.from(payload, 'base64url').toString('utf8')).profile).toBe('x-wing')
    expect(await textOf(ben, after)).toBe('after')
    // Refused renewals leave the chain as it was, and the device at work.
    expect((await ben.directory.ownChain()).sequence).toBe(0)
  })

  test('the legacy profile: seed 002 as it is written, refused unless named, and the way out', async () => {
    const old = await person('old', LEGACY)
    const peer = await person('peer', LEGACY)
    const strict = kept(await server.enroll(nameOf('strict'), { profile: 'rsa3072' }))
    // Negotiation and message, between two that name the profile.
    const { envelope } = await old.messages.encrypt(peer.username, 'as in the seed')
    expect(await textOf(peer, envelope)).toBe('as in the seed')
    // Refused, both ways, by who does not.
    expect(await codeOf(strict.messages.encrypt(old.username, 'x'))).toBe('SUITE_REFUSED')
    const { envelope: weak } = await old.messages.encrypt(strict.username, 'weak')
    expect(await codeOf(strict.messages.decrypt(weak))).toBe('SUITE_REFUSED')
    // Renewal, its eight steps, by the old key; what was under way is read.
    const under = await peer.messages.encrypt(old.username, 'under way', { newSession: true })
    await old.renew()
    expect(old.profile).toBe('rsa1024-legacy')
    expect(await textOf(old, under.envelope)).toBe('under way')
    const again = await old.messages.encrypt(peer.username, 'renewed', { newSession: true })
    expect(await textOf(peer, again.envelope)).toBe('renewed')
    // A weak key brings in nobody.
    const { request } = await server.connect().requestDevice({ username: old.username, ...ASKING })
    expect(await codeOf(old.devices.approve(request))).toBe('SUITE_REFUSED')
    // Out of it, with a fresh proof only.
    expect(await codeOf(old.renew({ profile: 'x-wing' }))).toBe('ACCESS_DENIED')
    await old.renew({ profile: 'x-wing', signUp: { token: await server.token(old.username) } })
    expect(old.profile).toBe('x-wing')
    const { envelope: strong } = await old.messages.encrypt(strict.username, 'strong', { newSession: true })
    await strict.verification.isVerified(old.username)
    expect(await textOf(strict, strong)).toBe('strong')
    expect(await codeOf(old.renew(LEGACY))).toBe('SUITE_REFUSED')
    expect(await logIsValid()).toMatchObject({ valid: true })
  })
})

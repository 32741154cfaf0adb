import { toBase64url } from '@keyhaven/crypto'
import { expect, test } from 'vitest'
import { signDeviceJws } from '../src/wire/device-jws.ts'
import { NEGOTIATION_TYP, readNegotiation } from '../src/wire/negotiation.ts'
import { codeOf, createWorld } from './kit/people.ts'

test('what one user sends does not use up the look-ups of whom it is for', async () => {
  const world = await createWorld()
  const mallory = await world.device('mallory')
  const bob = await world.device('bob')
  const { envelope } = await mallory.messenger.encrypt('bob', 'hello')
  const json = JSON.parse(envelope)
  const payload = readNegotiation(json.negotiation.jws)
  // A head that is in no chain: the directory is asked whether it is newer than what is known.
  const sender = { ...payload.sender, sequence: 7, head: toBase64url(new Uint8Array(32)) }
  const jws = await signDeviceJws(mallory.keys.signingKey, NEGOTIATION_TYP, { ...payload, sender })
  const forged = JSON.stringify({ ...json, negotiation: { ...json.negotiation, jws } })
  const flood = async (count: number) => {
    const before = world.directory.lookUps
    const codes = new Set<string>()
    for (let n = 0; n < count; n++) codes.add(await codeOf(bob.messenger.decrypt(forged)))
    return { codes: [...codes], lookUps: world.directory.lookUps - before }
  }
  const first = await flood(100)
  expect(first.codes).toEqual(['DIRECTORY_STALE', 'RATE_LIMITED'])
  expect(first.lookUps).toBeLessThan(30)
  world.clock.advance(10)
  expect((await flood(100)).lookUps).toBeLessThan(5)
  expect((await bob.messenger.decrypt(envelope)).text).toBe('hello')
})

test('nor do requests to send keys again', async () => {
  const world = await createWorld()
  const mallory = await world.device('mallory')
  const bob = await world.device('bob')
  const { session } = await bob.messenger.encrypt('mallory', 'hello')
  const before = world.directory.lookUps
  const codes = new Set<string>()
  for (let n = 0; n < 50; n++) {
    const id = toBase64url(new Uint8Array(16).fill(n))
    const from = { username: 'mallory', device: mallory.keys.device, entry: mallory.keys.entry! }
    const to = { username: 'bob', device: bob.keys.device }
    const issued = Math.floor(world.clock() / 1_000)
    const request = { v: 1, application: 'demo', id, from, to, session, numbers: [0], issued }
    const jws = await signDeviceJws(mallory.keys.signingKey, 'keyhaven-repair+jws', request)
    const text = JSON.stringify({ v: 1, type: 'keyhaven-repair', jws })
    codes.add(await codeOf(bob.messenger.answerRepair(text)))
  }
  expect([...codes]).toEqual(['resolved', 'RATE_LIMITED'])
  expect(world.directory.lookUps - before).toBeLessThan(45)
})

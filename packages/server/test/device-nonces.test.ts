import type { ChildProcess } from 'node:child_process'
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { backend, toBase64url, utf8 } from '@keyhaven/crypto'
import { DEVICE_REQUEST_EXPORT_BYTES, signDeviceRequest } from '@keyhaven/directory'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { StateFixture } from '../../../test/kit/engines.ts'
import { createStateFixture, ENGINES } from '../../../test/kit/engines.ts'
import { startServerProcess } from '../../../test/kit/server-process.ts'
import { createDatabaseReplayStore } from '../src/channel/replay-database.ts'
import type { DirectoryUser } from './fixtures/directory-user.ts'
import { enrollUser } from './fixtures/directory-user.ts'
import type { GuardOrder, OpenedRequest } from './fixtures/guard-devices.ts'

const GUARD = fileURLToPath(new URL('./fixtures/guard-devices.ts', import.meta.url))
const APPLICATION = 'demo'
const AUTHORITY = 'keys.test'
const PATH = '/v1/mailbox/messages'
const BODY = '{"to":["bob"],"envelope":"x"}'
const AT_ONCE = 50
const ROUNDS = 6
/** So that both processes have their order before the moment comes. */
const LEAD_MS = 60
const MS_PER_SECOND = 1_000
/** A device whose clock is ahead by no more than the window is heard. */
const AHEAD_MS = 100_000
const DEVICE_WINDOW_MS = 120_000

interface Signing {
  readonly nonce: Uint8Array
  readonly seal: Uint8Array
  readonly clock: () => number
}

describe.each(ENGINES)("nonces of devices' signatures in two processes on $name", (engine) => {
  let fixture: StateFixture
  let alice: DirectoryUser
  let bob: DirectoryUser
  let guards: readonly ChildProcess[]

  beforeAll(async () => {
    fixture = await createStateFixture(engine)
    const server = await startServerProcess(fixture.env)
    alice = await enrollUser(server, APPLICATION, 'alice')
    bob = await enrollUser(server, APPLICATION, 'bob')
    // From here on nothing but the two guards, each with a store of its own over the one database.
    await server.stop()
    guards = [0, 1].map(() => fork(GUARD, { env: { ...process.env, ...fixture.env } }))
    await Promise.all(guards.map((guard) => once(guard, 'message')))
  })
  afterAll(async () => {
    for (const guard of guards ?? []) {
      guard.disconnect()
      if (guard.exitCode === null) await once(guard, 'exit')
    }
    await fixture?.dispose()
  })

  /** As a gateway has it in hand once it has opened the seal. */
  async function signed(
    user: DirectoryUser,
    {
      nonce,
      seal = backend.randomBytes(DEVICE_REQUEST_EXPORT_BYTES),
      clock = Date.now,
    }: Partial<Signing> = {},
  ): Promise<OpenedRequest> {
    const { device, requestKey } = user.device
    const signer = {
      backend: nonce === undefined ? backend : { ...backend, randomBytes: () => nonce },
      application: APPLICATION,
      device,
      key: requestKey!,
      clock,
    }
    const parts = { method: 'POST', authority: AUTHORITY, path: PATH, query: '', body: utf8(BODY) }
    const headers = await signDeviceRequest(signer, { ...parts, export: () => seal })
    const url = `https://${AUTHORITY}${PATH}`
    return { applicationId: APPLICATION, method: 'POST', url, headers, body: BODY, seal: toBase64url(seal) }
  }

  async function ask(guard: ChildProcess, requests: readonly OpenedRequest[], at = 0): Promise<string[]> {
    const answered = once(guard, 'message')
    guard.send({ requests, at } satisfies GuardOrder)
    const [codes] = await answered
    return codes as string[]
  }

  /** Every other one to the other process, all of them at the same moment. */
  async function atOnce(requests: readonly OpenedRequest[]): Promise<string[]> {
    const at = Date.now() + LEAD_MS
    const halves = guards.map((guard, half) =>
      ask(
        guard,
        requests.filter((_, n) => n % 2 === half),
        at,
      ),
    )
    return (await Promise.all(halves)).flat()
  }

  test('a second use is refused, in the same process and in the other', async () => {
    const [one, two] = guards as [ChildProcess, ChildProcess]
    const request = await signed(alice)
    expect(await ask(one, [request])).toEqual(['passed as alice'])
    for (const guard of [one, two, one]) expect(await ask(guard, [request])).toEqual(['UNAUTHENTICATED'])
  })

  test(`${AT_ONCE} uses at the same moment: one passes`, async () => {
    for (let round = 0; round < ROUNDS; round++) {
      const request = await signed(alice)
      const codes = await atOnce(Array.from({ length: AT_ONCE }, () => request))
      expect(codes.filter((code) => code === 'passed as alice')).toHaveLength(1)
      expect(codes.filter((code) => code === 'UNAUTHENTICATED')).toHaveLength(AT_ONCE - 1)
    }
  })

  test(`${AT_ONCE} nonces at the same moment: all pass`, async () => {
    const requests = await Promise.all(Array.from({ length: AT_ONCE }, () => signed(alice)))
    expect(new Set(await atOnce(requests))).toEqual(new Set(['passed as alice']))
  })

  test('it is the nonce that counts: signed anew, for another seal, it is refused as well', async () => {
    const nonce = backend.randomBytes(16)
    const requests = await Promise.all(Array.from({ length: AT_ONCE }, () => signed(alice, { nonce })))
    const codes = await atOnce(requests)
    expect(codes.filter((code) => code === 'passed as alice')).toHaveLength(1)
    // Nobody can use up the nonces of another.
    expect(await ask(guards[1]!, [await signed(bob, { nonce })])).toEqual(['passed as bob'])
  })

  test('a request with a wrong signature marks nothing', async () => {
    const request = await signed(alice)
    const forged = { ...request, url: `${request.url}?to=everybody` }
    expect(new Set(await atOnce([forged, forged, forged, forged]))).toEqual(new Set(['UNAUTHENTICATED']))
    expect(await ask(guards[1]!, [request])).toEqual(['passed as alice'])
  })

  test('it is kept as long as the signature counts', async () => {
    const started = Date.now()
    const ahead = await signed(alice, { clock: () => started + AHEAD_MS })
    expect(await ask(guards[0]!, [ahead])).toEqual(['passed as alice'])
    const store = createDatabaseReplayStore(await fixture.open({ schedule: false }), Date.now)
    // The last moment at which the signature is young enough: times are compared in whole seconds.
    const created = started - (started % MS_PER_SECOND) + AHEAD_MS
    await store.prune(created + DEVICE_WINDOW_MS + MS_PER_SECOND - 1)
    expect(await ask(guards[1]!, [ahead])).toEqual(['UNAUTHENTICATED'])
  })
})

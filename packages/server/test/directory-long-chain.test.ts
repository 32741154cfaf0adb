import { backend } from '@keyhaven/crypto'
import { signDeviceRequest } from '@keyhaven/directory'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ENGINES } from '../../../test/kit/engines.ts'
import type { TestServer } from '../../../test/kit/test-server.ts'
import { startTestServer } from '../../../test/kit/test-server.ts'
import { TestChain } from '../../directory/test/kit/test-chain.ts'
import { type DirectoryUser, enrollUser, signUpToken } from './fixtures/directory-user.ts'

const APP = 'demo'
/** Each device may add 60 entries at once; together more than one answer of a look-up holds. */
const DEVICES = 10
const RENEWALS = 50
const ENTRIES = 1 + DEVICES + DEVICES * RENEWALS

describe.each(ENGINES)('a chain of more entries than an answer holds, on $name', (engine) => {
  let server: TestServer
  let bob: DirectoryUser
  let chain: TestChain
  beforeAll(async () => {
    server = await startTestServer(engine)
    await server.admin('POST', '/applications', { id: APP, suite: 'x25519' })
    bob = await enrollUser(server, APP, 'bob')
    chain = await TestChain.open('alice')
    const first = await add(() => chain.first())
    const others: string[] = []
    while (others.length < DEVICES) others.push(await add(() => chain.approve(first), first))
    for (const device of others) {
      for (let renewals = 0; renewals < RENEWALS; renewals++) await add(() => chain.renew(device), device)
    }
  })
  afterAll(() => server?.dispose())

  /**
   * Sends what `write` adds to the chain.
   *
   * @param by - the device that signs the request; else a first one.
   */
  async function add(write: () => Promise<string>, by?: string): Promise<string> {
    const key = by === undefined ? undefined : chain.devices.get(by)!.requestKey
    chain.now = Math.floor(Date.now() / 1_000)
    const written = await write()
    const entry = chain.entries.at(-1)!
    const signUp = key === undefined && { signUp: { token: await signUpToken(server, APP, 'alice') } }
    const body = JSON.stringify({ entry, ...signUp })
    const init = { method: 'POST', body, headers: { 'content-type': 'application/json' } }
    const response = await bob.channel.signedFetch('/v1/directory/devices', init, (parts) =>
      key === undefined
        ? []
        : signDeviceRequest({ backend, application: APP, device: by!, key, clock: Date.now }, parts),
    )
    if (response.status !== 201) throw new Error(`refused: ${await response.text()}`)
    return written
  }

  test('is looked up answer by answer', async () => {
    const ask = async (body: object) => (await bob.call('POST', '/v1/directory/look-up', body)).json()
    const newest = ENTRIES - 1
    const first = await ask({ username: 'alice' })
    expect(first).toMatchObject({ sequence: newest })
    expect(first.entries.map(({ entry }: { entry: string }) => entry)).toEqual(chain.entries.slice(0, 500))
    const second = await ask({ username: 'alice', after: 499 })
    expect(second).toMatchObject({ sequence: newest })
    expect(second.entries.map(({ entry }: { entry: string }) => entry)).toEqual(chain.entries.slice(500))
    expect(await ask({ username: 'alice', after: newest })).toMatchObject({ sequence: newest, entries: [] })

    const found = await bob.client.lookUp('alice')
    expect(found).toMatchObject({ sequence: newest, head: chain.state.head })
    expect(found.devices).toHaveLength(DEVICES + 1)
    expect((await bob.client.monitor()).withheld).toEqual([])
  })
})

import { createChannel } from '@keyhaven/channel'
import { backend } from '@keyhaven/crypto'
import { createDirectoryClient, createMemoryDirectoryStore, generateDeviceKeys } from '@keyhaven/directory'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { codeOf } from './kit/code-of.ts'
import { ENGINES } from './kit/engines.ts'
import { createPeople } from './kit/sdk-people.ts'
import { type SdkServer, startSdkServer } from './kit/sdk-server.ts'

/** A third more than a device could once look up at once (300), and more than a process lets sign up at once. */
const OTHERS = 400
const SIGN_UPS_AT_ONCE = 250

describe('a conversation with hundreds of people whom its creator shares none with', () => {
  let server: SdkServer
  const { person, close } = createPeople(() => server)
  const members: Record<string, 'member'> = {}

  beforeAll(async () => {
    server = await startSdkServer(ENGINES[0]!)
    for (let at = 0; at < OTHERS; at++) {
      // Limits are of one process: another one counts anew.
      if (at > 0 && at % SIGN_UPS_AT_ONCE === 0) await server.restart()
      if (at % SIGN_UPS_AT_ONCE === 0) signUp = signUpAt(server)
      await signUp(`colleague ${at}`)
      members[`colleague ${at}`] = 'member'
    }
    await server.restart()
  }, 120_000)
  afterAll(async () => {
    await close()
    await server?.dispose()
  })

  let signUp: (username: string) => Promise<unknown>

  test.each(['sealed', 'managed'] as const)('is created at once, %s', async (mode) => {
    const anna = await person('anna')
    const chat = await anna.conversations.create({ members, mode })
    expect(chat.members()).toHaveLength(OTHERS + 1)
    const { keyId, leftOut } = await chat.encrypt('hello everybody')
    expect(leftOut).toEqual([])
    if (mode === 'sealed') expect(await chat.holders(keyId)).toHaveLength(OTHERS + 1)
  })

  test('names are harvested no faster for that', async () => {
    const mallory = await person('mallory')
    const codes: Record<string, number> = {}
    const begun = performance.now()
    for (let at = 0; at < 40; at++) {
      const code = await codeOf(mallory.conversations.create({ members: { [`guess ${at}`]: 'member' } }))
      codes[code] = (codes[code] ?? 0) + 1
    }
    // Two come back a minute.
    const minutes = (performance.now() - begun) / 60_000
    expect(codes.NOT_FOUND).toBeLessThanOrEqual(22 + 2 * minutes)
    expect(codes.RATE_LIMITED).toBe(40 - codes.NOT_FOUND!)
    // Not even one that is there, until the guesses are paid for.
    expect(await codeOf(mallory.conversations.create({ members }))).toBe('RATE_LIMITED')
  })
})

/** Devices that only have to be there, through one channel. */
function signUpAt({ options, token }: SdkServer): (username: string) => Promise<unknown> {
  const { url, applicationId, trust } = options
  const { rootThumbprints, log } = trust
  const { signedFetch: fetch } = createChannel({ url, applicationId, trust: { rootThumbprints } })
  const store = createMemoryDirectoryStore()
  const client = createDirectoryClient({ fetch, application: applicationId, trust: { log }, store })
  return async (username) => {
    const keys = await generateDeviceKeys(backend, 'x25519')
    return client.register(username, { ...keys, name: 'phone' }, { token: await token(username) })
  }
}

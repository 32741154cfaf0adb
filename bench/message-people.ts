import type { CryptoBackend } from '@keyhaven/crypto'
import { nodeBackend } from '@keyhaven/crypto/node'
import type { ProfileName } from '@keyhaven/directory'
import {
  createDeviceKeys,
  createMessenger,
  type DeviceKeys,
  type MessagingDirectory,
  type MessagingStore,
  type Messenger,
  memoryStore,
} from '@keyhaven/messaging'
import { APPLICATION, TestDirectory, testClock } from '../packages/messaging/test/kit/test-directory.ts'

/** More than any slice sends: what is measured is one session, not the change to the next. */
const MAX_SESSION_MESSAGES = 100_000_000

export interface PeopleOptions {
  readonly profile: ProfileName
  /** Of each device. @defaultValue {@link memoryStore} */
  readonly store?: (username: string) => MessagingStore
  /** As an app has it unless it says otherwise: on. */
  readonly archive?: boolean
}

/** People who have looked each other up: the look-ups themselves are measured elsewhere. */
export async function createPeople(
  usernames: readonly string[],
  { profile, store = () => memoryStore(), archive = true }: PeopleOptions,
): Promise<Map<string, Messenger>> {
  const backend: CryptoBackend = nodeBackend
  const clock = testClock()
  const directory = await TestDirectory.create(clock, backend)
  const devices: { username: string; keys: DeviceKeys; store: MessagingStore }[] = []
  for (const username of usernames) {
    const own = store(username)
    const options = { application: APPLICATION, username, store: own, clock, profile, backend }
    const keys = await createDeviceKeys(options)
    await directory.record(keys)
    devices.push({ username, keys, store: own })
  }
  const known = knownUsers(directory.client())
  return new Map(
    devices.map(({ username, keys, store }) => [
      username,
      createMessenger({
        application: APPLICATION,
        me: keys,
        directory: known,
        store,
        clock,
        backend,
        settings: { archive, maxSessionMessages: MAX_SESSION_MESSAGES },
      }),
    ]),
  )
}

/** One message each way, twice: both have answered, so that later messages carry no negotiation. */
export async function acquaint(one: Messenger, other: Messenger, names: readonly [string, string]) {
  const [oneName, otherName] = names
  for (let round = 0; round < 2; round++) {
    await other.decrypt((await one.encrypt(otherName, '')).envelope)
    await one.decrypt((await other.encrypt(oneName, '')).envelope)
  }
}

function knownUsers(directory: MessagingDirectory): MessagingDirectory {
  const users = new Map<string, ReturnType<MessagingDirectory['lookUp']>>()
  return {
    ...directory,
    lookUp(username, options) {
      const present = users.get(username) ?? directory.lookUp(username, options)
      users.set(username, present)
      return present
    },
  }
}

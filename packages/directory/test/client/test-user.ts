import type { ErrorCode, KeyhavenError } from '@keyhaven/crypto'
import { nodeBackend } from '@keyhaven/crypto/node'
import {
  createDirectoryClient,
  createMemoryDirectoryStore,
  type DirectoryClient,
  type DirectoryClientOptions,
  type DirectoryClientStore,
  type DirectoryEvent,
  type GeneratedDeviceKeys,
  generateDeviceKeys,
} from '@keyhaven/directory'
import type { ProfileName } from '../../src/chain/profile.ts'
import { APPLICATION, type TestAuthority } from './test-authority.ts'

const SIGN_UP = { token: 'khs_test' }

/** A person with one device. */
export interface TestUser {
  readonly username: string
  readonly keys: GeneratedDeviceKeys
  readonly client: DirectoryClient
  readonly store: DirectoryClientStore
  readonly events: DirectoryEvent[]
}

export async function newUser(
  authority: TestAuthority,
  username: string,
  options: Partial<DirectoryClientOptions> & { profile?: ProfileName } = {},
): Promise<TestUser> {
  const { profile = 'x25519', ...rest } = options
  const keys = await generateDeviceKeys(nodeBackend, profile)
  const store = rest.store ?? createMemoryDirectoryStore()
  const events: DirectoryEvent[] = []
  const client = createDirectoryClient({
    fetch: authority.fetch,
    application: APPLICATION,
    trust: authority.trust,
    clock: () => authority.now * 1_000,
    backend: nodeBackend,
    onEvent: (event) => events.push(event),
    ...rest,
    store,
  })
  return { username, keys, client, store, events }
}

export async function registered(
  authority: TestAuthority,
  username: string,
  options: Partial<DirectoryClientOptions> & { profile?: ProfileName } = {},
): Promise<TestUser> {
  const user = await newUser(authority, username, options)
  await user.client.register(username, { ...user.keys, name: `${username}'s laptop` }, SIGN_UP)
  return user
}

/** A second device of the same person, approved by the first. */
export async function secondDevice(authority: TestAuthority, first: TestUser): Promise<TestUser> {
  const second = await newUser(authority, first.username)
  const request = await second.client.requestDevice(first.username, { ...second.keys, name: 'phone' })
  await first.client.approve(request)
  second.client.use({ username: first.username, ...second.keys })
  return second
}

export { SIGN_UP }

export function codeOf(promise: Promise<unknown>): Promise<ErrorCode | string> {
  return promise.then(
    () => 'accepted',
    (error: KeyhavenError) => error.code ?? `${error.name}: ${error.message}`,
  )
}

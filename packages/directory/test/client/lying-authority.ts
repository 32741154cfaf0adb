import { nodeBackend } from '@keyhaven/crypto/node'
import { generateDeviceKeys } from '@keyhaven/directory'
import { signDeviceKeyRequest } from '../../src/chain/device-key-request.ts'
import { type EntryFields, signEntry } from '../../src/chain/entry.ts'
import { APPLICATION, type Reply, TestAuthority } from './test-authority.ts'
import { codeOf, registered, type TestUser } from './test-user.ts'

const RECORD_LIFE_SECONDS = 86_400

/** An authority that lies to alice about bob, both of whom are registered. */
export interface LyingAuthority {
  readonly authority: TestAuthority
  readonly alice: TestUser
  readonly bob: TestUser
  /** From now on answers to look-ups of bob are altered. */
  readonly lie: (change: (reply: Reply, body: Reply) => Reply | Promise<Reply>) => void
  /** How a look-up of bob by alice ends. */
  readonly lookUp: () => Promise<string>
  /** A first entry of bob with keys that are not bob's. */
  readonly swappedEntry: (changes?: Partial<EntryFields>) => Promise<string>
}

export async function createLyingAuthority(): Promise<LyingAuthority> {
  const authority = await TestAuthority.create()
  const alice = await registered(authority, 'alice')
  const bob = await registered(authority, 'bob')
  return {
    authority,
    alice,
    bob,
    lie: (change) => {
      authority.alter = (path, reply, body) =>
        path.endsWith('/look-up') && body.username === 'bob' ? change(reply, body) : reply
    },
    lookUp: () => codeOf(alice.client.lookUp('bob')),
    swappedEntry: async (changes = {}) => {
      const keys = await generateDeviceKeys(nodeBackend, 'x25519', bob.keys.device)
      const request = await signDeviceKeyRequest(nodeBackend, keys.signer, {
        application: APPLICATION,
        username: 'bob',
        device: bob.keys.device,
        name: 'laptop',
        profile: 'x25519',
        encryptionKey: keys.encryptionKey,
        notBefore: authority.now,
        expires: authority.now + RECORD_LIFE_SECONDS,
      })
      const { state } = authority.users.get('bob')!
      return signEntry(nodeBackend, keys.signer, {
        application: APPLICATION,
        username: 'bob',
        chain: 0,
        sequence: state.sequence + 1,
        previous: state.head,
        issued: authority.now,
        kind: 'device',
        request,
        ...changes,
      } as EntryFields)
    },
  }
}

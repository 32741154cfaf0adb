import {
  createDeviceKeys,
  createMessenger,
  indexedDbStore,
  type Messenger,
  openDeviceKeys,
} from '../../src/index.ts'
import { APPLICATION, TestDirectory, testClock } from './test-directory.ts'

export { indexedDbStore } from '../../src/index.ts'
export { CONFORMANCE } from './store-conformance.ts'

/** Two tabs of bob share his store; the directory, which lives in one tab, is handed over by `exported`. */
let alice: Messenger | undefined

async function directoryOf(): Promise<TestDirectory> {
  const snapshot = localStorage.getItem('test-directory')
  const clock = testClock()
  return snapshot ? TestDirectory.restore(clock, JSON.parse(snapshot)) : TestDirectory.create(clock)
}

/** In the first tab: enrols alice, with a store of her own, and bob. */
export async function startChat(): Promise<void> {
  const directory = await directoryOf()
  const { clock } = directory
  const names = ['alice', 'bob'] as const
  for (const username of names) {
    const store = await indexedDbStore(`chat-${username}`)
    const keys = await createDeviceKeys({
      application: APPLICATION,
      username,
      store,
      clock,
      profile: 'x25519',
    })
    await directory.record(keys)
    if (username === 'alice') {
      alice = createMessenger({
        application: APPLICATION,
        me: keys,
        directory: directory.client(),
        store,
        clock,
      })
    }
  }
  localStorage.setItem('test-directory', JSON.stringify(await directory.snapshot()))
}

export async function sendMany(count: number): Promise<string[]> {
  const envelopes: string[] = []
  for (let at = 0; at < count; at++) envelopes.push((await alice!.encrypt('bob', `message ${at}`)).envelope)
  return envelopes
}

let bob: Promise<Messenger> | undefined

async function openBob(): Promise<Messenger> {
  const directory = await directoryOf()
  const { clock } = directory
  const store = await indexedDbStore('chat-bob')
  const keys = await openDeviceKeys({ store, clock })
  return createMessenger({ application: APPLICATION, me: keys!, directory: directory.client(), store, clock })
}

export async function receiveAll(envelopes: readonly string[]): Promise<string[]> {
  bob ??= openBob()
  const messenger = await bob
  const outcomes: string[] = []
  for (const envelope of envelopes) {
    outcomes.push(
      await messenger.decrypt(envelope).then(
        ({ text }) => text ?? '',
        (error: { code?: string }) => error.code ?? String(error),
      ),
    )
  }
  return outcomes
}

export async function answerMany(count: number): Promise<string[]> {
  bob ??= openBob()
  const messenger = await bob
  const envelopes: string[] = []
  for (let at = 0; at < count; at++)
    envelopes.push((await messenger.encrypt('alice', `answer ${at}`)).envelope)
  return envelopes
}

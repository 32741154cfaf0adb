import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { nodeBackend } from '@keyhaven/crypto/node'
import { type MessagingStore, type Messenger, memoryStore } from '@keyhaven/messaging'
import { sqliteStore } from '@keyhaven/messaging/node'
import { type Contestant, type MeasureOptions, measure } from './measure.ts'
import { messagePeers, TS_MLS, TS_MLS_NOBLE } from './message-peers.ts'
import { acquaint, createPeople } from './message-people.ts'
import { measuredRow, type Row, targetRow } from './row.ts'

const SIZES = [
  { label: '100 B', bytes: 100 },
  { label: '1 KiB', bytes: 1_024 },
] as const
const KEYHAVEN = 'keyhaven'
const OPTIONS: MeasureOptions = { inFlight: 1, rounds: 35, sliceMilliseconds: 10 }
/** Longer slices: Linux counts a process's time when its timer ticks, each 4 ms or so. */
const PROCESSOR_OPTIONS: MeasureOptions = {
  inFlight: 1,
  rounds: 15,
  sliceMilliseconds: 100,
  clock: 'processor',
}
/** More than a slice decrypts. */
const ENCRYPTED_BEFOREHAND = 10_000
const MICROSECONDS_PER_SECOND = 1_000_000
/** Every ordered pair of so many people has a session: 10,100. */
const CROWD = 101
const SESSIONS = 10_000
const TARGETS = { timesFasterThanMls: 10, perSecond: 20_000 } as const

/** Two people in one session, both of whom have answered. */
export async function runOneSession(): Promise<Row[]> {
  const rows: Row[] = []
  const peers = await messagePeers()
  for (const { label, bytes } of SIZES) {
    const payload = nodeBackend.randomBytes(bytes)
    const [alice, bob] = await pair(() => memoryStore())
    const contestants = [
      { name: KEYHAVEN, run: () => exchange(alice, bob, payload) },
      ...peers.map(({ name, exchange }) => ({ name, run: () => exchange(payload) })),
    ]
    const times = await measure(contestants, OPTIONS)
    const own = times.get(KEYHAVEN)!
    for (const { name } of contestants) {
      const row = { name: `encrypted and decrypted, ${label}: ${name}`, value: times.get(name)!, unit: 'µs' }
      const reference = { name: KEYHAVEN, value: own }
      rows.push(
        name === TS_MLS || name === TS_MLS_NOBLE
          ? targetRow({ ...row, reference }, row.value / own, { atLeast: TARGETS.timesFasterThanMls })
          : measuredRow(row.name, row.value, row.unit, name === KEYHAVEN ? undefined : reference),
      )
    }
    for (const { name, exchange } of peers) {
      rows.push(measuredRow(`overhead, ${label}: ${name}`, (await exchange(payload)) - bytes, 'B'))
    }
    const { envelope } = await alice.encrypt('bob', payload)
    await bob.decrypt(envelope)
    rows.push(measuredRow(`overhead, ${label}: keyhaven, as JSON`, envelope.length - bytes, 'B'))
    rows.push(...(await processorRows(label, payload)))
  }
  return rows
}

/**
 * Messages that one core encrypts, decrypts, or both, in a second; receiver and sender with the store named.
 */
async function processorRows(label: string, payload: Uint8Array): Promise<Row[]> {
  const folder = await mkdtemp(join(tmpdir(), 'keyhaven-bench-'))
  const stores: MessagingStore[] = []
  try {
    const rows: Row[] = []
    const sqlite = (username: string): MessagingStore => {
      const store = sqliteStore({ path: join(folder, `${username}-${stores.length}.db`) })
      stores.push(store)
      return store
    }
    const kinds = [
      { name: 'memory', store: () => memoryStore(), archive: false, promised: true },
      { name: 'memory with archive', store: () => memoryStore(), archive: true, promised: true },
      { name: 'SQLite', store: sqlite, archive: false, promised: false },
      { name: 'SQLite with archive', store: sqlite, archive: true, promised: false },
    ]
    for (const { name, store, archive, promised } of kinds) {
      const contestants = [
        bothOf(await pair(store, archive), payload),
        encryptionOf(await pair(store, archive), payload),
        decryptionOf(await pair(store, archive), payload),
      ]
      const times = await measure(contestants, PROCESSOR_OPTIONS)
      for (const [operation, microseconds] of times) {
        const value = MICROSECONDS_PER_SECOND / microseconds
        const row = { name: `messages a second a core, ${label}, ${name}: ${operation}`, value, unit: '1/s' }
        const reference = { name: 'target', value: TARGETS.perSecond }
        rows.push(
          promised
            ? targetRow({ ...row, reference }, value / reference.value, { atLeast: 1 })
            : measuredRow(row.name, row.value, row.unit),
        )
      }
    }
    return rows
  } finally {
    for (const store of stores) await store.close()
    await rm(folder, { recursive: true, force: true })
  }
}

type Pair = readonly [alice: Messenger, bob: Messenger]

async function pair(store: (username: string) => MessagingStore, archive?: boolean): Promise<Pair> {
  const options = { profile: 'x25519', store, ...(archive === undefined ? {} : { archive }) } as const
  const people = await createPeople(['alice', 'bob'], options)
  const [alice, bob] = [people.get('alice')!, people.get('bob')!]
  await acquaint(alice, bob, ['alice', 'bob'])
  return [alice, bob]
}

async function exchange(from: Messenger, to: Messenger, payload: Uint8Array, toName = 'bob') {
  await to.decrypt((await from.encrypt(toName, payload)).envelope)
}

function bothOf([alice, bob]: Pair, payload: Uint8Array): Contestant {
  return { name: 'encrypt and decrypt', run: () => exchange(alice, bob, payload) }
}

function encryptionOf([alice]: Pair, payload: Uint8Array): Contestant {
  return { name: 'encrypt', run: () => alice.encrypt('bob', payload) }
}

function decryptionOf([alice, bob]: Pair, payload: Uint8Array): Contestant {
  const waiting: string[] = []
  let next = 0
  return {
    name: 'decrypt',
    async prepare() {
      waiting.splice(0, next)
      next = 0
      while (waiting.length < ENCRYPTED_BEFOREHAND)
        waiting.push((await alice.encrypt('bob', payload)).envelope)
    },
    run() {
      const envelope = waiting[next++]
      if (envelope === undefined) throw new Error('more messages were decrypted than had been encrypted')
      return bob.decrypt(envelope)
    },
  }
}

/** 10,000 sessions in turn: each message belongs to another one than the message before. */
export async function runManySessions(): Promise<Row[]> {
  const names = Array.from({ length: CROWD }, (_, at) => `user-${at}`)
  const people = await createPeople(names, { profile: 'x25519' })
  const pairs = names.flatMap((from) => names.filter((to) => to !== from).map((to) => [from, to] as const))
  const send = ([from, to]: readonly [string, string], payload: Uint8Array) =>
    exchange(people.get(from)!, people.get(to)!, payload, to)
  // Negotiated, answered, and read once without a negotiation.
  for (let round = 0; round < 3; round++) for (const each of pairs) await send(each, new Uint8Array(0))
  const rows: Row[] = []
  for (const { label, bytes } of SIZES) {
    const payload = nodeBackend.randomBytes(bytes)
    let at = 0
    const contestant = { name: KEYHAVEN, run: () => send(pairs[at++ % SESSIONS]!, payload) }
    const times = await measure([contestant], { ...PROCESSOR_OPTIONS, rounds: 30 })
    const value = MICROSECONDS_PER_SECOND / times.get(KEYHAVEN)!
    const name = `messages a second a core, ${label}, ${SESSIONS} sessions, memory with archive: encrypt and decrypt`
    const reference = { name: 'target', value: TARGETS.perSecond }
    rows.push(targetRow({ name, value, unit: '1/s', reference }, value / reference.value, { atLeast: 1 }))
  }
  return rows
}

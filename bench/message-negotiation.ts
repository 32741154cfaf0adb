import { nodeBackend } from '@keyhaven/crypto/node'
import type { ProfileName } from '@keyhaven/directory'
import { measure } from './measure.ts'
import { type NegotiationPeer, negotiationPeers, TS_MLS } from './message-peers.ts'
import { createPeople } from './message-people.ts'
import { measuredRow, type Row } from './row.ts'

const PROFILES: readonly ProfileName[] = ['x-wing', 'x25519']
const PAYLOAD_BYTES = 100
const ROUNDS = 25
const SLICE_MILLISECONDS = 20
const MICROSECONDS_PER_SECOND = 1_000_000

/** First message of a new session to one device that was looked up before, and its decryption. */
export async function run(): Promise<Row[]> {
  const peers = [...(await Promise.all(PROFILES.map(keyhaven))), ...(await negotiationPeers())]
  const payload = nodeBackend.randomBytes(PAYLOAD_BYTES)
  const contestants = peers.map(({ name, negotiate }) => ({ name, run: () => negotiate(payload) }))
  const options = { inFlight: 1, rounds: ROUNDS, sliceMilliseconds: SLICE_MILLISECONDS } as const
  const wall = await measure(contestants, options)
  const processor = await measure(contestants, { ...options, clock: 'processor' })
  const reference = { name: TS_MLS, value: wall.get(TS_MLS)! }
  const rows: Row[] = []
  for (const { name, negotiate } of peers) {
    rows.push(measuredRow(`negotiation: ${name}`, wall.get(name)!, 'µs', reference))
    const perSecond = MICROSECONDS_PER_SECOND / processor.get(name)!
    rows.push(measuredRow(`negotiations a second a core: ${name}`, perSecond, '1/s'))
    const bytes = (await negotiate(payload)) - PAYLOAD_BYTES
    rows.push(measuredRow(`overhead of a first message: ${name}`, bytes, 'B'))
  }
  return rows
}

async function keyhaven(profile: ProfileName): Promise<NegotiationPeer> {
  const people = await createPeople(['alice', 'bob'], { profile })
  const [alice, bob] = [people.get('alice')!, people.get('bob')!]
  // Each knows the other, as after the first look-up.
  await alice.decrypt((await bob.encrypt('alice', '')).envelope)
  return {
    name: `keyhaven, ${profile}`,
    async negotiate(payload) {
      const { envelope } = await alice.encrypt('bob', payload, { newSession: true })
      await bob.decrypt(envelope)
      return envelope.length
    },
  }
}

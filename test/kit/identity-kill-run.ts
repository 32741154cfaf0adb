import { setTimeout } from 'node:timers/promises'
import { type SeededRandom, seededRandom } from '../../packages/identity/src/simulator/seeded-random.ts'
import type { IdentityProcesses, RoleProcess } from './identity-processes.ts'
import type { MadePacket } from './identity-system.ts'

const CLIENTS = 3
const LOOK_MS = 60
const MOMENTS = ['arriving', 'imported', 'opening'] as const
/** About as long as a packet takes to arrive. */
const UPLOAD_MS = 15
/** About as long as a stage, or one import, takes. */
const STAGE_MS = 60
/** About as long as a server takes to start. */
const OPENING_MS = 500
const RETRY_MS = 150
const VISIT_MS = 300
/** Leases of whoever died end after 10 s; a call can be cut by one kill after another. */
const PATIENCE_MS = 180_000

export interface KillRunOptions {
  readonly seed: number
  readonly people: number
  readonly kills: number
  /** After each kill, while the role does not run. */
  readonly check: (victim: RoleProcess, run: Arrived) => Promise<void>
  /** Again and again, whatever runs. */
  readonly visit: (people: readonly MadePacket[]) => Promise<void>
}

/** Whose packets were acknowledged so far. */
export interface Arrived {
  readonly received: ReadonlySet<string>
  readonly people: readonly MadePacket[]
}

export interface KillRun {
  /** Registration ids of everybody whose packet was acknowledged. */
  readonly received: ReadonlySet<string>
  readonly packets: readonly MadePacket[]
  /** What was killed when. */
  readonly told: readonly string[]
  /** Uploads that a kill cut. */
  readonly cut: number
}

/**
 * Registers people while the roles are killed with SIGKILL, one after the other, and started again: each of them in the
 * first kills, then any. Between two kills a share of the people is let in; a kill comes while packets arrive (of the
 * main server), while IDA takes people in, or soon after the start that follows another.
 */
export async function runWithKills(system: IdentityProcesses, options: KillRunOptions): Promise<KillRun> {
  const { people, kills } = options
  const random = seededRandom(`kills ${options.seed}`)
  const packets: MadePacket[] = []
  const received = new Set<string>()
  const told: string[] = []
  let [next, allowed, cut] = [0, 0, 0]
  let over = false
  let awaited = { count: Number.POSITIVE_INFINITY, come: () => {} }

  const client = async (): Promise<void> => {
    for (let person = next++; person < people; person = next++) {
      const packet = await patiently(() => system.packet(`Example Person ${person}`, person))
      packets.push(packet)
      while (person >= allowed && !over) await setTimeout(LOOK_MS)
      await patiently(() => system.upload(packet))
      received.add(packet.rid)
      if (received.size >= awaited.count) awaited.come()
    }
  }
  const patiently = async <T>(work: () => Promise<T>): Promise<T> => {
    for (const end = Date.now() + PATIENCE_MS; ; await setTimeout(RETRY_MS)) {
      try {
        return await work()
      } catch (error) {
        if (over || Date.now() > end) throw error
        cut++
      }
    }
  }
  const until = async (look: () => boolean | Promise<boolean>): Promise<void> => {
    const end = Date.now() + PATIENCE_MS
    while (!(await look())) {
      if (Date.now() > end) throw new Error('nothing goes on')
      await setTimeout(LOOK_MS)
    }
  }

  const arrived = (): Arrived => ({
    received: new Set(received),
    people: packets.filter(({ rid }) => received.has(rid)),
  })

  const killer = async (): Promise<void> => {
    const first = shuffled(system.roles, random)
    for (let kill = 0; kill < kills; kill++) {
      const victim = first[kill] ?? random.pick(system.roles)
      const during = random.pick(victim === system.main ? MOMENTS : MOMENTS.slice(1))
      const share = Math.ceil((people * (kill + 1)) / (kills + 1)) - allowed
      const wanted = 1 + random.below(Math.max(1, share - 1))
      const imported = await importedAt(system)
      const arrives = new Promise<void>((come) => {
        awaited = { count: received.size + Math.min(wanted, allowed + share - received.size), come }
      })
      allowed += share
      await arrives
      if (during === 'imported') {
        await until(async () => (await importedAt(system)) >= Math.min(imported + wanted, allowed))
      }
      await setTimeout(random.below(during === 'arriving' ? UPLOAD_MS : STAGE_MS))
      await victim.kill()
      await options.check(victim, arrived())
      if (during === 'opening') {
        await victim.startAndKill(random.below(OPENING_MS))
        await options.check(victim, arrived())
      }
      await victim.start()
      told.push(`${victim.role} ${during}`)
    }
    allowed = people
  }
  const visitor = async (): Promise<void> => {
    for (; !over; await setTimeout(VISIT_MS)) await options.visit(arrived().people)
  }
  const work = Promise.all([killer(), ...Array.from({ length: CLIENTS }, client)])
  const worked = work.finally(() => {
    over = true
  })
  await Promise.all([worked, visitor()])
  return { received, packets, told, cut }
}

function shuffled<T>(items: readonly T[], random: SeededRandom): T[] {
  const left = [...items]
  return items.map(() => left.splice(random.below(left.length), 1)[0]!)
}

/** How many people the IDA has. */
export async function importedAt({ ida }: IdentityProcesses): Promise<number> {
  const { body } = await ida.admin('GET', '/identity/vault')
  return body.records
}

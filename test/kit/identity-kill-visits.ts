import { KeyhavenError } from '../../packages/crypto/src/node/index.ts'
import type { RelyingParty } from '../../packages/identity/src/index.ts'
import { seededRandom } from '../../packages/identity/src/simulator/seeded-random.ts'
import type { IdentityProcesses, RoleProcess } from './identity-processes.ts'
import type { MadePacket } from './identity-system.ts'

/** "Request could not be processed. Please try again": nothing was said about the person. */
const TRY_AGAIN = 'IDA-MLC-007'
/** "Demographic data did not match", as for everybody who is not here. */
const MISMATCH = 'IDA-DEA-001'
/** Far from the ten failures that lock a person. */
const MAX_EARLY = 6
const LATER_MS = 3_000

/** People who authenticate while roles are killed. */
export interface Visits {
  /** Numbers of people, by registration. */
  learn(uins: ReadonlyMap<string, string>): void
  /** Somebody whose number is known authenticates. @throws Error on an answer that nobody may get. */
  visit(people: readonly MadePacket[]): Promise<void>
  /** Somebody authenticates, and is told to try again. @throws Error on any other answer. */
  visitInVain(people: readonly MadePacket[]): Promise<void>
  /** How many were answered yes, told to try again, and cut. */
  readonly counts: { readonly yes: number; readonly again: number; readonly cut: number }
}

/**
 * Whoever authenticated once always does, whatever is killed: an answer may be missing, or, while the oblivious PRF
 * does not run, ask to try again; it is never a no.
 */
export function createVisits({ oprf }: IdentityProcesses, bank: RelyingParty, seed: number): Visits {
  const random = seededRandom(`visits ${seed}`)
  const counts = { yes: 0, again: 0, cut: 0 }
  const known = new Set<string>()
  /** How often somebody came before the IDA knew him. */
  const early = new Map<string, number>()
  /** When such a person comes again. */
  const later = new Map<string, number>()
  let uins: ReadonlyMap<string, string> = new Map()

  const somebody = (people: readonly MadePacket[]): MadePacket | undefined => {
    const candidates = people.filter(
      ({ rid }) => uins.has(rid) && (later.get(rid) ?? 0) < Date.now() && (early.get(rid) ?? 0) < MAX_EARLY,
    )
    return candidates[random.below(Math.max(1, candidates.length))]
  }
  const authenticate = ({ rid, fields }: MadePacket) => bank.authenticate(claimsOf(fields, uins.get(rid)!))

  return {
    counts,
    learn(found) {
      uins = found
    },
    async visit(people) {
      const person = somebody(people)
      if (person === undefined) return
      const before = pidOf(oprf)
      try {
        const { authenticated, errors } = await authenticate(person)
        const codes = errors.map(({ errorCode }) => errorCode)
        const ran = oprf === undefined || (before !== undefined && before === pidOf(oprf))
        if (authenticated) {
          counts.yes++
          known.add(person.rid)
        } else if (codes.includes(TRY_AGAIN) && !ran) counts.again++
        else if (codes.some((code) => code !== MISMATCH) || known.has(person.rid)) {
          throw new Error(`${person.rid} was answered ${codes.join()}, oblivious PRF running: ${ran}`)
        } else {
          early.set(person.rid, (early.get(person.rid) ?? 0) + 1)
          later.set(person.rid, Date.now() + LATER_MS)
        }
      } catch (error) {
        if (!(error instanceof KeyhavenError) || error.code !== 'UPSTREAM_FAILED') throw error
        counts.cut++
      }
    },
    async visitInVain(people) {
      const person = somebody(people)
      if (person === undefined) return
      const { authenticated, errors } = await authenticate(person)
      const codes = errors.map(({ errorCode }) => errorCode).join()
      if (authenticated || codes !== TRY_AGAIN) throw new Error(`${person.rid} was answered ${codes}`)
      counts.again++
    },
  }
}

/** What a person says of himself, as he was registered. */
export function claimsOf(fields: MadePacket['fields'], uin: string) {
  return { id: uin, demographics: { name: fields.fullName as never, dob: String(fields.dateOfBirth) } }
}

/** Undefined while it does not run. */
function pidOf(role: RoleProcess | undefined): number | undefined {
  try {
    return role?.pid()
  } catch {
    return undefined
  }
}

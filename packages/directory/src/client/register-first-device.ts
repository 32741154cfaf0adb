import { KeyhavenError } from '@keyhaven/crypto'
import { MAX_CLOCK_DIFFERENCE_SECONDS } from '../chain/limits.ts'
import type { AcceptedEntries } from './accepted-entries.ts'
import { deviceEntryOf, deviceRequestOf, identityOf } from './device-entry.ts'
import { ChainMoved } from './directory-api.ts'
import type { AcceptedEntry, NewDevice, SignUp } from './directory-client.ts'
import type { EntryPlace, SubmitOptions } from './submit-options.ts'

/**
 * The first device of a user, or the first after a reset.
 *
 * @throws KeyhavenError `CONFLICT` if the user has devices already: one of them approves this one.
 */
export async function registerFirstDevice(
  options: SubmitOptions,
  accepted: AcceptedEntries,
  { username, device, signUp }: { username: string; device: NewDevice; signUp: SignUp },
): Promise<AcceptedEntry> {
  const { api, application, log, now } = options
  // A log that is not trusted gets no token, and no name is taken that could not be used then.
  await log.check(await api.checkpoint())
  const request = await deviceRequestOf(options, username, device)
  const signed = { signer: device.signer, request }
  const identity = identityOf(username, device)
  let place: EntryPlace = { application, username, chain: 0, sequence: 0, previous: null, issued: now() }
  let entry = await deviceEntryOf(options, place, signed)
  const post = () => api.postDevice(entry, signUp, false)
  try {
    await post()
  } catch (error) {
    // After a reset the chain has a place of its own, which only the server can tell to a user without a device.
    if (error instanceof ChainMoved && error.chain !== undefined && error.chain > 0 && error.head !== null) {
      const { chain, sequence, head } = error
      place = { ...place, chain, sequence: sequence + 1, previous: head, issued: dateAfter(now(), error) }
      entry = await deviceEntryOf(options, place, signed)
      await accepted.orUnknown(post(), entry, [identity])
    } else {
      await accepted.orUnknown(Promise.reject(error), entry, [identity])
    }
  }
  return accepted.adopt(identity, entry)
}

/**
 * The date of an entry that follows a reset: clocks differ, and it may not lie before.
 *
 * @throws KeyhavenError `CLOCK_SKEW` where it would be more than clocks may differ: no device signs a far day.
 */
function dateAfter(now: number, { issued = now }: ChainMoved): number {
  if (issued - now <= MAX_CLOCK_DIFFERENCE_SECONDS) return Math.max(now, issued)
  throw new KeyhavenError(
    'CLOCK_SKEW',
    "this device's clock is slow: it is before the reset that the new chain begins with. Set it",
  )
}

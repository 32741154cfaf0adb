import { KeyhavenError } from '@keyhaven/crypto'
import { type DeviceKeyRequest, verifyDeviceKeyRequest } from '../chain/device-key-request.ts'
import { decodeEntry } from '../chain/entry.ts'
import { profileOf } from '../chain/profile.ts'
import type { UserState } from '../chain/user-state.ts'
import {
  checkTurn,
  checkUsableKey,
  judge,
  recordedDevice,
  type Standing,
  type Submission,
  write,
} from './accept-entry.ts'
import { ChainConflict } from './chain-conflict.ts'
import type { Accepted, Caller } from './directory-service.ts'
import type { DirectoryTransaction, SignUpProof } from './ports.ts'
import { actorOf, nowSeconds, type ServiceContext, takeTurn, unrevokedCaller } from './service-context.ts'
import { type CheckedProof, checkProof, requireSinceReset, type TakenProof, takeProof } from './sign-up.ts'

interface Registration extends Submission {
  readonly request: DeviceKeyRequest
  readonly proof: CheckedProof | undefined
  readonly caller: Caller | undefined
}

/** `DirectoryService.register`. @returns what was accepted, and the state after it. */
export async function registerDevice<Tx extends DirectoryTransaction>(
  context: ServiceContext<Tx>,
  input: { readonly entry: string; readonly signUp?: SignUpProof },
  caller: Caller | undefined,
  origin: string,
): Promise<{ readonly accepted: Accepted; readonly after: UserState }> {
  await (caller ? takeTurn(context, 'append', caller.device) : takeTurn(context, 'sign-up', origin))
  const decoded = decodeEntry(input.entry)
  const { entry } = decoded
  if (entry.kind !== 'device') throw new KeyhavenError('INPUT_INVALID', 'only device entries are registered')
  if (caller && caller.username !== entry.username)
    throw new KeyhavenError('ACCESS_DENIED', "the entry is for another user than the caller's")
  if (!caller && !input.signUp)
    throw new KeyhavenError('UNAUTHENTICATED', 'a first device needs a sign-up token or an id token')
  const { application } = context
  const request = await verifyDeviceKeyRequest(context.backend, entry.request, {
    application,
    username: entry.username,
  })
  const registration: Registration = {
    text: input.entry,
    decoded,
    now: nowSeconds(context),
    actor: caller ? actorOf(caller) : 'system',
    request,
    proof: input.signUp && (await checkProof(context, input.signUp, request)),
    caller,
  }
  return await context.store.transaction((tx) => inTransaction(context, tx, registration))
}

async function inTransaction<Tx extends DirectoryTransaction>(
  context: ServiceContext<Tx>,
  tx: Tx,
  registration: Registration,
): Promise<{ readonly accepted: Accepted; readonly after: UserState }> {
  const { request, caller, now, decoded } = registration
  const user = await tx.lockUser(request.username)
  // The proof comes first: without one, nobody learns whether the user exists, not even by the time it takes.
  const taken = caller ? undefined : await takeProof(context, tx, registration.proof!, { request, user, now })
  const state = await context.states.load(tx, request.username, user, now)
  const standing = { user, state }
  if (caller) await admitCaller(context, tx, standing, { ...registration, caller })
  else admitFirst(standing, taken!)
  const signUp = taken?.source
  checkTurn(standing, decoded)
  const after = await judge(context, standing, registration)
  const { record } = recordedDevice(after)
  if (caller && record.approvedBy !== caller.device)
    throw new KeyhavenError('ACCESS_DENIED', 'the entry is not signed by the device that sent it')
  if (!context.settings.profiles.includes(record.profile))
    throw new KeyhavenError('SUITE_REFUSED', `the profile ${record.profile} is switched off here`)
  await checkUsableKey(context, record)
  const holder = await tx.findDevice(request.device)
  if (holder && holder.username !== request.username)
    throw new KeyhavenError('CONFLICT', 'the device id is taken: draw a new one')
  const accepted = await write(context, tx, standing, after, { ...registration, ...(signUp && { signUp }) })
  if (profileOf(record.profile).legacy) {
    const subject = `${request.username}/${request.device}`
    const detail = { profile: record.profile, weak: 'RSA-1024', sequence: after.sequence }
    await tx.audit({ actor: registration.actor, action: 'directory.legacy', subject, detail })
  }
  return { accepted, after }
}

/** A first chain, or the one after a reset. */
function admitFirst({ user, state }: Standing, taken: TakenProof): void {
  if (user === undefined) return
  if (state.history.at(-1)?.kind !== 'reset') throw new ChainConflict(state)
  requireSinceReset(taken, user.changedAt)
}

/** A renewal, also within the grace time after expiry, or another device's approval. */
async function admitCaller<Tx extends DirectoryTransaction>(
  context: ServiceContext<Tx>,
  tx: Tx,
  { user, state }: Standing,
  registration: Registration & { readonly caller: Caller },
): Promise<void> {
  const { caller, request, now, proof } = registration
  const device = unrevokedCaller(state, caller)
  const own = request.device === caller.device
  if (device.status === 'expired') {
    const end = device.record.expires + context.settings.renewalGraceSeconds
    if (!own || now >= end)
      throw new KeyhavenError('KEY_EXPIRED', own ? 'the time to renew has passed' : 'renew this device first')
  }
  const leavesLegacy = own && profileOf(device.record.profile).legacy && !profileOf(request.profile).legacy
  if (!leavesLegacy) return
  if (!proof)
    throw new KeyhavenError('ACCESS_DENIED', 'leaving the legacy profile needs a fresh sign-up proof')
  await takeProof(context, tx, proof, { request, user, now })
}

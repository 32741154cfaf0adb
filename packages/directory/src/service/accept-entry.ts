import { KeyhavenError, kemPublicKeyFromJwk, toBase64url, utf8 } from '@keyhaven/crypto'
import { signAcceptance } from '../chain/acceptance.ts'
import { type DecodedEntry, entryHash } from '../chain/entry.ts'
import { extendChain } from '../chain/fold-chain.ts'
import { MAX_CLOCK_DIFFERENCE_SECONDS } from '../chain/limits.ts'
import { profileOf } from '../chain/profile.ts'
import type { DeviceState, UserState } from '../chain/user-state.ts'
import { encodeLeaf, entryCommitment, OPENING_BYTES } from '../log/leaf.ts'
import { ChainConflict } from './chain-conflict.ts'
import { changedDeviceRows } from './device-rows.ts'
import type { Accepted } from './directory-service.ts'
import type { Actor, DirectoryTransaction, SignUpSource, StoredUser } from './ports.ts'
import type { ServiceContext } from './service-context.ts'

/** An entry on its way into the store. */
export interface Submission {
  readonly text: string
  readonly decoded: DecodedEntry
  readonly actor: Actor
  readonly now: number
}

/** Where the user stands, as the transaction sees it. */
export interface Standing {
  readonly user: StoredUser | undefined
  readonly state: UserState
}

/** @throws KeyhavenError `CONFLICT` with the present sequence and head, unless the entry is made for them. */
export function checkTurn({ state }: Standing, { entry }: DecodedEntry): void {
  if (entry.sequence !== state.sequence + 1 || entry.previous !== state.head) throw new ChainConflict(state)
}

/**
 * Verifies an entry by the rules of the chain, and by the authority's clock.
 *
 * @returns the state after it. Throws as `extendChain`, and `CLOCK_SKEW`.
 */
export async function judge<Tx extends DirectoryTransaction>(
  { backend, authority }: ServiceContext<Tx>,
  { state }: Standing,
  { text, decoded, now }: Submission,
): Promise<UserState> {
  const { issued } = decoded.entry
  if (Math.abs(issued - now) > MAX_CLOCK_DIFFERENCE_SECONDS)
    throw new KeyhavenError('CLOCK_SKEW', 'the entry is dated more than 5 minutes from now: set the clock')
  // To readers the chain would be broken; to the one who signs it says that the clock is slow.
  if (issued < state.issued)
    throw new KeyhavenError('CLOCK_SKEW', 'the entry is dated before the one that it follows: set the clock')
  const expected = { authority: authority.publicKey, now }
  // What the entry's own date allows counts for every reader; what has passed since then counts here.
  if (issued < now) await extendChain(backend, state, [text], { ...expected, acceptedAt: now })
  return await extendChain(backend, state, [text], expected)
}

/** The device whose keys the entry just recorded. */
export function recordedDevice(after: UserState): DeviceState {
  return after.devices.find(({ record }) => record.entry === after.head)!
}

/** @throws KeyhavenError `RECORD_INVALID` on an encryption key that nobody could encrypt to. */
export async function checkUsableKey<Tx extends DirectoryTransaction>(
  { backend }: ServiceContext<Tx>,
  device: Pick<DeviceState['record'], 'profile' | 'encryptionKey'>,
): Promise<void> {
  if (profileOf(device.profile).encryption.kind !== 'hpke') return
  try {
    await kemPublicKeyFromJwk(backend, device.encryptionKey)
  } catch (cause) {
    throw new KeyhavenError('RECORD_INVALID', 'the encryption key is no valid key', { cause })
  }
}

/** Writes a judged entry: leaf, entry, head, devices, audit. */
export async function write<Tx extends DirectoryTransaction>(
  context: ServiceContext<Tx>,
  tx: Tx,
  { user, state: before }: Standing,
  after: UserState,
  submission: Submission & { readonly signUp?: SignUpSource },
): Promise<Accepted> {
  const { backend, application, authority, log } = context
  const { text, decoded, now, actor } = submission
  const { username, kind } = decoded.entry
  const hash = await entryHash(backend, text)
  const opening = backend.randomBytes(OPENING_BYTES)
  const commitment = await entryCommitment(backend, opening, utf8(text))
  // Not the stored one: what goes into the log for ever depends on the key alone.
  const labelProof = context.labels.proof(username)
  const label = context.vrf.output(labelProof)
  const index = await log.append(tx, encodeLeaf({ kind: 'entry', label, commitment }))
  const acceptance = await signAcceptance(backend, authority, { application, username, entry: hash, at: now })
  const { sequence, chain } = after
  const row = { sequence, kind, entry: text, hash, acceptance, index, opening, acceptedAt: now }
  if (!(await tx.insertEntry(username, row))) {
    const winner = await tx.findUser(username)
    throw new ChainConflict(winner ?? before)
  }
  const signUp = user?.signUp ?? submission.signUp
  if (signUp === undefined) throw new TypeError('a first entry without a sign-up')
  const times = { createdAt: user?.createdAt ?? now, changedAt: now }
  await tx.saveUser({ username, chain, sequence, head: hash, signUp, labelProof, ...times })
  await tx.saveDevices(changedDeviceRows(before, after))
  await dropStaleKeys(tx, after)
  const detail = { kind, sequence, chain, entry: hash, index, device: after.history.at(-1)?.device ?? null }
  await tx.audit({ actor, action: 'directory.accept', subject: username, detail })
  return { acceptance, head: hash, index, sequence }
}

/** Statements of a renewed, revoked or reset device are signed by a key that no longer counts. */
async function dropStaleKeys(tx: DirectoryTransaction, after: UserState): Promise<void> {
  const last = after.history.at(-1)!
  if (last.kind === 'reset') await tx.deleteEncryptionKeys(after.username)
  else if (last.kind === 'device') await tx.deleteEncryptionKeys(after.username, last.device!)
}

/** 16 random bytes, base64url. */
export function randomId({ backend }: Pick<ServiceContext<DirectoryTransaction>, 'backend'>): string {
  return toBase64url(backend.randomBytes(16))
}

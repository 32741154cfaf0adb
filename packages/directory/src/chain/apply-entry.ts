import { type CryptoBackend, KeyhavenError } from '@keyhaven/crypto'
import { applyDevice } from './apply-device.ts'
import { applyRecovery } from './apply-recovery.ts'
import { applyObjection, applyRevocation } from './apply-revocation.ts'
import { checkSignature } from './chain-jws.ts'
import { type DecodedEntry, decodeEntry, type Entry, entryHash } from './entry.ts'
import { type AuthorityKey, type EntryTime, type ResolvedSigner, resolveSigner } from './entry-authority.ts'
import { awaitsFirstDevice, breaks, type Ledger } from './ledger.ts'
import { MAX_CHAIN_ENTRIES, RESERVED_CHAIN_ENTRIES } from './limits.ts'
import type { EntrySigner } from './user-state.ts'

export interface ApplyContext {
  readonly authority: AuthorityKey
  /** The authority's clock while it decides, seconds; absent where a chain is only read. */
  readonly acceptedAt: number | undefined
}

/** Verifies one entry and adds it to the ledger. After an error the ledger is worth nothing. */
export async function applyEntry(
  backend: CryptoBackend,
  ledger: Ledger,
  text: string,
  { authority, acceptedAt }: ApplyContext,
): Promise<void> {
  const decoded = decodeEntry(text)
  const { entry } = decoded
  checkLink(ledger, entry)
  const time: EntryTime = { issued: entry.issued, at: Math.max(entry.issued, acceptedAt ?? entry.issued) }
  const hash = await entryHash(backend, text)
  const signer = await applyKind(backend, ledger, decoded, { authority, time, hash })
  ledger.chain = entry.chain
  ledger.sequence = entry.sequence
  ledger.head = hash
  ledger.issued = entry.issued
  const { sequence, chain, kind, issued } = entry
  const device = subjectOf(ledger, entry, hash)
  ledger.history.push({
    sequence,
    chain,
    kind,
    entry: hash,
    issued,
    signer,
    ...(device !== undefined && { device }),
  })
}

function checkLink(ledger: Ledger, entry: Entry): void {
  if (entry.application !== ledger.application || entry.username !== ledger.username)
    throw new KeyhavenError('RECORD_INVALID', 'the entry is of another application or user')
  if (entry.sequence >= MAX_CHAIN_ENTRIES)
    throw new KeyhavenError('WIRE_TOO_LARGE', `a chain has at most ${MAX_CHAIN_ENTRIES} entries`)
  if (entry.sequence !== ledger.sequence + 1) breaks('an entry is missing or out of order')
  if (entry.previous !== ledger.head) breaks('an entry does not follow the one before it')
  if (entry.issued < ledger.issued) breaks('an entry is dated before the one that it follows')
  const first = awaitsFirstDevice(ledger)
  if (entry.sequence >= MAX_CHAIN_ENTRIES - RESERVED_CHAIN_ENTRIES && !first && !isReserved(entry))
    throw new KeyhavenError('WIRE_TOO_LARGE', 'the chain is full: it can only be ended or reset')
  if (first && entry.kind !== 'device') breaks('a chain starts with a device')
  const chain = ledger.head === null ? 0 : ledger.chain + (entry.kind === 'reset' ? 1 : 0)
  if (entry.chain !== chain) breaks('the chain number counts the resets')
}

/**
 * Whether an entry may take one of the last places: none of these can be made again and again by a device.
 */
function isReserved(entry: Entry): boolean {
  if (entry.kind === 'revocation') return entry.effective === entry.issued
  return entry.kind === 'objection' || entry.kind === 'reset'
}

async function applyKind(
  backend: CryptoBackend,
  ledger: Ledger,
  decoded: DecodedEntry,
  context: { readonly authority: AuthorityKey; readonly time: EntryTime; readonly hash: string },
): Promise<EntrySigner> {
  const { entry } = decoded
  if (entry.kind === 'device') return await applyDevice(backend, ledger, { ...decoded, entry }, context)
  const signer = resolveSigner(ledger, decoded.kid, context.authority, context.time)
  const signed = { ...context, signer }
  switch (entry.kind) {
    case 'revocation':
      return await applyRevocation(backend, ledger, { ...decoded, entry }, signed)
    case 'objection':
      return await applyObjection(backend, ledger, { ...decoded, entry }, signed)
    case 'recovery':
      return await applyRecovery(backend, ledger, { ...decoded, entry }, signed)
    case 'reset':
      return await applyReset(backend, ledger, decoded, signer)
  }
}

async function applyReset(
  backend: CryptoBackend,
  ledger: Ledger,
  { jws }: DecodedEntry,
  signer: ResolvedSigner,
): Promise<EntrySigner> {
  if (signer.kind !== 'authority') return breaks('only the authority resets a user')
  await checkSignature(backend, signer, jws)
  ledger.former.push(...ledger.devices.values())
  ledger.devices = new Map()
  ledger.recovery = undefined
  ledger.nextRecovery = undefined
  return { kind: 'authority' }
}

function subjectOf(ledger: Ledger, entry: Entry, hash: string): string | undefined {
  if (entry.kind === 'revocation') return entry.device
  if (entry.kind !== 'device') return undefined
  return [...ledger.devices.values()].find(({ record }) => record.entry === hash)?.device
}

import type { Device } from '../api/directory-devices.ts'
import type { ChainEntry } from '../api/directory-users.ts'

/** An entry as a person reads it. */
export interface DescribedEntry {
  readonly title: string
  /** What else there is to know, a sentence each. */
  readonly lines: readonly string[]
}

/**
 * Says what an entry of a user's chain did.
 *
 * @param entries - the whole of the user's entries, oldest first.
 * @param devices - for their names.
 */
export function describeEntry(
  entry: ChainEntry,
  entries: readonly ChainEntry[],
  devices: readonly Device[],
): DescribedEntry {
  const nameOf = (device: string | null): string => {
    const name = devices.find((known) => known.device === device)?.name ?? ''
    return name === '' ? `the device ${device ?? ''}`.trim() : `“${name}”`
  }
  const lines = [
    ...(entry.reason === null || entry.reason === '' ? [] : [`Reason: ${entry.reason}`]),
    ...(isDelayed(entry) ? ['It takes effect a day later; until then a device of the user can object.'] : []),
  ]
  switch (entry.kind) {
    case 'device':
      return { title: describeRecord(entry, entries, nameOf), lines }
    case 'revocation':
      return { title: `${capital(nameOf(entry.device))} revoked by ${signerName(entry, nameOf)}`, lines }
    case 'objection':
      return { title: describeObjection(entry, entries, nameOf), lines }
    case 'recovery':
      return { title: `Recovery key set by ${signerName(entry, nameOf)}`, lines }
    case 'reset':
      return {
        title: 'User reset by the operator',
        lines: [...lines, 'Every device and the recovery key ended; a new chain began.'],
      }
  }
}

type NameOf = (device: string | null) => string

function describeRecord(entry: ChainEntry, entries: readonly ChainEntry[], nameOf: NameOf): string {
  const name = capital(nameOf(entry.device))
  const earlier = entries.some(
    (other) =>
      other.kind === 'device' &&
      other.device === entry.device &&
      other.chain === entry.chain &&
      other.sequence < entry.sequence,
  )
  if (earlier) return `${name} renewed its keys`
  const own = entry.signer.kind === 'device' && entry.signer.device === entry.device
  return own ? `${name} enrolled as first device` : `${name} added, approved by ${signerName(entry, nameOf)}`
}

function describeObjection(entry: ChainEntry, entries: readonly ChainEntry[], nameOf: NameOf): string {
  const voided = entries.find((other) => other.hash === entry.objectsTo)
  const what =
    voided?.kind === 'recovery'
      ? 'the new recovery key'
      : `the revocation of ${nameOf(voided?.device ?? null)}`
  return `${capital(signerName(entry, nameOf))} objected to ${what}`
}

function signerName({ signer, kind, device }: ChainEntry, nameOf: NameOf): string {
  switch (signer.kind) {
    case 'authority':
      return 'the operator'
    case 'recovery':
      return 'the recovery key'
    case 'device':
      return kind === 'revocation' && signer.device === device ? 'itself' : nameOf(signer.device)
  }
}

/** Whether it waits before it takes effect. */
function isDelayed(entry: ChainEntry): boolean {
  return entry.effectiveAt !== null && Date.parse(entry.effectiveAt) - Date.parse(entry.acceptedAt) > HOUR_MS
}

const HOUR_MS = 3_600_000

function capital(text: string): string {
  return `${text.slice(0, 1).toUpperCase()}${text.slice(1)}`
}

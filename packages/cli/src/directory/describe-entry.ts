import type { ChainEntry } from '../admin/directory-api.ts'

const MS_PER_SECOND = 1_000
/** Enough of a device id to tell the devices of one user apart. */
const DEVICE_CHARACTERS = 8

/** One line of a user's history. What the entry says is shown, not verified: apps verify it. */
export interface EntrySummary {
  readonly kind: string
  /** Chain that it belongs to. */
  readonly chain: number | undefined
  readonly detail: string
}

/** Reads what an entry says, as far as it can be read. */
export function summarizeEntry({ entry }: ChainEntry): EntrySummary {
  const payload = decodePayload(entry)
  const { kind, chain } = payload
  return {
    kind: typeof kind === 'string' ? kind : 'unreadable',
    chain: typeof chain === 'number' ? chain : undefined,
    detail: detailOf(payload),
  }
}

function detailOf(payload: Readonly<Record<string, unknown>>): string {
  switch (payload.kind) {
    case 'device': {
      const { name, profile, device, expires } = decodePayload(payload.request)
      return `${text(name)} (${shortId(device)}), ${text(profile)}, until ${isoTime(expires)}`
    }
    case 'revocation':
      return `${shortId(payload.device)}, from ${isoTime(payload.effective)}${reason(payload)}`
    case 'reset':
      return reason(payload).replace(/^: /, '')
    default:
      return ''
  }
}

function reason({ reason: why }: Readonly<Record<string, unknown>>): string {
  return typeof why === 'string' && why !== '' ? `: ${why}` : ''
}

/** @param jws - compact JWS (RFC 7515 §7.1). */
function decodePayload(jws: unknown): Readonly<Record<string, unknown>> {
  if (typeof jws !== 'string') return {}
  try {
    const value: unknown = JSON.parse(Buffer.from(jws.split('.')[1] ?? '', 'base64url').toString('utf8'))
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
  } catch {
    return {}
  }
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : '?'
}

function shortId(device: unknown): string {
  return `${text(device).slice(0, DEVICE_CHARACTERS)}…`
}

/** @param seconds - since the epoch. */
function isoTime(seconds: unknown): string {
  const time = typeof seconds === 'number' ? new Date(seconds * MS_PER_SECOND) : undefined
  return time === undefined || Number.isNaN(time.getTime()) ? '?' : time.toISOString()
}

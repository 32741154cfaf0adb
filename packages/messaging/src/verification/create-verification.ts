import { fromBase64url, fromUtf8, KeyhavenError, Reader, toBase64url, utf8, Writer } from '@keyhaven/crypto'
import type { VerifiedUser } from '../directory-port.ts'
import type { Context } from '../messenger/context.ts'
import type { KnownUser } from '../messenger/people.ts'
import { bareNote, originOf } from '../wire/bare-note.ts'
import type { SafetyNumber, Verification } from './verification.ts'

const LABEL = utf8('keyhaven safety number v1')
const QR_PREFIX = 'keyhaven-verify:'
const QR_VERSION = 1
const GROUPS = 12
const GROUP_BYTES = 5
const GROUP_DIGITS = 5
const GROUP_VALUES = 100_000
const HALVES = 2
const DIGITS = /^\d{60}$/
const MAX_QR_CHARACTERS = 4_096
const MAX_NOTE_BYTES = 2_048
const SAFETY_BYTES = 64

/** Safety numbers, and the marks of contacts that were compared. */
export function createVerification(context: Context): Verification {
  const { directory, me, people } = context

  async function lookBoth(username: string): Promise<{ own: KnownUser; other: KnownUser }> {
    if (username === me.username) throw new KeyhavenError('INPUT_INVALID', 'name another user than yourself')
    return { own: await people.fresh(me.username), other: await people.fresh(username) }
  }

  async function numberOf(own: KnownUser, other: KnownUser): Promise<{ bytes: Uint8Array; note: string }> {
    const checkpoint = await directory.checkpoint()
    const note = checkpoint ? bareNote(checkpoint.note) : ''
    return { bytes: await safetyBytes(context, own.user, other.user, originOf(note)), note }
  }

  async function safetyNumber(username: string): Promise<SafetyNumber> {
    const { own, other } = await lookBoth(username)
    const { bytes, note } = await numberOf(own, other)
    return { digits: digitsOf(bytes), qr: encodeQr(bytes, note) }
  }

  /** @throws KeyhavenError `LOG_INCONSISTENT` if the QR's checkpoint is of another log. */
  async function compare(own: KnownUser, other: KnownUser, compared: string): Promise<boolean> {
    const { bytes } = await numberOf(own, other)
    const digits = compared.replace(/\s/g, '')
    if (DIGITS.test(digits)) return digits === digitsOf(bytes).replaceAll(' ', '')
    const scanned = decodeQr(compared)
    if (scanned.note !== '') await directory.compareCheckpoint(scanned.note)
    return toBase64url(scanned.bytes) === toBase64url(bytes)
  }

  return {
    safetyNumber,
    async matches(username, compared) {
      const { own, other } = await lookBoth(username)
      return compare(own, other, compared)
    },
    async markVerified(username, compared) {
      const { own, other } = await lookBoth(username)
      if (!(await compare(own, other, compared))) {
        throw new KeyhavenError('INPUT_INVALID', 'the safety numbers differ: somebody may be in between')
      }
      await people.mark(other, 'verified', true)
    },
    async unmark(username) {
      await people.mark(await people.user(username), 'none', false)
    },
    async isVerified(username) {
      return (await people.fresh(username)).trust === 'verified'
    },
    async acceptReset(username) {
      const known = await people.fresh(username)
      if (await people.wasVerified(username)) {
        throw new KeyhavenError(
          'CHAIN_RESET',
          'this contact was verified: compare safety numbers and verify anew',
        )
      }
      if (known.trust === 'reset') await people.mark(known, 'none', true)
    },
  }
}

/**
 * Two SHA-256 over: label "keyhaven safety number v1": u8 length | half u8: 0, 1 | application: u16 length | log origin:
 * u16 length | both users, by username in code-unit order: username u16 length, chain u32, sequence u64, head u8 length.
 */
async function safetyBytes(
  { application, backend }: Context,
  own: VerifiedUser,
  other: VerifiedUser,
  origin: string,
): Promise<Uint8Array> {
  const users = own.username < other.username ? [own, other] : [other, own]
  const bytes = new Uint8Array(SAFETY_BYTES)
  for (let half = 0; half < HALVES; half++) {
    const writer = new Writer(512).bytes8(LABEL).u8(half).bytes16(utf8(application)).bytes16(utf8(origin))
    for (const { username, chain, sequence, head } of users) {
      writer.bytes16(utf8(username)).u32(chain).u64(sequence).bytes8(utf8(head))
    }
    bytes.set(await backend.sha256(writer.done()), (half * SAFETY_BYTES) / HALVES)
  }
  return bytes
}

/** 12 groups: five bytes each, big-endian, modulo 100,000. */
function digitsOf(bytes: Uint8Array): string {
  const groups: string[] = []
  for (let group = 0; group < GROUPS; group++) {
    let value = 0
    for (const byte of bytes.subarray(group * GROUP_BYTES, (group + 1) * GROUP_BYTES))
      value = value * 256 + byte
    groups.push(String(value % GROUP_VALUES).padStart(GROUP_DIGITS, '0'))
  }
  return groups.join(' ')
}

/** "keyhaven-verify:" and base64url of: version u8 = 1 | 64 bytes | checkpoint's note: u16 length, UTF-8. */
function encodeQr(bytes: Uint8Array, note: string): string {
  const noteBytes = utf8(note)
  if (noteBytes.length > MAX_NOTE_BYTES)
    throw new KeyhavenError('WIRE_TOO_LARGE', 'the checkpoint of the log')
  return QR_PREFIX + toBase64url(new Writer(1_024).u8(QR_VERSION).bytes(bytes).bytes16(noteBytes).done())
}

/** @throws KeyhavenError `INPUT_INVALID` on anything that is neither digits nor such a text. */
function decodeQr(text: string): { bytes: Uint8Array; note: string } {
  try {
    if (text.length > MAX_QR_CHARACTERS || !text.startsWith(QR_PREFIX))
      throw new TypeError('no safety number')
    const reader = new Reader(fromBase64url(text.slice(QR_PREFIX.length)))
    if (reader.u8() !== QR_VERSION) throw new TypeError('another version')
    const scanned = { bytes: reader.bytes(SAFETY_BYTES), note: fromUtf8(reader.bytes16(MAX_NOTE_BYTES)) }
    reader.end()
    return scanned
  } catch {
    throw new KeyhavenError('INPUT_INVALID', 'this is neither 60 digits nor a Keyhaven code')
  }
}

import { type AeadName, fromUtf8, KeyhavenError, Reader, utf8, Writer } from '@keyhaven/crypto'
import type { DeviceName } from '../messenger/messenger.ts'
import type { StoreChange } from '../store/messaging-store.ts'
import { DEVICE_ID_CHARACTERS, MAX_USERNAME_BYTES } from '../wire/limits.ts'

export const ARCHIVE_PREFIX = 'archive/'
const RECORD_VERSION = 1
const AEADS: readonly AeadName[] = ['aes-256-gcm', 'aes-128-gcm']
const MESSAGE_KEY_BYTES = 32
const FIXED_BYTES = 1 + 1 + 8 + 2 + 1 + MESSAGE_KEY_BYTES
const NUMBER_DIGITS = 10

/** The key of one message. */
export interface ArchivedKey {
  readonly from: DeviceName
  readonly aead: AeadName
  /** 32 bytes, of which AES-128 takes the first 16. */
  readonly messageKey: Uint8Array
  /** When it came into the archive, milliseconds since epoch. */
  readonly at: number
}

/** `archive/<session>/<n, ten digits>`: sorted by number within a session. */
export function archiveName(session: string, n: number): string {
  return `${ARCHIVE_PREFIX}${session}/${String(n).padStart(NUMBER_DIGITS, '0')}`
}

/** version u8 = 1 | aead u8: 0 AES-256-GCM, 1 AES-128-GCM | at u64 | username u16 length | device u8 length | key 32 bytes */
export function encodeArchivedKey(key: ArchivedKey): Uint8Array {
  const [username, device] = [utf8(key.from.username), utf8(key.from.device)]
  return new Writer(FIXED_BYTES + username.length + device.length)
    .u8(RECORD_VERSION)
    .u8(AEADS.indexOf(key.aead))
    .u64(key.at)
    .bytes16(username)
    .bytes8(device)
    .bytes(key.messageKey)
    .done()
}

/** @throws KeyhavenError `WIRE_MALFORMED` */
export function decodeArchivedKey(bytes: Uint8Array): ArchivedKey {
  const reader = new Reader(bytes)
  if (reader.u8() !== RECORD_VERSION) throw new KeyhavenError('WIRE_MALFORMED', 'archive record version')
  const aead = AEADS[reader.u8()]
  if (!aead) throw new KeyhavenError('WIRE_MALFORMED', 'archive record AEAD')
  const at = reader.u64()
  const username = fromUtf8(reader.bytes16(MAX_USERNAME_BYTES))
  const device = fromUtf8(reader.bytes8(DEVICE_ID_CHARACTERS))
  const messageKey = reader.bytes(MESSAGE_KEY_BYTES)
  reader.end()
  return { from: { username, device }, aead, messageKey, at }
}

/** Whether message keys are kept, and the change that keeps one. */
export class Archive {
  on: boolean

  constructor(on: boolean) {
    this.on = on
  }

  /** To be committed together with what made the key known. */
  entry(
    session: string,
    n: number,
    key: ArchivedKey,
  ): Required<Pick<StoreChange, 'expect' | 'put'>> | undefined {
    if (!this.on) return undefined
    const name = archiveName(session, n)
    return { expect: [{ key: name, version: null }], put: [{ key: name, value: encodeArchivedKey(key) }] }
  }
}

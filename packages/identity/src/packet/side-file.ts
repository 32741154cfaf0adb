import { fromUtf8, utf8 } from '@keyhaven/crypto'
import { checked, packetInvalid } from './packet-invalid.ts'
import { refIdOfRid, requireRefId } from './registration-id.ts'

/** What MOSIP's packet writer calls itself; its processor finds a reader by it. */
const PROVIDER_NAME = 'PacketWriterImpl'
const PROVIDER_VERSION = 'v1.0'
const MAX_SIDE_FILE_BYTES = 16 * 1024
/** Of arrays and objects in each other; a packet needs six. */
const MAX_JSON_DEPTH = 32
const NAME = /^[A-Za-z0-9_]{1,64}$/

/** The JSON file beside each encrypted sub-packet of a container. */
export interface SideFile {
  /** Registration id. */
  readonly id: string
  /** `<registration id>_<sub-packet>`. */
  readonly packetName: string
  readonly source: string
  readonly process: string
  readonly schemaVersion: number
  /** Of the plaintext zip file, by the machine key: base64url from us, base64 in old packets. */
  readonly signature: string
  /** SHA-256 of the encrypted sub-packet, likewise. */
  readonly encryptedHash: string
  /** ISO 8601. */
  readonly creationDate: string
  /** `centre_machine`. */
  readonly refId: string
}

export function encodeSideFile(side: SideFile): Uint8Array {
  return utf8(
    JSON.stringify({
      id: side.id,
      packetname: side.packetName,
      source: side.source,
      process: side.process,
      schemaversion: String(side.schemaVersion),
      signature: side.signature,
      encryptedhash: side.encryptedHash,
      providername: PROVIDER_NAME,
      providerversion: PROVIDER_VERSION,
      creationdate: side.creationDate,
      refid: side.refId,
    }),
  )
}

/**
 * A schema version may be a number or a text; a packet without `refid` is of the station that its registration
 * id names. Both are in use.
 *
 * @throws KeyhavenError `PACKET_INVALID`
 */
export function parseSideFile(bytes: Uint8Array, what: string): SideFile {
  const check = `side file of the ${what}`
  if (bytes.length > MAX_SIDE_FILE_BYTES) throw packetInvalid(check)
  const json = parseJsonObject(bytes, check)
  const text = (key: string): string => {
    const value = json[key]
    if (typeof value !== 'string' || value === '') throw packetInvalid(`${check}: ${key}`)
    return value
  }
  const name = (key: string): string => {
    const value = text(key)
    if (!NAME.test(value)) throw packetInvalid(`${check}: ${key}`)
    return value
  }
  const id = name('id')
  const refId =
    json.refid === undefined || json.refid === null || json.refid === '' ? refIdOfRid(id) : text('refid')
  requireRefId(refId)
  return {
    id,
    packetName: name('packetname'),
    source: name('source'),
    process: name('process'),
    schemaVersion: readVersion(json.schemaversion, check),
    signature: text('signature'),
    encryptedHash: text('encryptedhash'),
    creationDate: text('creationdate'),
    refId,
  }
}

function readVersion(value: unknown, check: string): number {
  const version = typeof value === 'string' && /^\d{1,6}(\.\d{1,6})?$/.test(value) ? Number(value) : value
  if (typeof version !== 'number' || !Number.isFinite(version) || version < 0) {
    throw packetInvalid(`${check}: schemaversion`)
  }
  return version
}

/** @throws KeyhavenError `PACKET_INVALID` if it is no JSON object. */
export function parseJsonObject(bytes: Uint8Array, check: string): Record<string, unknown> {
  const value = parseJson(bytes, check)
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw packetInvalid(check)
  return value as Record<string, unknown>
}

/** @throws KeyhavenError `PACKET_INVALID` */
export function parseJson(bytes: Uint8Array, check: string): unknown {
  const text = checked(check, () => fromUtf8(bytes))
  if (isNestedDeeper(text, MAX_JSON_DEPTH)) throw packetInvalid(`${check}: nested too deep`)
  try {
    return JSON.parse(text)
  } catch (error) {
    throw packetInvalid(check, error)
  }
}

/** Whoever walks down into it would come to the end of the stack. Looked at before anything is made of it. */
function isNestedDeeper(json: string, depth: number): boolean {
  let level = 0
  let inText = false
  for (let at = 0; at < json.length; at++) {
    const character = json[at]
    if (character === '"') inText = !inText
    else if (inText && character === '\\') at++
    else if (inText) continue
    else if (character === '[' || character === '{') level++
    else if (character === ']' || character === '}') level--
    if (level > depth) return true
  }
  return false
}

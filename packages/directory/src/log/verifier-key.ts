import {
  type CryptoBackend,
  fromBase64,
  fromBase64url,
  KeyhavenError,
  toBase64,
  toBase64url,
  utf8,
  type VerifyKey,
  Writer,
} from '@keyhaven/crypto'
import { isKeyName, KEY_ID_BYTES, MAX_KEY_NAME_CHARACTERS } from './note.ts'

const PUBLIC_KEY_BYTES = 32
const HEX_RADIX = 16
const KEY_ID_DIGITS = 2 * KEY_ID_BYTES
/** Behind the name: a plus sign, 8 digits, a plus sign, 44 characters for 33 bytes. */
const MAX_VERIFIER_KEY_CHARACTERS = MAX_KEY_NAME_CHARACTERS + 64

/** Signature types of C2SP signed-note that are understood here. */
export const NOTE_SIGNATURE_TYPES = {
  /** A signature over the text of the note. */
  ed25519: 0x01,
  /** A timestamped cosignature of a checkpoint (C2SP tlog-cosignature v1). */
  cosignature: 0x04,
} as const
export type NoteSignatureType = keyof typeof NOTE_SIGNATURE_TYPES

/** A verifier key ("vkey"), imported: parse once, keep, use often. */
export interface VerifierKey {
  readonly name: string
  readonly type: NoteSignatureType
  readonly keyId: number
  readonly verifyKey: VerifyKey
}

/**
 * Reads `<name>+<hex key id>+<base64 of type ‖ public key>` (C2SP signed-note, "Verifier keys").
 *
 * @throws KeyhavenError `WIRE_MALFORMED`, also if the key id is not the one that the name and key have;
 * `UNSUPPORTED` on another signature type.
 */
export async function parseVerifierKey(backend: CryptoBackend, text: string): Promise<VerifierKey> {
  if (text.length > MAX_VERIFIER_KEY_CHARACTERS) throw malformed()
  const match = /^([^+]+)\+([0-9a-f]{8})\+(.+)$/.exec(text)
  if (!match) throw malformed()
  const [, name, keyId, base64] = match as unknown as [string, string, string, string]
  const [typeByte, ...publicKey] = fromBase64(base64)
  const type = signatureType(typeByte)
  if (!type) throw new KeyhavenError('UNSUPPORTED', 'signature type of a verifier key')
  if (!isKeyName(name) || publicKey.length !== PUBLIC_KEY_BYTES) throw malformed()
  const jwk = { kty: 'OKP', crv: 'Ed25519', x: toBase64url(Uint8Array.from(publicKey)) }
  const key = await createVerifierKey(
    backend,
    name,
    type,
    await backend.signatures.importVerifyKey('EdDSA', jwk),
  )
  if (keyIdText(key) !== keyId) throw malformed()
  return key
}

/** The inverse of {@link parseVerifierKey}: what an app's configuration holds. */
export function formatVerifierKey(key: VerifierKey): string {
  const bytes = new Writer().u8(NOTE_SIGNATURE_TYPES[key.type]).bytes(publicKeyBytes(key)).done()
  return `${key.name}+${keyIdText(key)}+${toBase64(bytes)}`
}

/**
 * Names an Ed25519 key for notes.
 *
 * @throws TypeError on a name that is none, or another algorithm.
 */
export async function createVerifierKey(
  backend: CryptoBackend,
  name: string,
  type: NoteSignatureType,
  verifyKey: VerifyKey,
): Promise<VerifierKey> {
  if (!isKeyName(name)) throw new TypeError('a key name has no spaces, plus signs or control characters')
  if (verifyKey.algorithm !== 'EdDSA') throw new TypeError('notes are signed with Ed25519')
  const input = new Writer()
    .bytes(utf8(`${name}\n`))
    .u8(NOTE_SIGNATURE_TYPES[type])
    .bytes(fromBase64url(verifyKey.jwk.x as string))
    .done()
  const hash = await backend.sha256(input)
  const keyId = new DataView(hash.buffer, hash.byteOffset).getUint32(0)
  return { name, type, keyId, verifyKey }
}

/** Raw public key, 32 bytes. */
export function publicKeyBytes(key: VerifierKey): Uint8Array {
  return fromBase64url(key.verifyKey.jwk.x as string)
}

function keyIdText(key: VerifierKey): string {
  return key.keyId.toString(HEX_RADIX).padStart(KEY_ID_DIGITS, '0')
}

function signatureType(byte: number | undefined): NoteSignatureType | undefined {
  if (byte === NOTE_SIGNATURE_TYPES.ed25519) return 'ed25519'
  return byte === NOTE_SIGNATURE_TYPES.cosignature ? 'cosignature' : undefined
}

function malformed(): KeyhavenError {
  return new KeyhavenError('WIRE_MALFORMED', 'not a verifier key')
}

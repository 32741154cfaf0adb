import { KeyhavenError } from '@keyhaven/crypto'
import { malformed, requireHash, requireMembers, requireWhole } from '@keyhaven/messaging'
import { isConversationId } from '../membership/ids.ts'
import { decodeFileHeader, encodeFileHeader, type FileMetadata, HEADER_LENGTH_BYTES } from './file-header.ts'

const SALT = /^[\w-]{32}$/
const MAX_SENT = Number.MAX_SAFE_INTEGER

/**
 * With this and the same source an upload goes on after a restart. It holds the key of the file: keep it as
 * secret as the file, and no longer than the upload takes.
 */
export interface UploadState {
  readonly v: 1
  readonly conversation: string
  /** Of the file on the key server. */
  readonly id: string
  /** 32 bytes, base64url. */
  readonly key: string
  /** 24 bytes, base64url. */
  readonly salt: string
  /** The header of the file, which is inside the encryption: JSON. */
  readonly header: string
  /**
   * Bytes of the ciphertext that the server may have seen, and their SHA-256: the same bytes and no others
   * may be sent again under this key.
   */
  readonly sent: number
  readonly digest: string
}

/** @throws KeyhavenError `INPUT_INVALID` on anything else than a state of this conversation. */
export function readUploadState(value: unknown, conversation: string): UploadState {
  try {
    const names = ['v', 'conversation', 'id', 'key', 'salt', 'header', 'sent', 'digest']
    const state = requireMembers(value, names, 'state of an upload')
    const { id, salt, header } = state
    const isOurs = state.v === 1 && state.conversation === conversation
    if (!isOurs || typeof id !== 'string' || !isConversationId(id)) throw malformed('state of an upload')
    if (typeof salt !== 'string' || !SALT.test(salt) || typeof header !== 'string') {
      throw malformed('state of an upload')
    }
    decodeFileHeader(new TextEncoder().encode(header))
    const sent = requireWhole(state.sent, MAX_SENT, 'bytes sent')
    const [key, digest] = [requireHash(state.key, 'file key'), requireHash(state.digest, 'digest')]
    return { v: 1, conversation, id, key, salt, header, sent, digest }
  } catch (cause) {
    throw new KeyhavenError('INPUT_INVALID', 'resume: not the state of an upload of this conversation', {
      cause,
    })
  }
}

export function headerText(metadata: FileMetadata): string {
  return new TextDecoder().decode(encodeFileHeader(metadata).subarray(HEADER_LENGTH_BYTES))
}

export function metadataOf(state: Pick<UploadState, 'header'>): FileMetadata {
  return decodeFileHeader(new TextEncoder().encode(state.header))
}

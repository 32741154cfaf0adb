import {
  type CryptoBackend,
  equalConstantTime,
  fromBase64url,
  KeyhavenError,
  toBase64url,
  utf8,
  Writer,
} from '@keyhaven/crypto'
import { leafHash } from '@keyhaven/directory/log'
import { buildTree, rootOfProof } from '../receipt/small-tree.ts'
import type { KeyRecipient } from './wrapped-key.ts'

/** Devices that one key is wrapped for. */
export const MAX_KEY_RECIPIENTS = 65_536
const LEAF_CAPACITY_BYTES = 256

/** What an announcement says of all recipients. */
export interface RecipientsRoot {
  readonly count: number
  /** RFC 6962 root over the recipients' leaves, base64url. */
  readonly root: string
}

/** That a device is among the announced recipients. */
export interface RecipientProof {
  readonly index: number
  /** Audit path, base64url, leaf side first. */
  readonly proof: readonly string[]
}

/** The recipients of a key in the order of the tree. */
export interface RecipientTree<Recipient extends KeyRecipient> extends RecipientsRoot {
  /** Sorted by the bytes of their leaves. */
  readonly recipients: readonly Recipient[]
  /** Of the recipient at that place in {@link recipients}. */
  proof(index: number): RecipientProof
}

/** username | device | thumbprint, each UTF-8 behind a u16 length */
export function recipientLeaf({ username, device, thumbprint }: KeyRecipient): Uint8Array {
  return new Writer(LEAF_CAPACITY_BYTES)
    .bytes16(utf8(username))
    .bytes16(utf8(device))
    .bytes16(utf8(thumbprint))
    .done()
}

/**
 * The tree that lets each of many devices check its own place with a few hashes.
 *
 * @throws KeyhavenError `RECORD_INVALID` on no recipient, or a device that is named twice; `WIRE_TOO_LARGE`
 * over {@link MAX_KEY_RECIPIENTS}.
 */
export async function recipientTree<Recipient extends KeyRecipient>(
  backend: Pick<CryptoBackend, 'sha256'>,
  recipients: readonly Recipient[],
): Promise<RecipientTree<Recipient>> {
  if (recipients.length > MAX_KEY_RECIPIENTS) throw tooMany()
  if (recipients.length === 0) throw new KeyhavenError('RECORD_INVALID', 'a key has no recipient')
  if (new Set(recipients.map(({ device }) => device)).size !== recipients.length) {
    throw new KeyhavenError('RECORD_INVALID', 'a device is named twice among the recipients')
  }
  const sorted = recipients.map((recipient) => ({ recipient, leaf: recipientLeaf(recipient) }))
  sorted.sort((one, other) => compareBytes(one.leaf, other.leaf))
  const tree = await buildTree(
    backend,
    sorted.map(({ leaf }) => leaf),
  )
  return {
    count: tree.size,
    root: toBase64url(tree.root),
    recipients: sorted.map(({ recipient }) => recipient),
    proof: (index) => ({ index, proof: tree.proof(index).map(toBase64url) }),
  }
}

/** {@link recipientTree} of the whole list. */
export async function recipientsRoot(
  backend: Pick<CryptoBackend, 'sha256'>,
  recipients: readonly KeyRecipient[],
): Promise<RecipientsRoot> {
  const { count, root } = await recipientTree(backend, recipients)
  return { count, root }
}

/** @throws KeyhavenError `PROOF_INVALID` unless the device is among those announced. */
export async function verifyRecipient(
  backend: Pick<CryptoBackend, 'sha256'>,
  recipient: KeyRecipient,
  { index, proof }: RecipientProof,
  announced: RecipientsRoot,
): Promise<void> {
  const leaf = await leafHash(backend, recipientLeaf(recipient))
  const root = await rootOfProof(backend, leaf, { index, size: announced.count }, proof.map(bytesOf))
  if (equalConstantTime(root, bytesOf(announced.root))) return
  throw new KeyhavenError('PROOF_INVALID', 'the device is not among the recipients of the key')
}

export function tooMany(): KeyhavenError {
  return new KeyhavenError('WIRE_TOO_LARGE', `a key has at most ${MAX_KEY_RECIPIENTS} recipients`)
}

function bytesOf(text: string): Uint8Array {
  try {
    return fromBase64url(text)
  } catch {
    throw new KeyhavenError('PROOF_INVALID', 'the device is not among the recipients of the key')
  }
}

function compareBytes(one: Uint8Array, other: Uint8Array): number {
  const common = Math.min(one.length, other.length)
  for (let at = 0; at < common; at++) if (one[at] !== other[at]) return one[at]! - other[at]!
  return one.length - other.length
}

import { fromUtf8, KeyhavenError, utf8 } from '@keyhaven/crypto'
import {
  type JsonObject,
  malformed,
  requireApplication,
  requireDeviceId,
  requireMembers,
  requireUsername,
  requireWhole,
} from '@keyhaven/messaging'
import { requireId } from '../membership/ids.ts'
import { MAX_TIME_SECONDS } from '../membership/limits.ts'
import { parseExactJson } from '../membership/statement.ts'

export const RECEIPT_VERSION = 1
export const MAX_RECEIPT_BYTES = 8_192
const MAX_RULE_CHARACTERS = 64
const MAX_OPERATOR_CHARACTERS = 512
const MAX_OPERATORS = 8
export type ReceiptKind = 'key' | 'file' | 'export'
const KINDS: readonly ReceiptKind[] = ['key', 'file', 'export']

/** A device that was given a key or a file, or the operators of an export. */
export type ReceiptRecipient =
  | { readonly username: string; readonly device: string }
  | { readonly operators: readonly string[] }

/** That a key or a file was given out. Its exact bytes are what the log commits to. */
export interface Receipt {
  readonly v: 1
  readonly application: string
  readonly conversation: string
  /** From 0 in each conversation: a missing one shows. */
  readonly sequence: number
  readonly kind: ReceiptKind
  /** Id of the key or file. */
  readonly object: string
  readonly to: ReceiptRecipient
  /** By what it was allowed: a read rule, `made`, `export`. */
  readonly rule: string
  /** Seconds since the epoch. */
  readonly at: number
}

/**
 * UTF-8 of JSON as `JSON.stringify` writes it, members in the order of {@link Receipt}.
 *
 * @throws KeyhavenError `WIRE_MALFORMED`, `WIRE_TOO_LARGE` on what {@link decodeReceipt} would refuse.
 */
export function encodeReceipt(receipt: Omit<Receipt, 'v'>): Uint8Array {
  const bytes = utf8(JSON.stringify(readReceipt({ ...receipt, v: RECEIPT_VERSION })))
  if (bytes.length > MAX_RECEIPT_BYTES) throw tooLong()
  return bytes
}

/** @throws KeyhavenError `WIRE_MALFORMED` on anything but exact bytes; `WIRE_TOO_LARGE`. */
export function decodeReceipt(bytes: Uint8Array): Receipt {
  if (bytes.length > MAX_RECEIPT_BYTES) throw tooLong()
  const text = fromUtf8(bytes)
  const receipt = readReceipt(parseExactJson(text))
  if (JSON.stringify(receipt) !== text) throw malformed('receipt')
  return receipt
}

const MEMBERS = ['v', 'application', 'conversation', 'sequence', 'kind', 'object', 'to', 'rule', 'at']

function readReceipt(value: unknown): Receipt {
  const json = requireMembers(value, MEMBERS, 'receipt')
  if (json.v !== RECEIPT_VERSION) throw malformed('receipt version')
  const kind = KINDS.find((name) => name === json.kind)
  if (!kind) throw malformed('receipt kind')
  const to = readRecipient(json.to)
  if ((kind === 'export') !== 'operators' in to) throw malformed('receipt recipient')
  return {
    v: RECEIPT_VERSION,
    application: requireApplication(json.application),
    conversation: requireId(json.conversation, 'conversation'),
    sequence: requireWhole(json.sequence, Number.MAX_SAFE_INTEGER, 'sequence'),
    kind,
    object: requireId(json.object, 'object'),
    to,
    rule: requireText(json.rule, MAX_RULE_CHARACTERS),
    at: requireWhole(json.at, MAX_TIME_SECONDS, 'at'),
  }
}

function readRecipient(value: unknown): ReceiptRecipient {
  if (typeof value === 'object' && value !== null && 'operators' in value) {
    const { operators }: JsonObject = requireMembers(value, ['operators'], 'receipt recipient')
    const fits = Array.isArray(operators) && operators.length > 0 && operators.length <= MAX_OPERATORS
    if (!fits || new Set(operators).size !== operators.length) throw malformed('operators')
    return { operators: operators.map((name) => requireText(name, MAX_OPERATOR_CHARACTERS)) }
  }
  const json = requireMembers(value, ['username', 'device'], 'receipt recipient')
  return { username: requireUsername(json.username), device: requireDeviceId(json.device) }
}

function requireText(value: unknown, maxCharacters: number): string {
  const fits = typeof value === 'string' && value.length > 0 && value.length <= maxCharacters
  if (!fits || !value.isWellFormed()) throw malformed('receipt')
  return value
}

function tooLong(): KeyhavenError {
  return new KeyhavenError('WIRE_TOO_LARGE', 'the receipt is too long')
}

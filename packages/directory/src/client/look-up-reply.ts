import { fromBase64url, KeyhavenError } from '@keyhaven/crypto'
import {
  MAX_ACCEPTANCE_BYTES,
  MAX_ENTRY_BYTES,
  MAX_LIVE_DEVICES,
  MAX_STATEMENT_BYTES,
} from '../chain/limits.ts'
import { MAX_LOOK_UP_ENTRIES } from '../chain/look-up-answer.ts'
import {
  HASH_BYTES,
  MAX_LEAF_BYTES,
  MAX_NOTE_CHARACTERS,
  MAX_PROOF_HASHES,
  OPENING_BYTES,
} from '../log/index.ts'
import { JsonMembers } from './read-json.ts'

/** Of an ECVRF proof (RFC 9381 §5.5). */
const VRF_PROOF_BYTES = 80
const DEVICE_ID = /^[\w-]{22}$/

export interface EntryReply {
  readonly entry: string
  readonly acceptance: string
  readonly index: number
  readonly opening: Uint8Array
  readonly proof: readonly Uint8Array[]
}

/** The answer to a look-up, of the right form and nothing more. */
export interface LookUpReply {
  readonly checkpoint: string
  readonly parameters: { readonly leaf: Uint8Array; readonly proof: readonly Uint8Array[] } | undefined
  readonly consistency: readonly Uint8Array[] | undefined
  readonly label: Uint8Array
  readonly entries: readonly EntryReply[]
  /** By device id. */
  readonly encryptionKeys: ReadonlyMap<string, string>
  readonly sequence: number
}

/** @throws KeyhavenError `WIRE_MALFORMED`, `WIRE_TOO_LARGE`. */
export function readLookUp(reply: JsonMembers): LookUpReply {
  return {
    checkpoint: reply.text('checkpoint', MAX_NOTE_CHARACTERS),
    parameters: reply.has('parametersProof') ? parametersOf(reply.object('parametersProof')) : undefined,
    consistency: reply.has('consistency') ? proofOf(reply, 'consistency') : undefined,
    label: reply.bytes('label', VRF_PROOF_BYTES),
    entries: reply.list('entries', MAX_LOOK_UP_ENTRIES).map((item) => entryOf(new JsonMembers(item))),
    encryptionKeys: encryptionKeysOf(reply.object('encryptionKeys')),
    sequence: reply.integer('sequence'),
  }
}

function parametersOf(members: JsonMembers) {
  const leaf = fromBase64url(members.text('leaf', Math.ceil((MAX_LEAF_BYTES * 4) / 3)))
  return { leaf, proof: proofOf(members, 'proof') }
}

function entryOf(members: JsonMembers): EntryReply {
  return {
    entry: members.text('entry', MAX_ENTRY_BYTES),
    acceptance: members.text('acceptance', MAX_ACCEPTANCE_BYTES),
    index: members.integer('index'),
    opening: members.bytes('opening', OPENING_BYTES),
    proof: proofOf(members, 'proof'),
  }
}

function proofOf(members: JsonMembers, name: string): Uint8Array[] {
  return members.byteList(name, HASH_BYTES, MAX_PROOF_HASHES + 1)
}

function encryptionKeysOf(members: JsonMembers): ReadonlyMap<string, string> {
  const keys = new Map<string, string>()
  for (const [device] of members.entries(MAX_LIVE_DEVICES)) {
    if (!DEVICE_ID.test(device)) throw new KeyhavenError('WIRE_MALFORMED', 'not a device id')
    keys.set(device, members.text(device, MAX_STATEMENT_BYTES))
  }
  return keys
}

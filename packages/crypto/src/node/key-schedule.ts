import type { HpkeSuite } from '../backend.ts'
import { hpkeSuiteId, labeledIkm, labeledInfo } from '../hpke-labels.ts'
import { AEAD_IDS, AEAD_KEY_BYTES, AEAD_NONCE_BYTES, KEM_IDS, SHA256_BYTES } from '../suite.ts'
import { Writer } from '../writer.ts'
import { hkdfExtract } from './hkdf.ts'

const MODE_BASE = 0x00
const EMPTY = new Uint8Array(0)
/** HKDF-Expand of at most one block is one HMAC over info ‖ 0x01 (RFC 5869 §2.3). */
const FIRST_BLOCK = Uint8Array.of(0x01)
const MAX_CACHED_SCHEDULES = 512
const MAX_CACHED_INFO_BYTES = 256

/**
 * Everything in the key schedule (RFC 9180 §5.1) that depends on suite and info only: the messages of its
 * four HMACs. An info seldom changes (in OHTTP it names the key), so these are made once.
 */
export interface KeySchedule {
  readonly suiteId: Uint8Array
  readonly secretMessage: Uint8Array
  readonly keyMessage: Uint8Array
  readonly nonceMessage: Uint8Array
  readonly exporterMessage: Uint8Array
}

const schedules = new Map<string, KeySchedule>()

/** From a bounded cache, least recently used out first; a long info is not kept. */
export function keyScheduleOf(suite: HpkeSuite, info: Uint8Array): KeySchedule {
  if (info.length > MAX_CACHED_INFO_BYTES) return buildKeySchedule(suite, info)
  const name = `${KEM_IDS[suite.kem]},${AEAD_IDS[suite.aead]},${latin1(info)}`
  const known = schedules.get(name)
  if (known) {
    if (schedules.size > MAX_CACHED_SCHEDULES / 2) {
      schedules.delete(name)
      schedules.set(name, known)
    }
    return known
  }
  const built = buildKeySchedule(suite, info)
  if (schedules.size >= MAX_CACHED_SCHEDULES) schedules.delete(schedules.keys().next().value!)
  schedules.set(name, built)
  return built
}

function buildKeySchedule(suite: HpkeSuite, info: Uint8Array): KeySchedule {
  const suiteId = hpkeSuiteId(suite)
  const context = new Writer(1 + 2 * SHA256_BYTES)
    .u8(MODE_BASE)
    .bytes(hkdfExtract(EMPTY, labeledIkm(suiteId, 'psk_id_hash', EMPTY)))
    .bytes(hkdfExtract(EMPTY, labeledIkm(suiteId, 'info_hash', info)))
    .done()
  const expand = (label: string, length: number) =>
    new Writer()
      .bytes(labeledInfo(suiteId, label, context, length))
      .bytes(FIRST_BLOCK)
      .done()
  return {
    suiteId,
    secretMessage: labeledIkm(suiteId, 'secret', EMPTY),
    keyMessage: expand('key', AEAD_KEY_BYTES[suite.aead]),
    nonceMessage: expand('base_nonce', AEAD_NONCE_BYTES),
    exporterMessage: expand('exp', SHA256_BYTES),
  }
}

function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1')
}

import type { HpkeSuite, KemName } from './backend.ts'
import { AEAD_IDS, KDF_HKDF_SHA256, KEM_IDS } from './suite.ts'
import { utf8 } from './utf8.ts'
import { Writer } from './writer.ts'

const HPKE_VERSION = utf8('HPKE-v1')
const LABEL_CAPACITY_BYTES = 128

/** `suite_id` of a KEM (RFC 9180 §4.1). */
export function kemSuiteId(kem: KemName): Uint8Array {
  return new Writer().bytes(utf8('KEM')).u16(KEM_IDS[kem]).done()
}

/** `suite_id` of an HPKE suite (RFC 9180 §5.1). */
export function hpkeSuiteId(suite: HpkeSuite): Uint8Array {
  return new Writer()
    .bytes(utf8('HPKE'))
    .u16(KEM_IDS[suite.kem])
    .u16(KDF_HKDF_SHA256)
    .u16(AEAD_IDS[suite.aead])
    .done()
}

/** `labeled_ikm` of LabeledExtract (RFC 9180 §4). */
export function labeledIkm(suiteId: Uint8Array, label: string, ikm: Uint8Array): Uint8Array {
  return new Writer(LABEL_CAPACITY_BYTES)
    .bytes(HPKE_VERSION)
    .bytes(suiteId)
    .bytes(utf8(label))
    .bytes(ikm)
    .done()
}

/** `labeled_info` of LabeledExpand (RFC 9180 §4). */
export function labeledInfo(
  suiteId: Uint8Array,
  label: string,
  info: Uint8Array,
  length: number,
): Uint8Array {
  return new Writer(LABEL_CAPACITY_BYTES)
    .u16(length)
    .bytes(HPKE_VERSION)
    .bytes(suiteId)
    .bytes(utf8(label))
    .bytes(info)
    .done()
}

import { fromUtf8, utf8, Writer } from '@keyhaven/crypto'
import { BIOMETRIC_TYPES, type BiometricType } from '../biometrics/modality.ts'
import { pngChunk } from './png.ts'
import { type SeededRandom, seededRandom } from './seeded-random.ts'

/** What every simulated data block begins with, so that nobody takes one for a finger. */
const MAGIC = utf8('KEYHAVEN SIMULATED BIOMETRIC 1\n')
/** PNG chunk that holds the simulated features of a face: ancillary and private, so that viewers skip it. */
export const FACE_CHUNK = 'kvSm'
/** 4096 features of one bit each, as an iris code has 2048. */
const FEATURE_BYTES = 512
const FEATURES = FEATURE_BYTES * 8
/** Of a thousand features so many differ between two captures of one part. */
const NOISE_PER_THOUSAND = 90
const THOUSAND = 1_000

/** The features of one body part. Its data block: magic, kind u8, part u8 length and text, 512 bytes. */
export interface SimulatedTemplate {
  readonly type: BiometricType
  /** '' for a face. */
  readonly subtype: string
  readonly features: Uint8Array
}

/**
 * One capture of a part of a made-up person: the person's features with fresh noise.
 *
 * @param person - the person's seed.
 * @param capture - another text gives another capture.
 */
export function simulatedTemplate(
  person: string,
  type: BiometricType,
  subtype: string,
  capture: string,
): SimulatedTemplate {
  const features = seededRandom(`features ${person} ${type} ${subtype}`).bytes(FEATURE_BYTES)
  addNoise(features, seededRandom(`noise ${person} ${type} ${subtype} ${capture}`))
  return { type, subtype, features }
}

function addNoise(features: Uint8Array, random: SeededRandom): void {
  for (let feature = 0; feature < FEATURES; feature++) {
    if (random.below(THOUSAND) < NOISE_PER_THOUSAND) features[feature >> 3]! ^= 1 << (feature & 7)
  }
}

export function encodeTemplate({ type, subtype, features }: SimulatedTemplate): Uint8Array {
  return new Writer()
    .bytes(MAGIC)
    .u8(BIOMETRIC_TYPES.indexOf(type))
    .bytes8(utf8(subtype))
    .bytes(features)
    .done()
}

/** Reads a simulated template, or that of a simulated face image. @returns undefined if it is neither. */
export function decodeTemplate(bdb: Uint8Array): SimulatedTemplate | undefined {
  const bytes = pngChunk(bdb, FACE_CHUNK) ?? bdb
  if (MAGIC.some((byte, at) => bytes[at] !== byte)) return undefined
  const type = BIOMETRIC_TYPES[bytes[MAGIC.length] ?? -1]
  const start = MAGIC.length + 2
  const end = start + (bytes[MAGIC.length + 1] ?? 0)
  if (type === undefined || bytes.length !== end + FEATURE_BYTES) return undefined
  return { type, subtype: fromUtf8(bytes.subarray(start, end)), features: bytes.slice(end) }
}

/** Share of features in which two templates of one kind differ: about 0.5 for two people. */
export function distance(a: SimulatedTemplate, b: SimulatedTemplate): number {
  let different = 0
  for (let at = 0; at < FEATURE_BYTES; at++) {
    for (let bits = a.features[at]! ^ b.features[at]!; bits !== 0; bits &= bits - 1) different++
  }
  return different / FEATURES
}

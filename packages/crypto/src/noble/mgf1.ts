import { SHA256_BYTES } from '../suite.ts'
import { Writer } from '../writer.ts'
import { sha256 } from './hkdf.ts'

/** XORs MGF1-SHA-256 of a seed into the target (RFC 8017 §B.2.1). */
export function mgf1Xor(target: Uint8Array, seed: Uint8Array): void {
  for (let at = 0; at < target.length; at += SHA256_BYTES) {
    const block = sha256(
      new Writer(seed.length + 4)
        .bytes(seed)
        .u32(at / SHA256_BYTES)
        .done(),
    )
    const end = Math.min(target.length - at, SHA256_BYTES)
    for (let index = 0; index < end; index++) target[at + index]! ^= block[index]!
  }
}

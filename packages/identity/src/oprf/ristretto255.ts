import { utf8, Writer } from '@keyhaven/crypto'
import type sodium from 'libsodium-wrappers-sumo'

/** Element or scalar, 32 bytes: as RFC 9496 encodes the one, little-endian the other. */
type Bytes = Uint8Array

/** SHA-512 and its block, which expand_message_xmd begins with. */
const HASH_BYTES = 64
const ZERO_BLOCK = new Uint8Array(128)

/**
 * The group ristretto255 (RFC 9496) with the hash functions of RFC 9497 §4.1, by libsodium in WebAssembly. Every
 * method throws an Error on bytes that are no element, and on the identity as a result.
 */
export interface Ristretto255 {
  multiply(scalar: Bytes, element: Bytes): Bytes
  multiplyBase(scalar: Bytes): Bytes
  add(a: Bytes, b: Bytes): Bytes
  randomScalar(): Bytes
  /** Whether it is below the order, as DeserializeScalar asks for (RFC 9497 §2.1). */
  isCanonical(scalar: Bytes): boolean
  invertScalar(scalar: Bytes): Bytes
  /** a − b·c. */
  subtractProduct(a: Bytes, b: Bytes, c: Bytes): Bytes
  /** RFC 9497 §4.1. @param suffix - of the domain separation tag: the context string. */
  hashToGroup(message: Bytes, context: string): Bytes
  hashToScalar(message: Bytes, context: string): Bytes
  /** SHA-512. */
  hash(message: Bytes): Bytes
}

let loaded: Promise<Ristretto255> | undefined

/** Compiled when it is first needed: 40 ms. */
export function loadRistretto255(): Promise<Ristretto255> {
  loaded ??= import('libsodium-wrappers-sumo').then(async ({ default: library }) => {
    await library.ready
    return groupOf(library)
  })
  return loaded
}

function groupOf(library: typeof sodium): Ristretto255 {
  const hash = (message: Bytes) => library.crypto_hash_sha512(message)
  /** expand_message_xmd for 64 bytes (RFC 9380 §5.3.1). */
  const expand = (message: Bytes, tag: string): Bytes => {
    const suffix = new Writer().bytes(utf8(tag)).u8(tag.length).done()
    const first = new Writer(ZERO_BLOCK.length + message.length + suffix.length + 3)
    const b0 = hash(first.bytes(ZERO_BLOCK).bytes(message).u16(HASH_BYTES).u8(0).bytes(suffix).done())
    return hash(new Writer().bytes(b0).u8(1).bytes(suffix).done())
  }
  const reduce = library.crypto_core_ristretto255_scalar_reduce
  return {
    multiply: (scalar, element) => library.crypto_scalarmult_ristretto255(scalar, element),
    multiplyBase: (scalar) => library.crypto_scalarmult_ristretto255_base(scalar),
    add: (a, b) => library.crypto_core_ristretto255_add(a, b),
    // RFC 9497 §4.7.2. The library’s own asks the runtime for four bytes at a time.
    randomScalar: () => reduce(crypto.getRandomValues(new Uint8Array(HASH_BYTES))),
    isCanonical(scalar) {
      const wide = new Uint8Array(HASH_BYTES)
      wide.set(scalar)
      return library.memcmp(reduce(wide), scalar)
    },
    invertScalar: (scalar) => library.crypto_core_ristretto255_scalar_invert(scalar),
    subtractProduct: (a, b, c) =>
      library.crypto_core_ristretto255_scalar_sub(a, library.crypto_core_ristretto255_scalar_mul(b, c)),
    hashToGroup: (message, context) =>
      library.crypto_core_ristretto255_from_hash(expand(message, `HashToGroup-${context}`)),
    hashToScalar: (message, context) => reduce(expand(message, `HashToScalar-${context}`)),
    hash,
  }
}

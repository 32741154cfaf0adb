/** The nonce of response chunk number `counter`: base nonce XOR counter, big-endian (chunked draft §6.2). */
export function chunkNonce(base: Uint8Array, counter: number): Uint8Array<ArrayBuffer> {
  if (!Number.isSafeInteger(counter)) throw new RangeError('too many chunks')
  const nonce = new Uint8Array(base)
  let rest = counter
  for (let at = nonce.length - 1; rest > 0; at--) {
    nonce[at]! ^= rest % 256
    rest = Math.floor(rest / 256)
  }
  return nonce
}

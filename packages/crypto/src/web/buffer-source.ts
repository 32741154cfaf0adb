/**
 * The same bytes, typed for WebCrypto, whose types exclude memory shared between threads.
 *
 * @throws TypeError on shared memory: it could change while it is signed or sealed.
 */
export function bufferSource(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  if (!(bytes.buffer instanceof ArrayBuffer)) throw new TypeError('shared memory is not accepted')
  return bytes as Uint8Array<ArrayBuffer>
}

/**
 * The same memory as a plain Uint8Array. A Buffer must not leave this package: its `slice` and `toString`
 * differ, and callers would come to rely on them.
 */
export function plainBytes(buffer: Uint8Array): Uint8Array<ArrayBuffer> {
  return new Uint8Array(buffer.buffer as ArrayBuffer, buffer.byteOffset, buffer.byteLength)
}

import { openFailed } from '../../packages/crypto/src/node/index.ts'

/** What every failure to open says. */
export const OPEN_FAILED = `OPEN_FAILED ${openFailed().message}`

/** Code and text of what it throws, or `opened`. */
export const saidBy = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => 'opened',
    (error: Error & { code: string }) => `${error.code} ${error.message}`,
  )
export const bytesOf = (text: string) => new Uint8Array(Buffer.from(text, 'base64url'))

/** Bits flipped at some places, cuts at both ends, and one byte more. */
export function changesOf(bytes: Uint8Array, places = 12): Uint8Array[] {
  const step = Math.max(1, Math.floor(bytes.length / places))
  const at = [...bytes.keys()].filter((place) => place % step === 0 || place === bytes.length - 1)
  return [
    ...at.map((place) => bytes.map((byte, index) => (index === place ? byte ^ (1 << (place % 8)) : byte))),
    ...[bytes.subarray(0, bytes.length >> 1), bytes.subarray(0, -1), bytes.subarray(1)],
    Uint8Array.of(...bytes, 0),
  ]
}

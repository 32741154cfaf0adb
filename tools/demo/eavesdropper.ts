import type { Captured } from '../../test/kit/mitmproxy.ts'

/** How often a text is in what the interceptor saw: as it is, and in the usual encodings. */
export function sightings(captured: readonly Captured[], text: string): number {
  const parts = captured.flatMap((exchange) => [
    Buffer.from(exchange.path),
    Buffer.from(JSON.stringify([exchange.requestHeaders, exchange.responseHeaders])),
    exchange.requestBody,
    exchange.responseBody,
  ])
  return sightingsIn(parts, text)
}

/** The same for any bytes. */
export function sightingsIn(parts: readonly Buffer[], text: string): number {
  const wanted = forms(text)
  let found = 0
  for (const part of parts) for (const form of wanted) found += occurrences(part, form)
  return found
}

/** The text, its hex, and its base64 wherever in a longer text it begins. */
function forms(text: string): ReadonlySet<string> {
  const found = [text, Buffer.from(text).toString('hex')]
  for (const encoding of ['base64', 'base64url'] as const) {
    for (const shift of [0, 1, 2]) {
      const encoded = Buffer.from('\0'.repeat(shift) + text).toString(encoding)
      const whole = Math.floor(((shift + Buffer.byteLength(text)) * 8) / 6)
      found.push(encoded.slice(Math.ceil((shift * 8) / 6), whole))
    }
  }
  return new Set(found)
}

function occurrences(bytes: Buffer, text: string): number {
  let found = 0
  for (let at = bytes.indexOf(text); at >= 0; at = bytes.indexOf(text, at + text.length)) found += 1
  return found
}

/** Entropy in bits a byte: 8 for what looks like chance, 4 to 5 for text. */
export function entropyBits(bytes: Buffer): number {
  const counts = new Array<number>(256).fill(0)
  for (const byte of bytes) counts[byte]! += 1
  return counts.reduce((sum, count) => {
    const share = count / bytes.length
    return share === 0 ? sum : sum - share * Math.log2(share)
  }, 0)
}

/** The start of a body as an eavesdropper prints it. */
export function hexLines(bytes: Buffer, lines: number, bytesPerLine = 16): string[] {
  return Array.from({ length: Math.min(lines, Math.ceil(bytes.length / bytesPerLine)) }, (_, line) =>
    (
      bytes
        .subarray(line * bytesPerLine, (line + 1) * bytesPerLine)
        .toString('hex')
        .match(/../g) ?? []
    ).join(' '),
  )
}

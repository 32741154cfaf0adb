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

/** The same in any bytes; and of bytes such as a key. */
export function sightingsIn(parts: readonly Buffer[], text: string | Uint8Array): number {
  const wanted = forms(text)
  let found = 0
  for (const part of parts) for (const form of wanted) found += occurrences(part, form)
  return found
}

/** The bytes, their hex, and their base64 wherever in something longer they begin. */
export function forms(text: string | Uint8Array): readonly Buffer[] {
  const bytes = Buffer.from(text)
  const found = new Set([bytes.toString('hex')])
  for (const encoding of ['base64', 'base64url'] as const) {
    for (const shift of [0, 1, 2]) {
      const encoded = Buffer.concat([Buffer.alloc(shift), bytes]).toString(encoding)
      const whole = Math.floor(((shift + bytes.length) * 8) / 6)
      found.add(encoded.slice(Math.ceil((shift * 8) / 6), whole))
    }
  }
  return [bytes, ...[...found].map((form) => Buffer.from(form))]
}

function occurrences(bytes: Buffer, wanted: Buffer): number {
  let found = 0
  for (let at = bytes.indexOf(wanted); at >= 0; at = bytes.indexOf(wanted, at + wanted.length)) found += 1
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

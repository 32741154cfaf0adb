const MILLISECONDS = 1000
/** IMF-fixdate (RFC 9110 §5.6.7), the only form that a sender may make. */
const IMF_FIXDATE = /^[A-Z][a-z]{2}, \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} GMT$/

let lastSecond = Number.NaN
let lastText = ''
let lastParsedText = ''
let lastParsed: number | undefined

/** @param time - milliseconds since the epoch; the fraction of a second is dropped. */
export function formatHttpDate(time: number): string {
  const second = Math.floor(time / MILLISECONDS)
  if (second !== lastSecond) {
    lastText = new Date(second * MILLISECONDS).toUTCString()
    lastSecond = second
  }
  return lastText
}

/**
 * @returns milliseconds since the epoch, or undefined if `text` is not exactly what {@link formatHttpDate}
 * writes.
 */
export function parseHttpDate(text: string): number | undefined {
  if (text === lastParsedText) return lastParsed
  if (!IMF_FIXDATE.test(text)) return undefined
  const time = Date.parse(text)
  if (Number.isNaN(time) || new Date(time).toUTCString() !== text) return undefined
  lastParsedText = text
  lastParsed = time
  return time
}

const UNITS = ['B', 'kB', 'MB', 'GB', 'TB'] as const
const STEP = 1_000

/** A size as a person reads it: `0 B`, `1.5 MB`. */
export function formatBytes(bytes: number): string {
  let size = bytes
  let unit = 0
  while (size >= STEP && unit < UNITS.length - 1) {
    size /= STEP
    unit += 1
  }
  const digits = unit === 0 || size >= 100 ? 0 : 1
  const text = size.toLocaleString(undefined, { maximumFractionDigits: digits })
  return `${text} ${UNITS[unit]}`
}

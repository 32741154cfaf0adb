/** An entry's detail, whatever its shape, as a line a person can read: `reason: rotation, suite: x-wing`. */
export function describeDetail(detail: unknown): string {
  if (detail === null || detail === undefined) return ''
  if (typeof detail !== 'object') return String(detail)
  if (Array.isArray(detail)) return detail.map(describeDetail).join(', ')
  return Object.entries(detail)
    .filter(([, value]) => value !== null && value !== undefined)
    .map(
      ([name, value]) =>
        `${name}: ${isTime(name, value) ? new Date(value).toISOString() : describeDetail(value)}`,
    )
    .join(', ')
}

/** The log keeps times as milliseconds since the epoch, under names such as `activateAt`. */
function isTime(name: string, value: unknown): value is number {
  return name.endsWith('At') && typeof value === 'number'
}

/** An entry's detail, whatever its shape, as a line a person can read: `reason: rotation, suite: x-wing`. */
export function describeDetail(detail: unknown): string {
  if (detail === null || detail === undefined) return ''
  if (typeof detail !== 'object') return String(detail)
  if (Array.isArray(detail)) return detail.map(describeDetail).join(', ')
  return Object.entries(detail)
    .filter(([, value]) => value !== null && value !== undefined)
    .map(([name, value]) => `${name}: ${describeDetail(value)}`)
    .join(', ')
}

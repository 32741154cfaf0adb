/** More differing letters than this, or than half of the name, and it is no suggestion. */
const MAX_DISTANCE = 6

/**
 * For "did you mean": the name that differs in the fewest letters, in any case; undefined if none is near.
 */
export function nearestName(name: string, names: readonly string[]): string | undefined {
  let nearest: string | undefined
  let least = MAX_DISTANCE + 1
  for (const candidate of names) {
    const distance = editDistance(name.toLowerCase(), candidate.toLowerCase())
    if (distance < least && distance <= candidate.length / 2) [nearest, least] = [candidate, distance]
  }
  return nearest
}

/** Levenshtein: insertions, deletions and replacements that turn one into the other. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      const replaced = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1)
      next.push(Math.min(replaced, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1))
    }
    row = next
  }
  return row[b.length] ?? 0
}

const SHOWN_CHARS = 8

/** The beginning of an id, enough to tell one from another in a list. */
export function shortId(id: string): string {
  return `${id.slice(0, SHOWN_CHARS)}…`
}

/** A username up to this length stays on one line; a longer one may break anywhere. */
const ONE_LINE_CHARS = 24

/** How a username is laid out: whole where it can be, since half a name is easily taken for another. */
export function wrapping(username: string): { readonly className: string } | { readonly style: object } {
  return username.length <= ONE_LINE_CHARS
    ? { className: 'kh-nowrap' }
    : { style: { overflowWrap: 'anywhere' } }
}

/** A name up to this length stays on one line; a longer one, such as an OIDC subject, may break anywhere. */
const ONE_LINE_CHARS = 24

/** Who did something, as the audit log names it, such as `token:admin`. */
export function Actor({ name }: { readonly name: string }) {
  return <span className={name.length <= ONE_LINE_CHARS ? 'kh-mono kh-nowrap' : 'kh-mono'}>{name}</span>
}

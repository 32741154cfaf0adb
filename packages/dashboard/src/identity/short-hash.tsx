const SHOWN_CHARS = 16

/** The beginning of a hash, enough to tell one from another; the whole shows on hover. */
export function ShortHash({ hash }: { readonly hash: string }) {
  return (
    <span className="kh-mono kh-nowrap" title={hash}>
      {hash.slice(0, SHOWN_CHARS)}…
    </span>
  )
}

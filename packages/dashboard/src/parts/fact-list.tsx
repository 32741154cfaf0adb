import type { ReactNode } from 'react'
import './fact-list.css'

export interface FactItem {
  readonly name: string
  readonly value: ReactNode
  /** Takes a line of its own: a hash, or an address. */
  readonly long?: boolean
}

/** Names with their values: side by side where there is room, a line each on a phone. */
export function FactList({ facts }: { readonly facts: readonly FactItem[] }) {
  return (
    <div className="kh-facts">
      <dl>
        {facts.map(({ name, value, long }) => (
          <div key={name} data-long={long === true ? '' : undefined}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
    </div>
  )
}

import { Badge } from '@mantine/core'
import type { KeyState } from '../api/e2e-keys.ts'

const COLOURS: Readonly<Record<KeyState, string>> = {
  pending: 'blue',
  active: 'green',
  retiring: 'orange',
  revoked: 'gray',
}

const MEANINGS: Readonly<Record<KeyState, string>> = {
  pending: 'Opens calls already; clients are told of it once it is active',
  active: 'Clients are told to use it',
  retiring: 'Still opens calls; clients are no longer told of it first',
  revoked: 'Opens nothing any more; its private part is erased',
}

export function StateBadge({ state }: { readonly state: KeyState }) {
  return (
    <Badge miw="max-content" color={COLOURS[state]} title={MEANINGS[state]}>
      {state[0]?.toUpperCase() + state.slice(1)}
    </Badge>
  )
}

import { Badge } from '@mantine/core'
import type { StateLook } from './identity-states.ts'

export function StateBadge({ look: { label, colour, meaning } }: { readonly look: StateLook }) {
  return (
    <Badge miw="max-content" color={colour} title={meaning}>
      {label}
    </Badge>
  )
}

import { Badge } from '@mantine/core'
import type { ConversationMode } from '../api/conversations.ts'
import { MODES } from './describe-rules.ts'

/** Who can read, in one word. */
export function ModeBadge({ mode }: { readonly mode: ConversationMode }) {
  const { label, colour, meaning } = MODES[mode]
  return (
    <Badge miw="max-content" color={colour} title={meaning}>
      {label}
    </Badge>
  )
}

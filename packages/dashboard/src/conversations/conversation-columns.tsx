import { Anchor } from '@mantine/core'
import { Link } from 'wouter'
import type { Conversation } from '../api/conversations.ts'
import { formatBytes } from '../parts/format-bytes.ts'
import type { Column } from '../parts/record-table.tsx'
import { Time } from '../parts/time.tsx'
import { conversationPath } from './conversation-path.ts'
import { describeAge } from './describe-age.ts'
import { ModeBadge } from './mode-badge.tsx'
import { shortId } from './short-id.ts'

/** @param now - milliseconds since the epoch: when the list was read. */
export function conversationColumns(applicationId: string, now: number): readonly Column<Conversation>[] {
  return [
    {
      header: 'Conversation',
      wide: true,
      cell: ({ id }) => (
        <Anchor
          component={Link}
          href={conversationPath(applicationId, id)}
          fw={600}
          size="sm"
          className="kh-mono"
          title={id}
        >
          {shortId(id)}
        </Anchor>
      ),
    },
    { header: 'Mode', cell: ({ mode }) => <ModeBadge mode={mode} /> },
    { header: 'Members', cell: ({ members }) => members.toLocaleString() },
    {
      header: 'Key age',
      cell: ({ currentKey }) =>
        currentKey === null ? (
          'No key'
        ) : (
          <span title={currentKey.createdAt}>{describeAge(currentKey.createdAt, now)}</span>
        ),
    },
    { header: 'Files', cell: ({ fileBytes }) => formatBytes(fileBytes) },
    { header: 'Last change', cell: ({ changedAt }) => <Time at={changedAt} /> },
  ]
}

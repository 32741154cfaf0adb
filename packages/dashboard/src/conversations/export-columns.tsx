import { Badge, Button, Group, Stack, Text } from '@mantine/core'
import type { ConversationExport, ExportState } from '../api/conversations.ts'
import { Actor } from '../parts/actor.tsx'
import type { Column } from '../parts/record-table.tsx'
import { Time } from '../parts/time.tsx'

const STATES: Readonly<
  Record<ExportState, { readonly label: string; readonly colour: string; readonly meaning: string }>
> = {
  pending: { label: 'Waits for approval', colour: 'orange', meaning: 'Another operator must approve it' },
  approved: { label: 'Approved', colour: 'blue', meaning: 'One of the two may download the keys, once' },
  downloaded: { label: 'Downloaded', colour: 'gray', meaning: 'The keys were fetched; it is over' },
}

/**
 * @param actor - who is signed in: nobody approves what they asked for.
 * @param onApprove - absent for whoever may not approve.
 */
export function exportColumns(
  actor: string | undefined,
  onApprove: ((row: ConversationExport) => void) | undefined,
): readonly Column<ConversationExport>[] {
  const columns: Column<ConversationExport>[] = [
    { header: 'Reason', wide: true, cell: (row) => <Reason row={row} /> },
    { header: 'State', cell: ({ state }) => <StateBadge state={state} /> },
    { header: 'Asked', cell: (row) => <Step by={row.requestedBy} at={row.requestedAt} /> },
    {
      header: 'Approved',
      cell: ({ approvedBy, approvedAt }) =>
        approvedBy === null ? '–' : <Step by={approvedBy} at={approvedAt} />,
    },
    { header: 'Downloaded', cell: ({ downloadedAt }) => <Time at={downloadedAt} /> },
  ]
  if (onApprove === undefined) return columns
  return [
    ...columns,
    {
      header: 'Actions',
      hideHeader: true,
      wide: true,
      align: 'end',
      cell: (row) => <Approval row={row} own={row.requestedBy === actor} onApprove={onApprove} />,
    },
  ]
}

function Reason({ row: { reason, from, to } }: { readonly row: ConversationExport }) {
  return (
    <Stack gap={2} style={{ overflowWrap: 'anywhere' }}>
      {reason}
      {(from !== null || to !== null) && (
        <Text c="dimmed" size="xs">
          {from !== null && <Time before="from" at={from} />} {to !== null && <Time before="until" at={to} />}
        </Text>
      )}
    </Stack>
  )
}

function StateBadge({ state }: { readonly state: ExportState }) {
  const { label, colour, meaning } = STATES[state]
  return (
    <Badge miw="max-content" color={colour} title={meaning}>
      {label}
    </Badge>
  )
}

function Step({ by, at }: { readonly by: string; readonly at: string | null }) {
  return (
    <Stack gap={2}>
      <Actor name={by} />
      <Text c="dimmed" size="xs">
        <Time at={at} />
      </Text>
    </Stack>
  )
}

interface ApprovalProps {
  readonly row: ConversationExport
  /** Asked for by whoever is signed in. */
  readonly own: boolean
  readonly onApprove: (row: ConversationExport) => void
}

function Approval({ row, own, onApprove }: ApprovalProps) {
  if (row.state !== 'pending') return null
  if (own) {
    return (
      <Text c="dimmed" size="xs">
        Another operator approves it
      </Text>
    )
  }
  return (
    <Group justify="flex-end" className="kh-actions">
      <Button
        size="compact-sm"
        variant="default"
        aria-label={`Approve the export that ${row.requestedBy} asked for`}
        onClick={() => onApprove(row)}
      >
        Approve
      </Button>
    </Group>
  )
}

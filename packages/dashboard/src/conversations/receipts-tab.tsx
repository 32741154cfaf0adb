import { Badge, Paper, Stack, Text } from '@mantine/core'
import { type Receipt, useReceipts } from '../api/conversations.ts'
import { UserLink } from '../directory/user-link.tsx'
import { Actor } from '../parts/actor.tsx'
import { Empty } from '../parts/empty.tsx'
import { LoadMore } from '../parts/load-more.tsx'
import { ProblemAlert } from '../parts/problem-alert.tsx'
import { type Column, RecordTable } from '../parts/record-table.tsx'
import { Time } from '../parts/time.tsx'
import { describeReadRule } from './describe-rules.ts'

interface ReceiptsTabProps {
  readonly applicationId: string
  readonly conversation: string
}

const MS_PER_SECOND = 1_000

const KINDS: Readonly<Record<Receipt['kind'], { readonly label: string; readonly colour: string }>> = {
  key: { label: 'Key', colour: 'blue' },
  file: { label: 'File', colour: 'grape' },
  export: { label: 'Export', colour: 'orange' },
}

/** Who was given which key or file, newest first. */
export function ReceiptsTab({ applicationId, conversation }: ReceiptsTabProps) {
  const query = useReceipts(applicationId, conversation)
  const rows = query.data?.pages.flatMap((page) => page.items.map(({ receipt }) => receipt))
  return (
    <Stack gap="md">
      <Text c="dimmed" size="sm">
        Each time a key or a file is given out, a receipt is written first. The members can read it too, and
        the log holds each of them to account.
      </Text>
      {query.isError ? (
        <ProblemAlert error={query.error} onRetry={() => query.refetch()} />
      ) : (
        <Paper>
          {rows?.length === 0 ? (
            <Empty icon="log" title="No receipt yet">
              The first one appears when a device gets a key.
            </Empty>
          ) : (
            <RecordTable
              label="Receipts"
              rows={rows}
              rowKey={({ sequence }) => sequence}
              columns={receiptColumns(applicationId)}
            />
          )}
          <LoadMore query={query}>Show older receipts</LoadMore>
        </Paper>
      )}
    </Stack>
  )
}

function receiptColumns(applicationId: string): readonly Column<Receipt>[] {
  return [
    { header: 'Number', cell: ({ sequence }) => sequence.toLocaleString() },
    {
      header: 'Kind',
      cell: ({ kind }) => (
        <Badge miw="max-content" color={KINDS[kind].colour}>
          {KINDS[kind].label}
        </Badge>
      ),
    },
    { header: 'Given to', cell: ({ to }) => <Recipient applicationId={applicationId} to={to} /> },
    { header: 'Rule', cell: ({ rule }) => describeReadRule(rule) },
    { header: 'When', cell: ({ at }) => <Time at={new Date(at * MS_PER_SECOND).toISOString()} /> },
    { header: 'Key or file', cell: ({ object }) => <span className="kh-mono">{object}</span> },
  ]
}

function Recipient({ applicationId, to }: { readonly applicationId: string; readonly to: Receipt['to'] }) {
  if ('operators' in to) {
    return (
      <Stack gap={2}>
        {to.operators.map((operator) => (
          <Actor key={operator} name={operator} />
        ))}
      </Stack>
    )
  }
  return (
    <Stack gap={2}>
      <UserLink applicationId={applicationId} username={to.username} />
      <Text span c="dimmed" size="xs" className="kh-mono">
        {to.device}
      </Text>
    </Stack>
  )
}

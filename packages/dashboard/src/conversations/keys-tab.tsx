import { Badge, Paper, Stack, Text } from '@mantine/core'
import type { ConversationDetails, ConversationKey } from '../api/conversations.ts'
import { Empty } from '../parts/empty.tsx'
import { type Column, RecordTable } from '../parts/record-table.tsx'
import { Time } from '../parts/time.tsx'
import { describeAge } from './describe-age.ts'

interface KeysTabProps {
  readonly conversation: ConversationDetails
  /** Milliseconds since the epoch: when it was read. */
  readonly now: number
}

/** The keys by id, age and state; never a key. */
export function KeysTab({ conversation, now }: KeysTabProps) {
  const { mode, newestKeys, keys } = conversation
  return (
    <Stack gap="md">
      <Text c="dimmed" size="sm">
        {mode === 'managed'
          ? 'The server makes the keys: by the rules above, when a member asks, and when an operator does.'
          : 'The members’ devices rotate: the app makes the next key by the rules above. An operator cannot.'}
      </Text>
      <Paper>
        {newestKeys.length === 0 ? (
          <Empty icon="key" title="No key yet">
            A member’s device makes the first one.
          </Empty>
        ) : (
          <RecordTable
            label="Keys"
            rows={newestKeys}
            rowKey={({ id }) => id}
            columns={keyColumns(conversation, now)}
          />
        )}
        {keys > newestKeys.length && (
          <Text c="dimmed" size="sm" p="md" ta="center">
            The newest {newestKeys.length.toLocaleString()} of {keys.toLocaleString()} keys.
          </Text>
        )}
      </Paper>
    </Stack>
  )
}

function keyColumns({ mode, currentKey }: ConversationDetails, now: number) {
  const columns: Column<ConversationKey>[] = [
    { header: 'Key', wide: true, cell: ({ id }) => <span className="kh-mono">{id}</span> },
    {
      header: 'State',
      cell: (key) => <KeyState conversationKey={key} current={currentKey?.id === key.id} />,
    },
    { header: 'Age', cell: ({ createdAt }) => describeAge(createdAt, now) },
    { header: 'Made', cell: ({ createdAt }) => <Time at={createdAt} /> },
    { header: 'Made by', cell: ({ createdBy }) => <span className="kh-mono">{createdBy}</span> },
  ]
  if (mode === 'managed') return columns
  return [
    ...columns,
    { header: 'Devices', cell: ({ recipients }: ConversationKey) => recipients.toLocaleString() },
  ]
}

interface KeyStateProps {
  readonly conversationKey: ConversationKey
  readonly current: boolean
}

function KeyState({ conversationKey: { erasedAt, supersededAt, complete }, current }: KeyStateProps) {
  const since = erasedAt ?? supersededAt
  return (
    <Stack gap={3} align="flex-start">
      {erasedAt !== null && (
        <Badge miw="max-content" color="gray" title="The retention rule erased it; nobody can get it">
          Erased
        </Badge>
      )}
      {erasedAt === null && !complete && (
        <Badge
          miw="max-content"
          color="orange"
          title="Its device has not wrapped it to every member device yet"
        >
          Incomplete
        </Badge>
      )}
      {erasedAt === null && complete && current && (
        <Badge miw="max-content" color="green" title="New messages are written under it">
          Current
        </Badge>
      )}
      {erasedAt === null && complete && !current && (
        <Badge miw="max-content" color="blue" title="Reads what was written under it, for whoever may">
          Replaced
        </Badge>
      )}
      {since !== null && (
        <Text c="dimmed" size="xs">
          <Time before="since" at={since} />
        </Text>
      )}
    </Stack>
  )
}

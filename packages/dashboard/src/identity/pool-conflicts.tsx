import { Badge, Modal, Text, Title } from '@mantine/core'
import { type PoolConflict, useCloseConflict, usePoolConflicts } from '../api/identity-vault.ts'
import { useMay } from '../api/session.ts'
import { Actor } from '../parts/actor.tsx'
import { dangerColumn } from '../parts/danger-column.tsx'
import { Empty } from '../parts/empty.tsx'
import { ReasonForm } from '../parts/reason-form.tsx'
import { RecordList } from '../parts/record-list.tsx'
import type { Column } from '../parts/record-table.tsx'
import { Time } from '../parts/time.tsx'
import { useChosen } from '../parts/use-chosen.ts'

const KINDS: Readonly<Record<PoolConflict['kind'], string>> = {
  import: 'A credential brought it',
  create: 'It was to be made',
  unwrap: 'The stored one opens as another',
}

/** Second keys for an index, each refused. */
export function PoolConflicts() {
  const query = usePoolConflicts()
  const mayClose = useMay('key-manager')
  const closing = useChosen<PoolConflict>()
  return (
    <section>
      <Title order={2} size="h4" mb="sm">
        Conflicts
      </Title>
      <RecordList
        label="Conflicts"
        query={query}
        rowKey={({ id }) => id}
        columns={
          mayClose
            ? [
                ...COLUMNS,
                dangerColumn<PoolConflict>({
                  text: 'Close',
                  label: ({ index }) => `Close the conflict of index ${index}`,
                  offered: ({ closedAt }) => closedAt === null,
                  onClick: closing.choose,
                }),
              ]
            : COLUMNS
        }
        more="Show older conflicts"
        empty={
          <Empty icon="check" title="No conflict">
            Every index has had one key, and keeps it.
          </Empty>
        }
      />
      <Modal opened={closing.opened} onClose={closing.close} title="Close conflict">
        {closing.row !== undefined && <CloseForm conflict={closing.row} onClose={closing.close} />}
      </Modal>
    </section>
  )
}

const COLUMNS: readonly Column<PoolConflict>[] = [
  { header: 'Index', cell: ({ index }) => <strong>{index.toLocaleString()}</strong> },
  { header: 'How', cell: ({ kind }) => KINDS[kind] },
  {
    header: 'From',
    cell: ({ source }) => (
      <Text span size="xs" className="kh-mono">
        {source}
      </Text>
    ),
  },
  { header: 'Seen', cell: ({ seenAt }) => <Time at={seenAt} /> },
  {
    header: 'State',
    cell: ({ closedAt }) => (
      <Badge miw="max-content" color={closedAt === null ? 'red' : 'gray'}>
        {closedAt === null ? 'Open' : 'Closed'}
      </Badge>
    ),
  },
  { header: 'Closed by', cell: ({ closedBy }) => (closedBy === null ? '–' : <Actor name={closedBy} />) },
]

function CloseForm({ conflict, onClose }: { readonly conflict: PoolConflict; readonly onClose: () => void }) {
  const close = useCloseConflict()
  return (
    <ReasonForm
      submit="Close conflict"
      busy={close.isPending}
      error={close.error}
      onConfirmed={(reason) => close.mutate({ id: conflict.id, reason }, { onSuccess: onClose })}
      onCancel={onClose}
    >
      The stored key of index {conflict.index.toLocaleString()} stays either way. Say what you found out about
      the other one.
    </ReasonForm>
  )
}

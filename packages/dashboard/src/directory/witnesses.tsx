import { Paper, Title } from '@mantine/core'
import type { Witness } from '../api/directory-log.ts'
import { Empty } from '../parts/empty.tsx'
import { type Column, RecordTable } from '../parts/record-table.tsx'
import { Time } from '../parts/time.tsx'

const COLUMNS: readonly Column<Witness>[] = [
  { header: 'Witness', cell: (witness) => <span className="kh-mono">{witness.name}</span> },
  { header: 'Last signed', cell: (witness) => <Time at={witness.lastCosignedAt} absent="Never" /> },
]

/** Who else confirms that everybody is shown the same log. */
export function Witnesses({ witnesses }: { readonly witnesses: readonly Witness[] }) {
  return (
    <section>
      <Title order={2} size="h4" mb="sm">
        Witnesses
      </Title>
      <Paper>
        {witnesses.length === 0 ? (
          <Empty icon="shield" title="No witness yet">
            Without one, only users who compare can notice that this server shows them different logs. Run{' '}
            <span className="kh-mono">keyhaven witness</span> on a machine of somebody else’s, then name it in{' '}
            <span className="kh-mono">KEYHAVEN_WITNESSES</span>.
          </Empty>
        ) : (
          <RecordTable
            label="Witnesses"
            rows={witnesses}
            rowKey={(witness) => witness.name}
            columns={COLUMNS}
          />
        )}
      </Paper>
    </section>
  )
}

import { Badge, Paper, Stack, Text, Title } from '@mantine/core'
import { type Centre, type Machine, useCentres, useMachines } from '../api/identity-registrations.ts'
import { Empty } from '../parts/empty.tsx'
import { ProblemAlert } from '../parts/problem-alert.tsx'
import { type Column, RecordTable } from '../parts/record-table.tsx'
import { Time } from '../parts/time.tsx'

/** Where people are registered, and with what. */
export function StationsTab({ applicationId }: { readonly applicationId: string }) {
  const centres = useCentres(applicationId)
  const machines = useMachines(applicationId)
  const failed = [centres, machines].find(({ isError }) => isError)
  if (failed !== undefined) return <ProblemAlert error={failed.error} onRetry={() => failed.refetch()} />
  return (
    <Stack gap="lg">
      <section>
        <Title order={2} size="h4" mb="sm">
          Centres
        </Title>
        <Paper>
          {centres.data?.items.length === 0 ? (
            <Empty icon="apps" title="No centre yet">
              Add one with <span className="kh-mono">keyhaven identity centres add</span>.
            </Empty>
          ) : (
            <RecordTable
              label="Centres"
              rows={centres.data?.items}
              rowKey={({ id }) => id}
              columns={CENTRES}
              loadingRows={2}
            />
          )}
        </Paper>
      </section>
      <section>
        <Title order={2} size="h4" mb={4}>
          Machines
        </Title>
        <Text c="dimmed" size="sm" mb="sm">
          A packet counts only if the key of a machine of an open centre has signed it.
        </Text>
        <Paper>
          {machines.data?.items.length === 0 ? (
            <Empty icon="key" title="No machine yet">
              Register its public key with <span className="kh-mono">keyhaven identity machines add</span>.
            </Empty>
          ) : (
            <RecordTable
              label="Machines"
              rows={machines.data?.items}
              rowKey={({ centre, id }) => `${centre} ${id}`}
              columns={MACHINES}
              loadingRows={2}
            />
          )}
        </Paper>
      </section>
    </Stack>
  )
}

const CENTRES: readonly Column<Centre>[] = [
  { header: 'Centre', wide: true, cell: ({ name }) => <strong>{name}</strong> },
  { header: 'Id', cell: ({ id }) => <span className="kh-mono">{id}</span> },
  { header: 'State', cell: ({ closedAt }) => <OpenBadge open={closedAt === null} closed="Closed" /> },
  { header: 'Added', cell: ({ createdAt }) => <Time at={createdAt} /> },
  { header: 'Closed', cell: ({ closedAt }) => <Time at={closedAt} /> },
]

const MACHINES: readonly Column<Machine>[] = [
  {
    header: 'Machine',
    wide: true,
    cell: ({ centre, id }) => <strong className="kh-mono kh-nowrap">{`${centre}_${id}`}</strong>,
  },
  { header: 'State', cell: ({ endedAt }) => <OpenBadge open={endedAt === null} closed="Ended" /> },
  { header: 'Registered', cell: ({ createdAt }) => <Time at={createdAt} /> },
  { header: 'Ended', cell: ({ endedAt }) => <Time at={endedAt} /> },
  {
    header: 'Key',
    cell: ({ keyIndex }) => (
      <Text span size="xs" className="kh-mono" title="SHA-256 of its public key">
        {keyIndex}
      </Text>
    ),
  },
]

function OpenBadge({ open, closed }: { readonly open: boolean; readonly closed: string }) {
  return (
    <Badge miw="max-content" color={open ? 'green' : 'gray'}>
      {open ? 'In use' : closed}
    </Badge>
  )
}

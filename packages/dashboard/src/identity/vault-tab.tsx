import { Alert, Paper, Progress, Skeleton, Stack, Text, Title } from '@mantine/core'
import {
  POOL_KEYS,
  type PoolGeneration,
  useVault,
  type VaultRecipient,
  type VaultStatus,
} from '../api/identity-vault.ts'
import { Empty } from '../parts/empty.tsx'
import { FactList } from '../parts/fact-list.tsx'
import { Icon } from '../parts/icon.tsx'
import { ProblemAlert } from '../parts/problem-alert.tsx'
import { type Column, RecordTable } from '../parts/record-table.tsx'
import { Time } from '../parts/time.tsx'
import { Backfills } from './backfills.tsx'
import { PartnerLink } from './partner-link.tsx'
import { PoolConflicts } from './pool-conflicts.tsx'
import { rotationOf } from './rotation.ts'
import { ShortHash } from './short-hash.tsx'

/** The pool of keys under which people's attributes are: never a key, and nobody's attribute. */
export function VaultTab() {
  const { data, isError, error, refetch } = useVault()
  if (isError) return <ProblemAlert error={error} onRetry={() => refetch()} />
  if (data === undefined) return <Skeleton height={420} radius="md" />
  return (
    <Stack gap="lg">
      {data.openConflicts > 0 && (
        <Alert color="red" icon={<Icon name="alert" />} title="A second, different key came for an index">
          It was refused, and the stored key stays. Find out who sent it before you close the conflict below.
        </Alert>
      )}
      <Pool vault={data} />
      <Rotation vault={data} />
      <Generations vault={data} />
      {data.recipients !== undefined && <Recipients recipients={data.recipients} />}
      {data.backfills !== undefined && data.backfills.length > 0 && <Backfills backfills={data.backfills} />}
      <PoolConflicts />
    </Stack>
  )
}

function Pool({ vault: { role, generations, openConflicts, records } }: { readonly vault: VaultStatus }) {
  const newest = generations[0]
  const keys = generations.reduce((sum, one) => sum + one.keys, 0)
  return (
    <Paper px="lg" py="sm">
      <FactList
        facts={[
          { name: 'Size of the pool', value: `${POOL_KEYS.toLocaleString()} keys a generation` },
          {
            name: 'Newest generation',
            value: newest === undefined ? 'None yet' : `Number ${newest.generation}`,
          },
          { name: role === 'main' ? 'Keys ever made' : 'Keys in use', value: keys.toLocaleString() },
          ...(records === undefined ? [] : [{ name: 'People', value: records.toLocaleString() }]),
          { name: 'Open conflicts', value: openConflicts.toLocaleString() },
        ]}
      />
    </Paper>
  )
}

function Rotation({ vault }: { readonly vault: VaultStatus }) {
  const { done, all, percent } = rotationOf(vault)
  return (
    <section>
      <Title order={2} size="h4" mb="sm">
        Rotation
      </Title>
      <Paper p="lg">
        <Text size="sm" mb={all > 0 ? 8 : 0}>
          {describeRotation(vault, done, all)}
        </Text>
        {all > 0 && (
          <Progress.Root size="lg">
            <Progress.Section value={percent} aria-label="Under keys of the newest generation" />
          </Progress.Root>
        )}
        {percent < 100 && vault.role === 'main' && (
          <Text size="sm" c="dimmed" mt={8}>
            The rest follows on next use, or at once with{' '}
            <span className="kh-mono">keyhaven vault reencrypt</span>.
          </Text>
        )}
      </Paper>
    </section>
  )
}

function describeRotation({ role }: VaultStatus, done: number, all: number): string {
  const what = role === 'main' ? 'credentials' : 'people'
  if (all === 0) return `There are no ${what} yet.`
  return `${done.toLocaleString()} of ${all.toLocaleString()} ${what} are under keys of the newest generation.`
}

function Generations({ vault: { role, generations } }: { readonly vault: VaultStatus }) {
  return (
    <section>
      <Title order={2} size="h4" mb="sm">
        Generations
      </Title>
      <Paper>
        {generations.length === 0 ? (
          <Empty icon="key" title="No pool of keys yet">
            {role === 'main' ? (
              <>
                The first credential for an IDA makes it, or{' '}
                <span className="kh-mono">keyhaven vault create-pool</span> ahead of that.
              </>
            ) : (
              'The keys come from the issuer, with the first credential.'
            )}
          </Empty>
        ) : (
          <RecordTable
            label="Generations"
            rows={generations}
            rowKey={({ generation }) => generation}
            columns={GENERATIONS}
          />
        )}
      </Paper>
    </section>
  )
}

const GENERATIONS: readonly Column<PoolGeneration>[] = [
  { header: 'Generation', cell: ({ generation }) => <strong>{generation}</strong> },
  {
    header: 'Indexes',
    cell: ({ generation }) =>
      `${(generation * POOL_KEYS).toLocaleString()} to ${((generation + 1) * POOL_KEYS - 1).toLocaleString()}`,
  },
  { header: 'Keys', cell: ({ keys }) => keys.toLocaleString() },
  { header: 'Since', cell: ({ createdAt }) => <Time at={createdAt} /> },
]

function Recipients({ recipients }: { readonly recipients: readonly VaultRecipient[] }) {
  return (
    <section>
      <Title order={2} size="h4" mb="sm">
        IDAs
      </Title>
      <Paper>
        {recipients.length === 0 ? (
          <Empty icon="shield" title="No IDA can open a credential yet">
            Add the certificate that an IDA has for pool keys:{' '}
            <span className="kh-mono">keyhaven vault recipients add</span>.
          </Empty>
        ) : (
          <RecordTable
            label="IDAs"
            rows={recipients}
            rowKey={({ thumbprint }) => thumbprint}
            columns={RECIPIENTS}
          />
        )}
      </Paper>
    </section>
  )
}

const RECIPIENTS: readonly Column<VaultRecipient>[] = [
  { header: 'Partner', wide: true, cell: ({ partner }) => <PartnerLink id={partner} /> },
  { header: 'Certificate', cell: ({ thumbprint }) => <ShortHash hash={thumbprint} /> },
  { header: 'Subject', cell: ({ subject }) => subject },
  { header: 'Valid until', cell: ({ notAfter }) => <Time at={notAfter} /> },
]

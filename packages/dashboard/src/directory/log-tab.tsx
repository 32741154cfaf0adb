import { Group, Paper, Skeleton, Stack, Text, Title } from '@mantine/core'
import { type DirectoryLog, useDirectoryLog } from '../api/directory-log.ts'
import { CodeBlock } from '../parts/code-block.tsx'
import { FactList } from '../parts/fact-list.tsx'
import { ProblemAlert } from '../parts/problem-alert.tsx'
import { Time } from '../parts/time.tsx'
import { LogCheck } from './log-check.tsx'
import { Witnesses } from './witnesses.tsx'

/** The application's log: what apps check every answer of the directory against. */
export function LogTab({ applicationId }: { readonly applicationId: string }) {
  const { data: log, isError, error, refetch } = useDirectoryLog(applicationId)
  if (isError) return <ProblemAlert error={error} onRetry={() => refetch()} />
  if (log === undefined) return <Skeleton height={420} radius="md" />
  return (
    <Stack gap="lg">
      <Group justify="space-between" gap="sm">
        <Text c="dimmed" size="sm" flex="1 1 300px">
          Every change of the directory is an entry here, and none is ever changed or taken out. Entries name
          nobody: only a permitted look-up says whose they are.
        </Text>
        <LogCheck applicationId={applicationId} size={log.size} />
      </Group>
      <Paper px="lg" py="sm">
        <FactList
          facts={[
            { name: 'Entries', value: log.size.toLocaleString() },
            { name: 'Last checkpoint', value: <Time at={log.at} absent="None yet" /> },
            { name: 'Origin', value: <span className="kh-mono">{log.origin}</span>, long: true },
            { name: 'Root hash', value: <span className="kh-mono">{log.root}</span>, long: true },
          ]}
        />
      </Paper>
      <VerifierKey log={log} />
      <Witnesses witnesses={log.witnesses} />
      {log.checkpoint !== '' && <CodeBlock label="Last checkpoint" code={log.checkpoint} />}
    </Stack>
  )
}

function VerifierKey({ log }: { readonly log: DirectoryLog }) {
  return (
    <Paper p="lg">
      <Title order={2} size="h4" mb={4}>
        Verifier key
      </Title>
      <Text size="sm" c="dimmed" mb="md">
        Apps ship it beside the root thumbprints, as <span className="kh-mono">trust.log</span>. Witnesses and
        auditors need it too. It is public.
      </Text>
      <CodeBlock label="Verifier key of the log" code={log.verifierKey} />
    </Paper>
  )
}

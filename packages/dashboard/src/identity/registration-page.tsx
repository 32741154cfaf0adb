import { Alert, Group, Paper, Skeleton, Stack, Text, Timeline, Title } from '@mantine/core'
import { type RegistrationDetails, useRegistration } from '../api/identity-registrations.ts'
import { Actor } from '../parts/actor.tsx'
import { CopyButton } from '../parts/copy-button.tsx'
import { FactList } from '../parts/fact-list.tsx'
import { formatBytes } from '../parts/format-bytes.ts'
import { Icon } from '../parts/icon.tsx'
import { PageHeader } from '../parts/page-header.tsx'
import { ProblemAlert } from '../parts/problem-alert.tsx'
import { Time } from '../parts/time.tsx'
import { adviceOn } from './describe-rejection.ts'
import { IdentityCrumbs } from './identity-crumbs.tsx'
import { identityPartPath } from './identity-path.ts'
import { STAGES } from './identity-states.ts'
import { StateBadge } from './state-badge.tsx'

interface RegistrationPageProps {
  readonly applicationId: string
  readonly rid: string
}

/** One registration: its stages and, if it was rejected, why. */
export function RegistrationPage({ applicationId, rid }: RegistrationPageProps) {
  const { data, isError, error, refetch } = useRegistration(applicationId, rid)
  return (
    <>
      <IdentityCrumbs label="Registrations" href={identityPartPath('registrations')} />
      <PageHeader title="Registration">
        <Group gap={10} mih={26}>
          {data !== undefined && <StateBadge look={STAGES[data.stage]} />}
          <span className="kh-mono">{rid}</span>
          <CopyButton text={rid} what="the registration’s id" />
        </Group>
      </PageHeader>
      {isError && <ProblemAlert error={error} onRetry={() => refetch()} />}
      {!isError && data === undefined && <Skeleton height={420} radius="md" />}
      {!isError && data !== undefined && <Found registration={data} />}
    </>
  )
}

function Found({ registration }: { readonly registration: RegistrationDetails }) {
  const { stage, reason, refId, officer, attempt, packetBytes, packetHash, history } = registration
  return (
    <Stack gap="lg">
      {stage === 'REJECTED' && (
        <Alert color="red" icon={<Icon name="alert" />} title={reason ?? 'Rejected'}>
          <Text size="sm">{adviceOn(reason)}</Text>
        </Alert>
      )}
      <Paper px="lg" py="sm">
        <FactList
          facts={[
            { name: 'Centre and machine', value: <span className="kh-mono">{refId}</span> },
            { name: 'Officer', value: officer === null ? '–' : <Actor name={officer} /> },
            { name: 'Packets so far', value: attempt.toLocaleString() },
            { name: 'Packet', value: formatBytes(packetBytes) },
            { name: 'Received', value: <Time at={registration.receivedAt} /> },
            { name: 'Last change', value: <Time at={registration.changedAt} /> },
            {
              name: 'SHA-256 of the packet',
              value: <span className="kh-mono">{packetHash}</span>,
              long: true,
            },
          ]}
        />
      </Paper>
      <Paper p="lg">
        <Title order={2} size="h4" mb="md">
          Stages
        </Title>
        <Timeline active={history.length - 1} bulletSize={16} lineWidth={2}>
          {history.map((event, index) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: history only grows, and a stage may come twice
            <Timeline.Item key={index} title={STAGES[event.stage].label}>
              <Text size="sm" c="dimmed">
                {event.reason ?? STAGES[event.stage].meaning}
              </Text>
              <Text size="sm" c="dimmed">
                <Time at={event.at} />
              </Text>
            </Timeline.Item>
          ))}
        </Timeline>
      </Paper>
    </Stack>
  )
}

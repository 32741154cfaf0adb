import { Button, Group, Progress, Stack, Text } from '@mantine/core'
import type { E2eKey } from '../api/e2e-keys.ts'
import type { Usage } from '../api/usage.ts'
import type { Column } from '../parts/record-table.tsx'
import { Time } from '../parts/time.tsx'
import { formatShare } from './format-share.ts'
import { StateBadge } from './state-badge.tsx'
import { shortSuite } from './suite-label.ts'

interface KeyActions {
  readonly usage: Usage | undefined
  readonly mayManage: boolean
  readonly onDetails: (key: E2eKey) => void
  readonly onSchedule: (key: E2eKey) => void
  readonly onRevoke: (key: E2eKey) => void
}

export function e2eKeyColumns(actions: KeyActions): readonly Column<E2eKey>[] {
  return [
    {
      header: 'Key id',
      cell: (key) => (
        <Text span fw={650} size="sm">
          {key.keyId}
        </Text>
      ),
    },
    { header: 'State', cell: (key) => <StateCell e2eKey={key} /> },
    { header: 'Suite', cell: (key) => <span className="kh-nowrap">{shortSuite(key.suiteName)}</span> },
    { header: 'Created', cell: (key) => <Time at={key.createdAt} /> },
    { header: 'Last used', cell: (key) => <Time at={lastUsed(key, actions.usage)} absent="Never" /> },
    { header: 'Calls, last 24 h', cell: (key) => <ShareCell usage={actions.usage} id={key.id} /> },
    {
      header: 'Actions',
      hideHeader: true,
      wide: true,
      align: 'end',
      cell: (key) => <ActionsCell e2eKey={key} actions={actions} />,
    },
  ]
}

/** The state, with the date of the next step where one is set. */
function StateCell({ e2eKey }: { readonly e2eKey: E2eKey }) {
  return (
    <Stack gap={3} align="flex-start">
      <StateBadge state={e2eKey.state} />
      {e2eKey.state === 'pending' && e2eKey.activateAt !== null && (
        <Text c="dimmed" size="xs">
          <Time before="from" at={e2eKey.activateAt} />
        </Text>
      )}
      {e2eKey.state !== 'revoked' && e2eKey.endAt !== null && (
        <Text c="dimmed" size="xs">
          <Time before="until" at={e2eKey.endAt} />
        </Text>
      )}
    </Stack>
  )
}

/** The later of the two answers: the usage report counts calls that the list of keys does not know yet. */
function lastUsed(key: E2eKey, usage: Usage | undefined): string | null {
  const reported = usage?.keys.find(({ id }) => id === key.id)?.lastUsedAt ?? null
  if (reported === null || key.lastUsedAt === null) return reported ?? key.lastUsedAt
  return Date.parse(reported) > Date.parse(key.lastUsedAt) ? reported : key.lastUsedAt
}

function ShareCell({ usage, id }: { readonly usage: Usage | undefined; readonly id: string }) {
  const share = usage?.keys.find((key) => key.id === id)?.requestShare ?? 0
  return (
    <Group gap={8} wrap="nowrap" miw={96}>
      <Progress value={share * 100} w={48} size="sm" aria-hidden="true" />
      <Text span size="sm" className="kh-nowrap">
        {usage === undefined ? '…' : formatShare(share)}
      </Text>
    </Group>
  )
}

function ActionsCell({ e2eKey, actions }: { readonly e2eKey: E2eKey; readonly actions: KeyActions }) {
  const live = e2eKey.state !== 'revoked' && actions.mayManage
  return (
    <Group gap={6} justify="flex-end" wrap="nowrap" className="kh-actions">
      <Button
        size="compact-sm"
        variant="default"
        aria-label={`Public key and details of key ${e2eKey.keyId}`}
        onClick={() => actions.onDetails(e2eKey)}
      >
        Public key
      </Button>
      {live && (
        <>
          <Button
            size="compact-sm"
            variant="default"
            aria-label={`Schedule key ${e2eKey.keyId}`}
            onClick={() => actions.onSchedule(e2eKey)}
          >
            Schedule
          </Button>
          <Button
            size="compact-sm"
            variant="default"
            c="var(--mantine-color-error)"
            aria-label={`Revoke key ${e2eKey.keyId}`}
            onClick={() => actions.onRevoke(e2eKey)}
          >
            Revoke
          </Button>
        </>
      )}
    </Group>
  )
}

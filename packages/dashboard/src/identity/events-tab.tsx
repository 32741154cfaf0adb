import { Button, Group, NativeSelect, Stack, Text } from '@mantine/core'
import { useState } from 'react'
import {
  type EventState,
  type PartnerEvent,
  usePartnerEvents,
  useReplayEvent,
} from '../api/identity-shares.ts'
import { useMay } from '../api/session.ts'
import { Empty } from '../parts/empty.tsx'
import { ProblemAlert } from '../parts/problem-alert.tsx'
import { RecordList } from '../parts/record-list.tsx'
import type { Column } from '../parts/record-table.tsx'
import { SearchBox, useSearch } from '../parts/search-box.tsx'
import { Time } from '../parts/time.tsx'
import { EVENT_STATES } from './identity-states.ts'
import { PartnerLink } from './partner-link.tsx'
import { StateBadge } from './state-badge.tsx'

/** What partners were told, in order, and what could not be delivered. */
export function EventsTab({ applicationId }: { readonly applicationId: string }) {
  const search = useSearch()
  const [state, setState] = useState<EventState | ''>('')
  const query = usePartnerEvents(applicationId, state, search.settled)
  const replay = useReplayEvent(applicationId)
  const mayReplay = useMay('partner-manager')
  return (
    <Stack gap={0}>
      <Text c="dimmed" size="sm" mb="md">
        The newest first. Events go to a partner’s webhook, one after the other. One that was tried too often
        is dead, and those behind it go on; mend the webhook, then replay it. One that waits can be tried at
        once.
      </Text>
      <Group gap="sm" align="flex-start" mb="md">
        <SearchBox search={search} label="Partner" placeholder="Whole id of a partner" />
        <NativeSelect
          aria-label="State"
          value={state}
          onChange={(event) => setState(event.currentTarget.value as EventState | '')}
          data={[
            { value: '', label: 'Every state' },
            ...Object.entries(EVENT_STATES).map(([value, { label }]) => ({ value, label })),
          ]}
        />
      </Group>
      <ProblemAlert error={replay.error} />
      <RecordList
        label="Events"
        query={query}
        rowKey={({ id }) => id}
        columns={
          mayReplay
            ? [
                ...COLUMNS,
                replayColumn((id) => replay.mutate(id), replay.isPending ? replay.variables : undefined),
              ]
            : COLUMNS
        }
        more="Show more events"
        empty={
          <Empty
            icon="clock"
            title={state === '' && search.settled === '' ? 'No event yet' : 'No event is so'}
          >
            {state === '' && search.settled === ''
              ? 'One appears here when something is issued to, or changes for, a partner.'
              : 'Choose another state, or give the whole id of a partner, such as its page shows.'}
          </Empty>
        }
      />
    </Stack>
  )
}

const COLUMNS: readonly Column<PartnerEvent>[] = [
  { header: 'Partner', wide: true, cell: ({ partnerId }) => <PartnerLink id={partnerId} /> },
  { header: 'Number', cell: ({ sequence }) => <span className="kh-mono">{sequence}</span> },
  { header: 'Event', cell: ({ topic }) => <span className="kh-mono kh-nowrap">{topic}</span> },
  { header: 'State', cell: ({ state }) => <StateBadge look={EVENT_STATES[state]} /> },
  { header: 'Tried', cell: ({ attempts }) => attempts.toLocaleString() },
  {
    header: 'Last failure',
    cell: ({ failure }) => <span style={{ overflowWrap: 'anywhere' }}>{failure || '–'}</span>,
  },
  { header: 'Last change', cell: ({ changedAt }) => <Time at={changedAt} /> },
]

function replayColumn(onReplay: (id: string) => void, busy: string | undefined): Column<PartnerEvent> {
  return {
    header: 'Actions',
    hideHeader: true,
    wide: true,
    align: 'end',
    cell: ({ id, state, sequence, partnerId }) =>
      (state === 'dead' || state === 'waiting') && (
        <Group justify="flex-end">
          <Button
            size="compact-sm"
            variant="default"
            loading={busy === id}
            aria-label={`${state === 'dead' ? 'Replay' : 'Try'} event ${sequence} of ${partnerId}${state === 'dead' ? '' : ' now'}`}
            onClick={() => onReplay(id)}
          >
            {state === 'dead' ? 'Replay' : 'Try now'}
          </Button>
        </Group>
      ),
  }
}

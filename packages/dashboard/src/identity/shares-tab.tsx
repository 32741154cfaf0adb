import { SegmentedControl, Stack, Text, Title } from '@mantine/core'
import { useState } from 'react'
import { type AuditEntry, type AuditFilter, useAudit } from '../api/audit.ts'
import { type Share, useShares } from '../api/identity-shares.ts'
import { useMay } from '../api/session.ts'
import { Actor } from '../parts/actor.tsx'
import { Empty } from '../parts/empty.tsx'
import { formatBytes } from '../parts/format-bytes.ts'
import { RecordList } from '../parts/record-list.tsx'
import type { Column } from '../parts/record-table.tsx'
import { Time } from '../parts/time.tsx'
import { shareState } from './identity-states.ts'
import { PartnerLink } from './partner-link.tsx'
import { ShareRefusal } from './share-refusal.tsx'
import { StateBadge } from './state-badge.tsx'

const FILTERS = [
  { value: '', label: 'All' },
  { value: 'live', label: 'Live' },
  { value: 'ended', label: 'Over' },
  { value: 'deleted', label: 'Deleted' },
]

/** What was shared with whom, how often it was read, and what was refused; never the data. */
export function SharesTab({ applicationId }: { readonly applicationId: string }) {
  const [state, setState] = useState<Share['state'] | ''>('')
  const query = useShares(applicationId, state)
  const mayAudit = useMay('auditor')
  return (
    <Stack gap="lg">
      <Stack gap="md">
        <Text c="dimmed" size="sm">
          A share is encrypted to the partner’s certificate, and can be read as often and as long as its
          policy says.
        </Text>
        <SegmentedControl
          aria-label="Which shares"
          w="fit-content"
          value={state}
          onChange={(next) => setState(next as Share['state'] | '')}
          data={FILTERS}
        />
        <RecordList
          label="Shares"
          query={query}
          rowKey={({ id }) => id}
          columns={shareColumns(query.dataUpdatedAt)}
          more="Show more shares"
          empty={
            <Empty icon="copy" title={state === '' ? 'Nothing was shared yet' : 'No share is so'}>
              {state === ''
                ? 'A share appears here when a credential is issued, or a service creates one.'
                : 'Choose another state above.'}
            </Empty>
          }
        />
      </Stack>
      <section>
        <Title order={2} size="h4" mb="sm">
          Refused
        </Title>
        {mayAudit ? (
          <Refusals applicationId={applicationId} />
        ) : (
          <Text c="dimmed" size="sm">
            Refusals are in the audit log: ask somebody with the role auditor.
          </Text>
        )}
      </section>
    </Stack>
  )
}

function shareColumns(now: number): readonly Column<Share>[] {
  return [
    { header: 'For', wide: true, cell: ({ subscriberId }) => <PartnerLink id={subscriberId} /> },
    { header: 'State', cell: (share) => <StateBadge look={shareState(share, now)} /> },
    { header: 'Read', cell: describeReads },
    {
      header: 'Policy',
      cell: ({ policyId, policyVersion }) => (
        <span className="kh-mono">
          {policyId} v{policyVersion}
        </span>
      ),
    },
    { header: 'Size', cell: ({ bytes }) => formatBytes(bytes) },
    { header: 'Created', cell: ({ createdAt }) => <Time at={createdAt} /> },
    { header: 'Until', cell: ({ expiresAt }) => <Time at={expiresAt} /> },
  ]
}

function describeReads({ allowed, remaining }: Share): string {
  if (allowed < 0) return 'Any number'
  return `${(allowed - remaining).toLocaleString()} of ${allowed.toLocaleString()}`
}

function Refusals({ applicationId }: { readonly applicationId: string }) {
  const filter: AuditFilter = { action: 'share.refuse', actor: '', applicationId, from: '', to: '' }
  const query = useAudit(filter)
  return (
    <RecordList
      label="Refused"
      query={query}
      rowKey={({ sequence }) => sequence}
      columns={REFUSALS}
      more="Show older refusals"
      empty={
        <Empty icon="check" title="Nothing was refused">
          A refusal appears here when policy, certificate, time or number of reads forbids a share.
        </Empty>
      }
    />
  )
}

const REFUSALS: readonly Column<AuditEntry>[] = [
  { header: 'When', cell: ({ at }) => <Time at={at} /> },
  { header: 'By', cell: ({ actor }) => <Actor name={actor} /> },
  { header: 'Why', cell: ({ detail }) => <ShareRefusal detail={detail} /> },
]

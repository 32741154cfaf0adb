import { Paper, Title } from '@mantine/core'
import type { PartnerCertificate, PartnerDetails } from '../api/identity-partners.ts'
import { Actor } from '../parts/actor.tsx'
import { Empty } from '../parts/empty.tsx'
import { type Column, RecordTable } from '../parts/record-table.tsx'
import { Time } from '../parts/time.tsx'
import { CERTIFICATE_STATES } from './identity-states.ts'
import { ShortHash } from './short-hash.tsx'
import { StateBadge } from './state-badge.tsx'

interface PartnerCertificatesProps {
  readonly partner: PartnerDetails
  /** Milliseconds since the epoch: when it was read. */
  readonly now: number
}

/** A partner's certificates, the present one first. */
export function PartnerCertificates({ partner, now }: PartnerCertificatesProps) {
  const rows = partner.certificates.toSorted((a, b) => (a.uploadedAt < b.uploadedAt ? 1 : -1))
  return (
    <section>
      <Title order={2} size="h4" mb="sm">
        Certificates
      </Title>
      <Paper>
        {rows.length === 0 ? (
          <Empty icon="shield" title="No certificate yet">
            Nothing can be shared with it. The partner uploads one, or you do with{' '}
            <span className="kh-mono">keyhaven identity partners certificate</span>.
          </Empty>
        ) : (
          <RecordTable label="Certificates" rows={rows} rowKey={({ id }) => id} columns={columns(now)} />
        )}
      </Paper>
    </section>
  )
}

function columns(now: number): readonly Column<PartnerCertificate>[] {
  return [
    { header: 'SHA-256', wide: true, cell: ({ id }) => <ShortHash hash={id} /> },
    {
      header: 'State',
      cell: ({ state, validUntil }) => {
        const expired = state === 'active' && Date.parse(validUntil) <= now
        return <StateBadge look={CERTIFICATE_STATES[expired ? 'expired' : state]} />
      },
    },
    { header: 'Valid from', cell: ({ validFrom }) => <Time at={validFrom} /> },
    { header: 'Valid until', cell: ({ validUntil }) => <Time at={validUntil} /> },
    { header: 'Uploaded', cell: ({ uploadedAt }) => <Time at={uploadedAt} /> },
    { header: 'By', cell: ({ uploadedBy }) => <Actor name={uploadedBy} /> },
  ]
}

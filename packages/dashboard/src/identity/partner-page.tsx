import { Badge, Button, Group, Paper, Skeleton, Stack } from '@mantine/core'
import { type Partner, type PartnerDetails, usePartner } from '../api/identity-partners.ts'
import { useMay } from '../api/session.ts'
import { Actor } from '../parts/actor.tsx'
import { FactList } from '../parts/fact-list.tsx'
import { PageHeader } from '../parts/page-header.tsx'
import { ProblemAlert } from '../parts/problem-alert.tsx'
import { Time } from '../parts/time.tsx'
import { useChosen } from '../parts/use-chosen.ts'
import { ApiKeys } from './api-keys.tsx'
import { IdentityCrumbs } from './identity-crumbs.tsx'
import { identityPartPath } from './identity-path.ts'
import { PARTNER_STATES } from './identity-states.ts'
import { PartnerCertificates } from './partner-certificates.tsx'
import { PartnerStateDialog } from './partner-state-dialog.tsx'
import { PartnerSubscriptions } from './partner-subscriptions.tsx'
import { StateBadge } from './state-badge.tsx'

interface PartnerPageProps {
  readonly applicationId: string
  readonly id: string
}

/** One partner: what it has, and until when. */
export function PartnerPage({ applicationId, id }: PartnerPageProps) {
  const { data, isError, error, dataUpdatedAt, refetch } = usePartner(applicationId, id)
  const mayManage = useMay('partner-manager')
  // As it was when the dialog opened: a change must not turn the dialog into its opposite.
  const asking = useChosen<Partner>()
  const active = data?.state === 'active'
  return (
    <>
      <IdentityCrumbs label="Partners" href={identityPartPath('partners')} />
      <PageHeader
        title={id}
        actions={
          mayManage &&
          data !== undefined && (
            <Button
              variant="default"
              {...(active ? { c: 'var(--mantine-color-error)' } : {})}
              onClick={() => asking.choose(data)}
            >
              {active ? 'Deactivate partner' : 'Activate partner'}
            </Button>
          )
        }
      >
        <Group gap={10} mih={26}>
          {data === undefined ? (
            !isError && <Skeleton width={160} height={20} />
          ) : (
            <>
              <StateBadge look={PARTNER_STATES[data.state]} />
              <Badge color="gray">{data.type}</Badge>
              <span>{data.organisation}</span>
            </>
          )}
        </Group>
      </PageHeader>
      {isError && <ProblemAlert error={error} onRetry={() => refetch()} />}
      {!isError && data === undefined && <Skeleton height={420} radius="md" />}
      {!isError && data !== undefined && (
        <Stack gap="lg">
          <Facts partner={data} />
          <PartnerCertificates partner={data} now={dataUpdatedAt} />
          <PartnerSubscriptions applicationId={applicationId} partner={data} />
          <ApiKeys applicationId={applicationId} partner={data} now={dataUpdatedAt} />
          <PartnerStateDialog applicationId={applicationId} asking={asking} />
        </Stack>
      )}
    </>
  )
}

function Facts({ partner }: { readonly partner: PartnerDetails }) {
  const { groupId, profile, email, contactNumber, address, webhookUrl } = partner
  return (
    <Paper px="lg" py="sm">
      <FactList
        facts={[
          { name: 'Policy group', value: groupId || '–' },
          { name: 'Profile', value: profile },
          { name: 'Registered', value: <Time at={partner.createdAt} /> },
          { name: 'Registered by', value: <Actor name={partner.createdBy} /> },
          { name: 'Last change', value: <Time at={partner.changedAt} /> },
          { name: 'E-mail', value: email || '–' },
          { name: 'Phone', value: contactNumber || '–' },
          { name: 'Address', value: address || '–' },
          { name: 'Events go to', value: webhookUrl || 'Nowhere: they are kept', long: true },
        ]}
      />
    </Paper>
  )
}

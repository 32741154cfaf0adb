import { Paper, Tabs, Text } from '@mantine/core'
import type { ReactNode } from 'react'
import { useLocation } from 'wouter'
import type { IdentityStatus } from '../api/status.ts'
import { Empty } from '../parts/empty.tsx'
import { PageHeader } from '../parts/page-header.tsx'
import { type PartTab, ScrollingTabs } from '../parts/scrolling-tabs.tsx'
import { AuthenticationsTab } from './authentications-tab.tsx'
import { EventsTab } from './events-tab.tsx'
import type { IdentityAccess } from './identity-access.ts'
import { type IdentityPart, identityPartPath } from './identity-path.ts'
import { PartnersTab } from './partners-tab.tsx'
import { PoliciesTab } from './policies-tab.tsx'
import { RegistrationsTab } from './registrations-tab.tsx'
import { SharesTab } from './shares-tab.tsx'
import { StationsTab } from './stations-tab.tsx'
import { VaultTab } from './vault-tab.tsx'

const TABS: Readonly<Record<IdentityPart, PartTab>> = {
  registrations: { label: 'Registrations', icon: 'person' },
  stations: { label: 'Centres and machines', icon: 'apps' },
  partners: { label: 'Partners', icon: 'users' },
  policies: { label: 'Policies', icon: 'log' },
  shares: { label: 'Shares', icon: 'copy' },
  events: { label: 'Events', icon: 'clock' },
  authentications: { label: 'Authentications', icon: 'check' },
  vault: { label: 'Vault', icon: 'shield' },
}

const PANELS: Readonly<Record<IdentityPart, (identity: IdentityStatus) => ReactNode>> = {
  registrations: ({ applicationId }) => <RegistrationsTab applicationId={applicationId} />,
  stations: ({ applicationId }) => <StationsTab applicationId={applicationId} />,
  partners: ({ applicationId }) => <PartnersTab applicationId={applicationId} />,
  policies: ({ applicationId }) => <PoliciesTab applicationId={applicationId} />,
  shares: ({ applicationId }) => <SharesTab applicationId={applicationId} />,
  events: ({ applicationId }) => <EventsTab applicationId={applicationId} />,
  authentications: () => <AuthenticationsTab />,
  vault: () => <VaultTab />,
}

interface IdentityPageProps extends IdentityAccess {
  readonly part: string
}

/** The identity capability of this server, as far as the session may see it. */
export function IdentityPage({ identity, parts, part }: IdentityPageProps) {
  const [, navigate] = useLocation()
  const open = (next: string | null): void =>
    navigate(identityPartPath(next as IdentityPart), { replace: true })
  return (
    <>
      <PageHeader title="Identity">
        <Describe identity={identity} />
      </PageHeader>
      <Tabs value={part} onChange={open} keepMounted={false}>
        <ScrollingTabs
          label="Parts of the identity capability"
          parts={Object.fromEntries(parts.map((one) => [one, TABS[one]]))}
          open={part}
        />
        {parts.map((one) => (
          <Tabs.Panel key={one} value={one}>
            {PANELS[one](identity)}
          </Tabs.Panel>
        ))}
      </Tabs>
      {!(parts as readonly string[]).includes(part) && (
        <Paper>
          <Empty icon="search" title="There is no such part here">
            Choose one of the parts above. Which there are depends on your roles, and on whether this server
            issues identities or authenticates people.
          </Empty>
        </Paper>
      )}
    </>
  )
}

function Describe({
  identity: { role, profile, applicationId, matcher },
}: {
  readonly identity: IdentityStatus
}) {
  return (
    <>
      <Text component="span">
        {role === 'ida' ? 'ID authentication' : 'People, partners and what they are given'} of{' '}
        <span className="kh-mono">{applicationId}</span>, profile <span className="kh-mono">{profile}</span>.
        No data of a person is in this dashboard.
      </Text>
      {matcher !== null && (
        <Text size="sm" mt={2}>
          Biometrics are compared by: {matcher}
        </Text>
      )}
    </>
  )
}

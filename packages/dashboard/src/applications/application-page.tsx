import { Anchor, Badge, Button, Group, Paper, Skeleton, Tabs } from '@mantine/core'
import { Link, useLocation } from 'wouter'
import { useApplication } from '../api/applications.ts'
import { useMay } from '../api/session.ts'
import { AdoptionTab } from '../channel/adoption-tab.tsx'
import { E2eKeysTab } from '../channel/e2e-keys-tab.tsx'
import { TrustTab } from '../channel/trust-tab.tsx'
import { conversationsPath } from '../conversations/conversation-path.ts'
import { directoryPath } from '../directory/directory-path.ts'
import { Icon } from '../parts/icon.tsx'
import { PageHeader } from '../parts/page-header.tsx'
import { ProblemAlert } from '../parts/problem-alert.tsx'
import { type ApplicationTab, applicationPath } from './application-path.ts'

interface ApplicationPageProps {
  readonly id: string
  readonly tab: string
}

/** One application: its keys, who uses which, and what its clients trust. */
export function ApplicationPage({ id, tab }: ApplicationPageProps) {
  const [, navigate] = useLocation()
  // Who talks with whom is nothing that a key manager needs to see.
  const mayAudit = useMay('auditor')
  const { data: application, error, isError, refetch } = useApplication(id)
  if (isError) {
    return (
      <>
        <PageHeader title={id} />
        <ProblemAlert error={error} onRetry={() => refetch()} />
        <Anchor component={Link} href="/applications" mt="md" display="inline-block">
          All applications
        </Anchor>
      </>
    )
  }
  return (
    <>
      <Anchor component={Link} href="/applications" size="sm" mb={6} display="inline-block">
        All applications
      </Anchor>
      <PageHeader
        title={application?.name ?? id}
        actions={
          <Group gap="sm">
            <Button
              component={Link}
              href={directoryPath(id)}
              variant="default"
              leftSection={<Icon name="users" />}
            >
              Directory
            </Button>
            {mayAudit && (
              <Button
                component={Link}
                href={conversationsPath(id)}
                variant="default"
                leftSection={<Icon name="chat" />}
              >
                Conversations
              </Button>
            )}
          </Group>
        }
      >
        <Group gap={10} mih={26}>
          <span className="kh-mono">{id}</span>
          {application === undefined && <Skeleton width={70} height={18} />}
          {application?.isDefault === true && <Badge>Default application</Badge>}
          {application?.trust.mode === 'offline' && <Badge color="grape">Offline root</Badge>}
        </Group>
      </PageHeader>
      <Tabs
        value={tab}
        onChange={(next) => navigate(applicationPath(id, next as ApplicationTab), { replace: true })}
        keepMounted={false}
      >
        <Tabs.List aria-label="Parts of the application" mb="lg">
          <Tabs.Tab value="keys" leftSection={<Icon name="key" />}>
            E2E keys
          </Tabs.Tab>
          <Tabs.Tab value="adoption" leftSection={<Icon name="chart" />}>
            Adoption
          </Tabs.Tab>
          <Tabs.Tab value="trust" leftSection={<Icon name="shield" />}>
            Trust
          </Tabs.Tab>
        </Tabs.List>
        <Tabs.Panel value="keys">
          <E2eKeysTab applicationId={id} />
        </Tabs.Panel>
        <Tabs.Panel value="adoption">
          <AdoptionTab applicationId={id} />
        </Tabs.Panel>
        <Tabs.Panel value="trust">
          <TrustTab applicationId={id} />
        </Tabs.Panel>
      </Tabs>
      {!['keys', 'adoption', 'trust'].includes(tab) && <Paper p="lg">There is no such part here.</Paper>}
    </>
  )
}

import { Paper, Tabs } from '@mantine/core'
import { useLocation } from 'wouter'
import { useApplication } from '../api/applications.ts'
import { PageHeader } from '../parts/page-header.tsx'
import { ProblemAlert } from '../parts/problem-alert.tsx'
import { type PartTab, ScrollingTabs } from '../parts/scrolling-tabs.tsx'
import { DirectoryCrumbs } from './directory-crumbs.tsx'
import { type DirectoryPart, directoryPath } from './directory-path.ts'
import { ExpiringTab } from './expiring-tab.tsx'
import { LogTab } from './log-tab.tsx'
import { SignUpTokensTab } from './sign-up-tokens-tab.tsx'
import { UsersTab } from './users-tab.tsx'

interface DirectoryPageProps {
  readonly applicationId: string
  readonly part: string
}

const PARTS: Readonly<Record<DirectoryPart, PartTab>> = {
  users: { label: 'Users', icon: 'users' },
  expiring: { label: 'Expiring soon', icon: 'clock' },
  'sign-up-tokens': { label: 'Sign-up tokens', icon: 'token' },
  log: { label: 'Log', icon: 'log' },
}

/** An application's users, what lets new ones in, and the log that holds it all to account. */
export function DirectoryPage({ applicationId, part }: DirectoryPageProps) {
  const [, navigate] = useLocation()
  const application = useApplication(applicationId)
  return (
    <>
      <DirectoryCrumbs applicationId={applicationId} />
      <PageHeader title="Directory">
        Whose devices belong to whom in <span className="kh-mono">{applicationId}</span>. Every change is in a
        public log, so that nobody can swap a key unseen.
      </PageHeader>
      {application.isError ? (
        <ProblemAlert error={application.error} onRetry={() => application.refetch()} />
      ) : (
        <Tabs
          value={part}
          onChange={(next) =>
            navigate(directoryPath(applicationId, next as DirectoryPart), { replace: true })
          }
          keepMounted={false}
        >
          <ScrollingTabs label="Parts of the directory" parts={PARTS} open={part} />
          <Tabs.Panel value="users">
            <UsersTab applicationId={applicationId} />
          </Tabs.Panel>
          <Tabs.Panel value="expiring">
            <ExpiringTab applicationId={applicationId} />
          </Tabs.Panel>
          <Tabs.Panel value="sign-up-tokens">
            <SignUpTokensTab applicationId={applicationId} />
          </Tabs.Panel>
          <Tabs.Panel value="log">
            <LogTab applicationId={applicationId} />
          </Tabs.Panel>
        </Tabs>
      )}
      {!Object.hasOwn(PARTS, part) && <Paper p="lg">There is no such part here.</Paper>}
    </>
  )
}

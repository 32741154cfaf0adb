import { Paper, Tabs } from '@mantine/core'
import { useEffect, useRef } from 'react'
import { useLocation } from 'wouter'
import { useApplication } from '../api/applications.ts'
import { Icon, type IconName } from '../parts/icon.tsx'
import { PageHeader } from '../parts/page-header.tsx'
import { ProblemAlert } from '../parts/problem-alert.tsx'
import { DirectoryCrumbs } from './directory-crumbs.tsx'
import { type DirectoryPart, directoryPath } from './directory-path.ts'
import { ExpiringTab } from './expiring-tab.tsx'
import { LogTab } from './log-tab.tsx'
import { SignUpTokensTab } from './sign-up-tokens-tab.tsx'
import { UsersTab } from './users-tab.tsx'
import './directory-page.css'

interface DirectoryPageProps {
  readonly applicationId: string
  readonly part: string
}

const PARTS: Readonly<Record<DirectoryPart, { readonly label: string; readonly icon: IconName }>> = {
  users: { label: 'Users', icon: 'users' },
  expiring: { label: 'Expiring soon', icon: 'clock' },
  'sign-up-tokens': { label: 'Sign-up tokens', icon: 'token' },
  log: { label: 'Log', icon: 'log' },
}

/** An application's users, what lets new ones in, and the log that holds it all to account. */
export function DirectoryPage({ applicationId, part }: DirectoryPageProps) {
  const [, navigate] = useLocation()
  const application = useApplication(applicationId)
  const list = useRef<HTMLDivElement>(null)
  // On a phone the row of tabs scrolls; the open one has to show.
  // biome-ignore lint/correctness/useExhaustiveDependencies: it is the part that opens a tab
  useEffect(() => {
    list.current
      ?.querySelector('[aria-selected=true]')
      ?.scrollIntoView({ block: 'nearest', inline: 'nearest' })
  }, [part])
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
          <Tabs.List aria-label="Parts of the directory" mb="lg" className="kh-scrolling-tabs" ref={list}>
            {Object.entries(PARTS).map(([value, { label, icon }]) => (
              <Tabs.Tab key={value} value={value} leftSection={<Icon name={icon} />}>
                {label}
              </Tabs.Tab>
            ))}
          </Tabs.List>
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

import { Button, Paper, Skeleton, Stack, Title } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { type DirectoryUserDetails, useDirectoryUser } from '../api/directory-users.ts'
import { useMay } from '../api/session.ts'
import { Empty } from '../parts/empty.tsx'
import { PageHeader } from '../parts/page-header.tsx'
import { ProblemAlert } from '../parts/problem-alert.tsx'
import { ChainTimeline } from './chain-timeline.tsx'
import { DirectoryCrumbs } from './directory-crumbs.tsx'
import { segmentToUsername } from './directory-path.ts'
import { NoDeviceNotice } from './no-device-notice.tsx'
import { ResetUserDialog } from './reset-user-dialog.tsx'
import { UserDevices } from './user-devices.tsx'
import { UserFacts } from './user-facts.tsx'

interface UserPageProps {
  readonly applicationId: string
  /** The username, as the address has it. */
  readonly segment: string
}

/** One user: devices, and everything that ever happened under the name. */
export function UserPage({ applicationId, segment }: UserPageProps) {
  const username = segmentToUsername(segment)
  return (
    <>
      <DirectoryCrumbs applicationId={applicationId} below />
      {username === undefined ? (
        <>
          <PageHeader title="No such user" />
          <Paper>
            <Empty icon="users" title="No username has this address">
              Go back to the directory and search for the user there.
            </Empty>
          </Paper>
        </>
      ) : (
        <User applicationId={applicationId} username={username} />
      )}
    </>
  )
}

function User({ applicationId, username }: { readonly applicationId: string; readonly username: string }) {
  const { data: user, isError, error, dataUpdatedAt, refetch } = useDirectoryUser(applicationId, username)
  const mayManage = useMay('key-manager')
  const [resetting, resetDialog] = useDisclosure(false)
  const resetButton = mayManage && user !== undefined && !isFreshlyReset(user) && (
    <Button variant="default" c="var(--mantine-color-error)" onClick={resetDialog.open}>
      Reset user
    </Button>
  )
  return (
    <>
      <PageHeader title={username} actions={resetButton} />
      {isError && <ProblemAlert error={error} onRetry={() => refetch()} />}
      {!isError && user === undefined && <Skeleton height={420} radius="md" />}
      {!isError && user !== undefined && (
        <Stack gap="lg">
          <NoDeviceNotice applicationId={applicationId} user={user} freshlyReset={isFreshlyReset(user)} />
          <UserFacts user={user} />
          <UserDevices applicationId={applicationId} user={user} now={dataUpdatedAt} />
          <section>
            <Title order={2} size="h4" mb="sm">
              History
            </Title>
            <Paper p="lg">
              <ChainTimeline entries={user.entries} devices={user.devices} />
            </Paper>
          </section>
        </Stack>
      )}
      <ResetUserDialog
        applicationId={applicationId}
        username={username}
        opened={resetting}
        onClose={resetDialog.close}
      />
    </>
  )
}

/** Reset, and not enrolled anew: there is nothing left to reset. */
function isFreshlyReset(user: DirectoryUserDetails): boolean {
  return user.entries.at(-1)?.kind === 'reset'
}

import { Alert, Button, Text } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import type { DirectoryUserDetails } from '../api/directory-users.ts'
import { useMay } from '../api/session.ts'
import { Icon } from '../parts/icon.tsx'
import { IssueTokenDialog } from './issue-token-dialog.tsx'

interface NoDeviceNoticeProps {
  readonly applicationId: string
  readonly user: DirectoryUserDetails
  /** The newest entry is a reset. */
  readonly freshlyReset: boolean
}

const ENROLL_AGAIN =
  'The user can enroll again with a new sign-up token. Give it to them on a way that only they can read.'
const NOBODY_CAN_WRITE =
  'Nobody can write to this user. An expired device may renew when its app is opened. ' +
  'If every device is lost, reset the user.'

/** Says how a user without a valid device gets in again. Renders nothing for any other. */
export function NoDeviceNotice({ applicationId, user, freshlyReset }: NoDeviceNoticeProps) {
  const mayIssue = useMay('key-manager')
  const [issuing, dialog] = useDisclosure(false)
  if (user.devices.some((device) => device.status === 'valid')) return null
  return (
    <>
      <Alert
        role="status"
        color="orange"
        icon={<Icon name="alert" />}
        title={freshlyReset ? 'Reset, and not enrolled yet' : 'No valid device'}
      >
        <Text size="sm">{freshlyReset ? ENROLL_AGAIN : NOBODY_CAN_WRITE}</Text>
        {freshlyReset && mayIssue && (
          <Button size="compact-md" mt="sm" onClick={dialog.open}>
            Issue sign-up token
          </Button>
        )}
      </Alert>
      <IssueTokenDialog
        applicationId={applicationId}
        username={user.username}
        opened={issuing}
        onClose={dialog.close}
      />
    </>
  )
}

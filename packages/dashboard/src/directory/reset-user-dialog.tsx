import { Alert, List, Modal, Text } from '@mantine/core'
import { useResetUser } from '../api/directory-users.ts'
import { ConfirmationForm } from '../parts/confirmation-form.tsx'
import { Icon } from '../parts/icon.tsx'

interface ResetUserDialogProps {
  readonly applicationId: string
  readonly username: string
  readonly opened: boolean
  readonly onClose: () => void
}

export function ResetUserDialog({ opened, onClose, ...rest }: ResetUserDialogProps) {
  return (
    <Modal opened={opened} onClose={onClose} title="Reset user">
      <ResetUserForm {...rest} onClose={onClose} />
    </Modal>
  )
}

const CONSENT = {
  label: 'I have made sure, on another way than this system, that it is this person who asks.',
  advice: 'Make sure first: whoever enrolls next under this name is taken for this person',
}

function ResetUserForm({ applicationId, username, onClose }: Omit<ResetUserDialogProps, 'opened'>) {
  const reset = useResetUser(applicationId, username)
  return (
    <ConfirmationForm
      subject={{ kind: 'user', id: username, what: 'name' }}
      consent={CONSENT}
      submit="Reset user"
      busy={reset.isPending}
      error={reset.error}
      onConfirmed={(reason) => reset.mutate(reason, { onSuccess: onClose })}
      onCancel={onClose}
    >
      <Alert color="red" icon={<Icon name="alert" />} title="Only for somebody who has lost every device">
        <List size="sm" spacing={4}>
          <List.Item>
            All devices end at once, and the recovery key with them. It still reads the history that was
            backed up.
          </List.Item>
          <List.Item>Every contact is told that this user was reset.</List.Item>
          <List.Item>Verified marks drop: contacts have to compare safety numbers again.</List.Item>
          <List.Item>Nothing is sent to the user until a contact accepts the new chain.</List.Item>
          <List.Item>The user needs a new sign-up token; this page offers it afterwards.</List.Item>
        </List>
      </Alert>
      <Text size="sm">
        It stays in the log for ever, where the user and everybody who audits it can see it. It cannot be
        undone. If one device is left, let it approve the new one instead.
      </Text>
    </ConfirmationForm>
  )
}

import { Modal, Stack, Text } from '@mantine/core'
import type { FormEvent } from 'react'
import { useRotateConversation } from '../api/conversations.ts'
import { DialogActions } from '../parts/dialog-actions.tsx'
import { ProblemAlert } from '../parts/problem-alert.tsx'

interface RotateDialogProps {
  readonly applicationId: string
  readonly conversation: string
  readonly opened: boolean
  readonly onClose: () => void
}

export function RotateDialog({ opened, onClose, ...rest }: RotateDialogProps) {
  return (
    <Modal opened={opened} onClose={onClose} title="Rotate key">
      <RotateForm {...rest} onClose={onClose} />
    </Modal>
  )
}

function RotateForm({ applicationId, conversation, onClose }: Omit<RotateDialogProps, 'opened'>) {
  const rotate = useRotateConversation(applicationId, conversation)
  const submit = (event: FormEvent): void => {
    event.preventDefault()
    rotate.mutate(undefined, { onSuccess: onClose })
  }
  return (
    <form onSubmit={submit}>
      <Stack gap="md">
        <Text size="sm">
          The server makes a new key, and messages are written under it from now on. Nothing is lost: the
          present key goes on to open what was written under it, for whoever may read that. It stays in the
          audit log that you did it.
        </Text>
        <ProblemAlert error={rotate.error} />
        <DialogActions submit="Rotate key" busy={rotate.isPending} onCancel={onClose} />
      </Stack>
    </form>
  )
}

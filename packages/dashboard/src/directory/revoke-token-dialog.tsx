import { Modal, Stack, Text } from '@mantine/core'
import type { FormEvent } from 'react'
import { type SignUpToken, useDeleteSignUpToken } from '../api/sign-up-tokens.ts'
import { DialogActions } from '../parts/dialog-actions.tsx'
import { ProblemAlert } from '../parts/problem-alert.tsx'

interface RevokeTokenDialogProps {
  readonly applicationId: string
  readonly token: SignUpToken | undefined
  readonly opened: boolean
  readonly onClose: () => void
}

export function RevokeTokenDialog({ applicationId, token, opened, onClose }: RevokeTokenDialogProps) {
  return (
    <Modal opened={opened && token !== undefined} onClose={onClose} title="Revoke sign-up token" size="md">
      {token !== undefined && (
        <RevokeTokenForm applicationId={applicationId} token={token} onClose={onClose} />
      )}
    </Modal>
  )
}

interface RevokeTokenFormProps {
  readonly applicationId: string
  readonly token: SignUpToken
  readonly onClose: () => void
}

function RevokeTokenForm({ applicationId, token, onClose }: RevokeTokenFormProps) {
  const remove = useDeleteSignUpToken(applicationId)
  const submit = (event: FormEvent): void => {
    event.preventDefault()
    remove.mutate(token.id, { onSuccess: onClose })
  }
  return (
    <form onSubmit={submit}>
      <Stack gap="md">
        <Text size="sm">
          Nobody can enroll as <strong>{token.username}</strong> with it any more. If they still should, issue
          another.
        </Text>
        <ProblemAlert error={remove.error} />
        <DialogActions danger submit="Revoke token" busy={remove.isPending} onCancel={onClose} />
      </Stack>
    </form>
  )
}

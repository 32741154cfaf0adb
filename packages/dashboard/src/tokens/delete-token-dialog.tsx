import { Modal, Stack, Text } from '@mantine/core'
import type { FormEvent } from 'react'
import { type ApiToken, useDeleteToken } from '../api/tokens.ts'
import { DialogActions } from '../parts/dialog-actions.tsx'
import { ProblemAlert } from '../parts/problem-alert.tsx'

interface DeleteTokenDialogProps {
  readonly token: ApiToken | undefined
  readonly opened: boolean
  readonly onClose: () => void
}

export function DeleteTokenDialog({ token, opened, onClose }: DeleteTokenDialogProps) {
  return (
    <Modal opened={opened && token !== undefined} onClose={onClose} title="Delete token" size="md">
      {token !== undefined && <DeleteTokenForm token={token} onClose={onClose} />}
    </Modal>
  )
}

function DeleteTokenForm({ token, onClose }: { readonly token: ApiToken; readonly onClose: () => void }) {
  const remove = useDeleteToken()
  const submit = (event: FormEvent): void => {
    event.preventDefault()
    remove.mutate(token.id, { onSuccess: onClose })
  }
  return (
    <form onSubmit={submit}>
      <Stack gap="md">
        <Text size="sm">
          Whatever uses the token <strong>{token.name}</strong> is refused from now on. This cannot be undone.
        </Text>
        <ProblemAlert error={remove.error} />
        <DialogActions danger submit="Delete token" busy={remove.isPending} onCancel={onClose} />
      </Stack>
    </form>
  )
}

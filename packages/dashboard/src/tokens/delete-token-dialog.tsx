import { Modal } from '@mantine/core'
import { type ApiToken, useDeleteToken } from '../api/tokens.ts'
import { RemovalForm } from '../parts/removal-form.tsx'

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
  return (
    <RemovalForm remove={useDeleteToken()} id={token.id} submit="Delete token" onClose={onClose}>
      Whatever uses the token <strong>{token.name}</strong> is refused from now on. This cannot be undone.
    </RemovalForm>
  )
}

import { Modal } from '@mantine/core'
import { type SignUpToken, useDeleteSignUpToken } from '../api/sign-up-tokens.ts'
import { RemovalForm } from '../parts/removal-form.tsx'

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
  return (
    <RemovalForm remove={remove} id={token.id} submit="Revoke token" onClose={onClose}>
      Nobody can enroll as <strong>{token.username}</strong> with it any more. If they still should, issue
      another.
    </RemovalForm>
  )
}

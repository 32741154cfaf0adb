import { Modal } from '@mantine/core'
import { useState } from 'react'
import type { IssuedSignUpToken } from '../api/sign-up-tokens.ts'
import { IssueTokenForm } from './issue-token-form.tsx'
import { IssuedTokenNotice } from './issued-token-notice.tsx'

interface IssueTokenDialogProps {
  readonly applicationId: string
  /** Given where it is known already whom the token is for. */
  readonly username?: string
  readonly opened: boolean
  readonly onClose: () => void
}

/** The form, then the token itself, once. While it is shown, a stray click does not close the dialog. */
export function IssueTokenDialog({ applicationId, username, opened, onClose }: IssueTokenDialogProps) {
  const [issued, setIssued] = useState<IssuedSignUpToken>()
  const close = (): void => {
    setIssued(undefined)
    onClose()
  }
  return (
    <Modal
      opened={opened}
      onClose={close}
      title={issued === undefined ? 'Issue sign-up token' : `Sign-up token for ${issued.username}`}
      closeOnClickOutside={issued === undefined}
      closeOnEscape={issued === undefined}
    >
      {issued === undefined ? (
        <IssueTokenForm
          applicationId={applicationId}
          username={username}
          onIssued={setIssued}
          onCancel={close}
        />
      ) : (
        <IssuedTokenNotice applicationId={applicationId} issued={issued} onDone={close} />
      )}
    </Modal>
  )
}

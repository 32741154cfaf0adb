import { Modal } from '@mantine/core'
import { useState } from 'react'
import type { CreatedToken } from '../api/tokens.ts'
import { CreateTokenForm } from './create-token-form.tsx'
import { NewTokenNotice } from './new-token-notice.tsx'

interface CreateTokenDialogProps {
  readonly opened: boolean
  readonly onClose: () => void
}

/** The form, then the token itself, once. While it is shown, a stray click does not close the dialog. */
export function CreateTokenDialog({ opened, onClose }: CreateTokenDialogProps) {
  const [created, setCreated] = useState<CreatedToken>()
  const close = (): void => {
    setCreated(undefined)
    onClose()
  }
  return (
    <Modal
      opened={opened}
      onClose={close}
      title={created === undefined ? 'Create token' : `Token ${created.name}`}
      closeOnClickOutside={created === undefined}
      closeOnEscape={created === undefined}
    >
      {created === undefined ? (
        <CreateTokenForm onCreated={setCreated} onCancel={close} />
      ) : (
        <NewTokenNotice created={created} onDone={close} />
      )}
    </Modal>
  )
}

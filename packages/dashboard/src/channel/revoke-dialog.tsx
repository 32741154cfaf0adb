import { Modal } from '@mantine/core'
import type { E2eKey } from '../api/e2e-keys.ts'
import { RevokeForm } from './revoke-form.tsx'

interface RevokeDialogProps {
  readonly e2eKey: E2eKey | undefined
  /** No other key could open a call once this one is gone. */
  readonly lastLive: boolean
  readonly opened: boolean
  readonly onClose: () => void
}

export function RevokeDialog({ e2eKey, lastLive, opened, onClose }: RevokeDialogProps) {
  return (
    <Modal
      opened={opened && e2eKey !== undefined}
      onClose={onClose}
      title={`Revoke key ${e2eKey?.keyId ?? ''}`}
    >
      {e2eKey !== undefined && <RevokeForm e2eKey={e2eKey} lastLive={lastLive} onClose={onClose} />}
    </Modal>
  )
}

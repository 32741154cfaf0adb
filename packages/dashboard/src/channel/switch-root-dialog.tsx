import { Modal } from '@mantine/core'
import type { Trust } from '../api/trust.ts'
import { SwitchRootForm } from './switch-root-form.tsx'

interface SwitchRootDialogProps {
  readonly applicationId: string
  readonly trust: Trust
  readonly opened: boolean
  readonly onClose: () => void
}

export function SwitchRootDialog({ opened, ...form }: SwitchRootDialogProps) {
  return (
    <Modal opened={opened} onClose={form.onClose} title="Switch to the spare root">
      <SwitchRootForm {...form} />
    </Modal>
  )
}

import { Button } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { useMay } from '../api/session.ts'
import type { Trust } from '../api/trust.ts'
import { SwitchRootDialog } from './switch-root-dialog.tsx'

interface SwitchRootButtonProps {
  readonly applicationId: string
  readonly trust: Trust
}

/** For roots on this server: an offline spare is switched to by the delegation that it signs. */
export function SwitchRootButton({ applicationId, trust }: SwitchRootButtonProps) {
  const [opened, dialog] = useDisclosure(false)
  const maySwitch = useMay('admin')
  if (trust.mode === 'offline' || !maySwitch) return null
  return (
    <>
      <Button size="compact-md" variant="default" mt="md" onClick={dialog.open}>
        Switch to the spare root…
      </Button>
      <SwitchRootDialog applicationId={applicationId} trust={trust} opened={opened} onClose={dialog.close} />
    </>
  )
}

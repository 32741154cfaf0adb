import { Alert, Button, Text } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { useMay } from '../api/session.ts'
import type { Trust } from '../api/trust.ts'
import { Icon } from '../parts/icon.tsx'
import { DelegationDialog } from './delegation-dialog.tsx'

/** Two weeks to find whoever holds the root key. */
const WARN_BEFORE_MS = 14 * 86_400_000

interface DelegationNoticeProps {
  readonly applicationId: string
  readonly trust: Trust
}

/** For an offline root: whether its delegation holds, and the way to install the next one. */
export function DelegationNotice({ applicationId, trust }: DelegationNoticeProps) {
  const [opened, dialog] = useDisclosure(false)
  const mayInstall = useMay('key-manager')
  if (trust.mode === 'online') return null
  const end = trust.delegationExpiresAt
  const pressing = end === null || Date.parse(end) - Date.now() < WARN_BEFORE_MS
  return (
    <>
      <Alert
        color={pressing ? 'orange' : 'blue'}
        icon={<Icon name={pressing ? 'alert' : 'shield'} />}
        title={delegationTitle(end)}
      >
        <Text size="sm">
          The root key of this application is offline. It signs, for 90 days at most, that this server may
          publish the keys. Without that, clients that trust the manifest stop working when their copy
          expires.
        </Text>
        {mayInstall && (
          <Button size="compact-md" mt="sm" onClick={dialog.open}>
            Install a delegation
          </Button>
        )}
      </Alert>
      <DelegationDialog applicationId={applicationId} trust={trust} opened={opened} onClose={dialog.close} />
    </>
  )
}

function delegationTitle(end: string | null): string {
  if (end === null) return 'No delegation yet'
  return Date.parse(end) < Date.now() ? 'The delegation has ended' : 'Renew the delegation in time'
}

import { Modal, Stack, Text, Title } from '@mantine/core'
import type { E2eKey } from '../api/e2e-keys.ts'
import { KeyFacts } from './key-facts.tsx'
import { KeyHistory } from './key-history.tsx'
import { PublicKeyFormats } from './public-key-formats.tsx'
import { shortSuite } from './suite-label.ts'

interface KeyDetailsDialogProps {
  readonly e2eKey: E2eKey | undefined
  readonly opened: boolean
  readonly onClose: () => void
}

/** A key's public part in every form an app may want it, its dates, and who did what to it. */
export function KeyDetailsDialog({ e2eKey, opened, onClose }: KeyDetailsDialogProps) {
  const title = e2eKey === undefined ? '' : `Key ${e2eKey.keyId}, ${shortSuite(e2eKey.suiteName)}`
  return (
    <Modal opened={opened && e2eKey !== undefined} onClose={onClose} title={title} size="xl">
      {e2eKey !== undefined && (
        <Stack gap="lg">
          {e2eKey.state === 'revoked' ? (
            <Text size="sm">This key is revoked and opens nothing. Its public part stays on record.</Text>
          ) : (
            <PublicKeyFormats e2eKey={e2eKey} />
          )}
          <KeyFacts e2eKey={e2eKey} />
          <div>
            <Title order={3} size="h5" mb="sm">
              History
            </Title>
            <KeyHistory history={e2eKey.history} />
          </div>
        </Stack>
      )}
    </Modal>
  )
}

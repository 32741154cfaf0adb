import { Button, Modal, Skeleton, Stack, Text } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { useVerifyAudit } from '../api/audit.ts'
import { ProblemAlert } from '../parts/problem-alert.tsx'
import { AuditVerdictNotice } from './audit-verdict-notice.tsx'

/** Has the server walk the whole chain of hashes, and shows what it found. */
export function AuditVerification() {
  const [opened, dialog] = useDisclosure(false)
  const verify = useVerifyAudit()
  const start = (): void => {
    dialog.open()
    verify.mutate()
  }
  return (
    <>
      <Button variant="default" onClick={start}>
        Verify the log
      </Button>
      <Modal opened={opened} onClose={dialog.close} title="Verify the log">
        <Stack gap="md">
          {verify.isPending && (
            <>
              <Text size="sm" role="status">
                The server is walking the chain…
              </Text>
              <Skeleton height={90} radius="md" />
            </>
          )}
          <ProblemAlert error={verify.error} onRetry={() => verify.mutate()} />
          {verify.data !== undefined && <AuditVerdictNotice verdict={verify.data} />}
        </Stack>
      </Modal>
    </>
  )
}

import { Button, Modal, Progress, Stack, Text } from '@mantine/core'
import { useDisclosure, useInterval } from '@mantine/hooks'
import { useState } from 'react'
import { useCheckLog } from '../api/directory-log.ts'
import { Icon } from '../parts/icon.tsx'
import { ProblemAlert } from '../parts/problem-alert.tsx'
import { LogVerdictNotice } from './log-verdict-notice.tsx'

interface LogCheckProps {
  readonly applicationId: string
  /** Entries that there are to hash. */
  readonly size: number
}

/** Has the server hash the whole log anew, and shows whether it comes to the root that it signed. */
export function LogCheck({ applicationId, size }: LogCheckProps) {
  const [opened, dialog] = useDisclosure(false)
  const check = useCheckLog(applicationId)
  const start = (): void => {
    dialog.open()
    if (!check.isPending) check.mutate()
  }
  return (
    <>
      <Button variant="default" leftSection={<Icon name="check" />} onClick={start}>
        Check the log
      </Button>
      <Modal opened={opened} onClose={dialog.close} title="Check the log">
        <Stack gap="md">
          {check.isPending && <CheckProgress size={size} />}
          <ProblemAlert error={check.error} onRetry={() => check.mutate()} />
          {check.data !== undefined && <LogVerdictNotice verdict={check.data} />}
        </Stack>
      </Modal>
    </>
  )
}

const SECOND_MS = 1_000

/** The server says nothing until it is through; what shows meanwhile is that time goes on. */
function CheckProgress({ size }: { readonly size: number }) {
  const [seconds, setSeconds] = useState(0)
  useInterval(() => setSeconds((passed) => passed + 1), SECOND_MS, { autoInvoke: true })
  return (
    <>
      <Text size="sm" role="status">
        The server hashes {size.toLocaleString()} {size === 1 ? 'entry' : 'entries'} anew. You may close this
        and go on; it does no harm.
      </Text>
      <Progress.Root>
        {/* Nobody knows how far it is, so it has a role and no value. */}
        <Progress.Section
          value={100}
          animated
          withAria={false}
          role="progressbar"
          aria-label="Checking the log"
        />
      </Progress.Root>
      <Text size="sm" c="dimmed">
        {seconds} s
      </Text>
    </>
  )
}

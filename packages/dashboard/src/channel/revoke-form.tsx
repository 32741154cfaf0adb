import { Group, Text } from '@mantine/core'
import { useState } from 'react'
import { type E2eKey, useRevokeKey } from '../api/e2e-keys.ts'
import { type UsageWindow, useUsage } from '../api/usage.ts'
import { ConfirmationForm } from '../parts/confirmation-form.tsx'
import { ProblemAlert } from '../parts/problem-alert.tsx'
import { VerdictNotice } from './verdict-notice.tsx'
import { WindowControl } from './window-control.tsx'

interface RevokeFormProps {
  readonly e2eKey: E2eKey
  readonly lastLive: boolean
  readonly onClose: () => void
}

const LAST_LIVE = {
  label: 'This is the last live key. I know that every call of this application fails until I add another.',
  advice: 'Tick this, or add another key first',
}

/** The verdict comes first, then what has to be given before anything is sent. */
export function RevokeForm({ e2eKey, lastLive, onClose }: RevokeFormProps) {
  const [window, setWindow] = useState<UsageWindow>('7d')
  const usage = useUsage(e2eKey.applicationId, window)
  const revoke = useRevokeKey(e2eKey)
  const verdict = usage.data?.keys.find((key) => key.id === e2eKey.id)?.verdict
  return (
    <ConfirmationForm
      subject={{ kind: 'key', id: String(e2eKey.keyId) }}
      consent={lastLive ? LAST_LIVE : undefined}
      submit={`Revoke key ${e2eKey.keyId}`}
      busy={revoke.isPending}
      error={revoke.error}
      onConfirmed={(reason) =>
        revoke.mutate({ reason, ...(lastLive ? { force: true } : {}) }, { onSuccess: onClose })
      }
      onCancel={onClose}
    >
      <Group justify="space-between" gap="xs">
        <Text size="sm">Judged by the calls of the last</Text>
        <WindowControl value={window} onChange={setWindow} />
      </Group>
      {usage.isError ? (
        <ProblemAlert error={usage.error} onRetry={() => usage.refetch()} />
      ) : (
        <VerdictNotice verdict={verdict} />
      )}
      <Text size="sm">
        From that moment on the key opens nothing, in any process. Its private part is erased. This cannot be
        undone, not even from a backup.
      </Text>
    </ConfirmationForm>
  )
}

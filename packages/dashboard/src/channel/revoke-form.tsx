import { Checkbox, Group, Stack, Text, Textarea, TextInput } from '@mantine/core'
import { type FormEvent, useRef, useState } from 'react'
import { type E2eKey, useRevokeKey } from '../api/e2e-keys.ts'
import { type UsageWindow, useUsage } from '../api/usage.ts'
import { DialogActions } from '../parts/dialog-actions.tsx'
import { ProblemAlert } from '../parts/problem-alert.tsx'
import { checkRevocation, type RevocationDraft, type RevocationErrors } from './revocation-draft.ts'
import { VerdictNotice } from './verdict-notice.tsx'
import { WindowControl } from './window-control.tsx'

interface RevokeFormProps {
  readonly e2eKey: E2eKey
  readonly lastLive: boolean
  readonly onClose: () => void
}

const REASON_MAX = 500

/** Nothing is sent before the verdict was on the screen and the key's id, a reason and any consent were given. */
export function RevokeForm({ e2eKey, lastLive, onClose }: RevokeFormProps) {
  const [window, setWindow] = useState<UsageWindow>('7d')
  const [draft, setDraft] = useState<RevocationDraft>({ keyId: '', reason: '', consent: false })
  const [errors, setErrors] = useState<RevocationErrors>({})
  const form = useRef<HTMLFormElement>(null)
  const usage = useUsage(e2eKey.applicationId, window)
  const revoke = useRevokeKey(e2eKey)
  const verdict = usage.data?.keys.find((key) => key.id === e2eKey.id)?.verdict
  const change = (part: Partial<RevocationDraft>): void => setDraft((before) => ({ ...before, ...part }))
  const submit = (event: FormEvent): void => {
    event.preventDefault()
    const found = checkRevocation(draft, e2eKey, lastLive)
    setErrors(found)
    const first = (['keyId', 'reason', 'consent'] as const).find((field) => found[field] !== undefined)
    if (first !== undefined) {
      form.current?.querySelector<HTMLElement>(`[name="${first}"]`)?.focus()
      return
    }
    revoke.mutate(
      { reason: draft.reason.trim(), ...(lastLive ? { force: true } : {}) },
      { onSuccess: onClose },
    )
  }
  return (
    <form onSubmit={submit} noValidate ref={form}>
      <Stack gap="md">
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
          From that moment on the key opens nothing, in any process. Its private part is erased. This cannot
          be undone, not even from a backup.
        </Text>
        <TextInput
          name="keyId"
          label={`Type the key id, ${e2eKey.keyId}, to confirm`}
          required
          data-autofocus
          autoComplete="off"
          inputMode="numeric"
          value={draft.keyId}
          error={errors.keyId}
          onChange={(event) => change({ keyId: event.currentTarget.value })}
        />
        <Textarea
          name="reason"
          label="Reason"
          description="It stays in the audit log."
          required
          autosize
          minRows={2}
          maxLength={REASON_MAX}
          value={draft.reason}
          error={errors.reason}
          onChange={(event) => change({ reason: event.currentTarget.value })}
        />
        {lastLive && (
          <Checkbox
            name="consent"
            label="This is the last live key. I know that every call of this application fails until I add another."
            checked={draft.consent}
            error={errors.consent}
            onChange={(event) => change({ consent: event.currentTarget.checked })}
          />
        )}
        <ProblemAlert error={revoke.error} />
        <DialogActions
          danger
          submit={`Revoke key ${e2eKey.keyId}`}
          busy={revoke.isPending}
          onCancel={onClose}
        />
      </Stack>
    </form>
  )
}

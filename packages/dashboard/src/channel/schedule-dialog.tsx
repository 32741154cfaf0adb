import { Modal, Stack, Text, TextInput } from '@mantine/core'
import { type FormEvent, useState } from 'react'
import { type E2eKey, useScheduleKey } from '../api/e2e-keys.ts'
import { DialogActions } from '../parts/dialog-actions.tsx'
import { isoToMoment } from '../parts/local-moment.ts'
import { ProblemAlert } from '../parts/problem-alert.tsx'
import { scheduleChanges } from './schedule-changes.ts'

interface ScheduleDialogProps {
  readonly e2eKey: E2eKey | undefined
  readonly opened: boolean
  readonly onClose: () => void
}

export function ScheduleDialog({ e2eKey, opened, onClose }: ScheduleDialogProps) {
  return (
    <Modal
      opened={opened && e2eKey !== undefined}
      onClose={onClose}
      title={`Schedule key ${e2eKey?.keyId ?? ''}`}
    >
      {e2eKey !== undefined && <ScheduleForm e2eKey={e2eKey} onClose={onClose} />}
    </Modal>
  )
}

function ScheduleForm({ e2eKey, onClose }: { readonly e2eKey: E2eKey; readonly onClose: () => void }) {
  const [activate, setActivate] = useState(isoToMoment(e2eKey.activateAt))
  const [end, setEnd] = useState(isoToMoment(e2eKey.endAt))
  const schedule = useScheduleKey(e2eKey)
  const submit = (event: FormEvent): void => {
    event.preventDefault()
    const changes = scheduleChanges(e2eKey, activate, end)
    if (Object.keys(changes).length === 0) onClose()
    else schedule.mutate(changes, { onSuccess: onClose })
  }
  return (
    <form onSubmit={submit} noValidate>
      <Stack gap="md">
        {e2eKey.state === 'pending' && (
          <TextInput
            type="datetime-local"
            label="Activation, your local time"
            description="From then on clients are told to use this key."
            value={activate}
            onChange={(event) => setActivate(event.currentTarget.value)}
          />
        )}
        <TextInput
          type="datetime-local"
          label="End, your local time"
          description="At this moment the key is revoked. Leave it empty to revoke by hand."
          value={end}
          onChange={(event) => setEnd(event.currentTarget.value)}
        />
        <Text size="sm" c="dimmed">
          Look at the key’s adoption before you set an end: apps that pin it and are not updated by then stop
          working.
        </Text>
        <ProblemAlert error={schedule.error} />
        <DialogActions submit="Save schedule" busy={schedule.isPending} onCancel={onClose} />
      </Stack>
    </form>
  )
}

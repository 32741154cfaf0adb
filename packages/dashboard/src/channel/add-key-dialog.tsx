import { Modal, Radio, Stack, Text, TextInput } from '@mantine/core'
import { type FormEvent, useState } from 'react'
import { type SuiteName, useAddKey } from '../api/e2e-keys.ts'
import { DialogActions } from '../parts/dialog-actions.tsx'
import { momentToIso } from '../parts/local-moment.ts'
import { ProblemAlert } from '../parts/problem-alert.tsx'
import { SuiteSelect } from './suite-select.tsx'

interface AddKeyDialogProps {
  readonly applicationId: string
  readonly opened: boolean
  readonly onClose: () => void
}

export function AddKeyDialog({ applicationId, opened, onClose }: AddKeyDialogProps) {
  return (
    <Modal opened={opened} onClose={onClose} title="Add key">
      <AddKeyForm applicationId={applicationId} onClose={onClose} />
    </Modal>
  )
}

function AddKeyForm({ applicationId, onClose }: Omit<AddKeyDialogProps, 'opened'>) {
  const [suite, setSuite] = useState<SuiteName>('x-wing')
  const [when, setWhen] = useState<'now' | 'later'>('now')
  const [moment, setMoment] = useState('')
  const [momentError, setMomentError] = useState<string>()
  const add = useAddKey(applicationId)
  const submit = (event: FormEvent): void => {
    event.preventDefault()
    const activateAt = when === 'later' ? momentToIso(moment) : undefined
    const missing = when === 'later' && activateAt === undefined
    setMomentError(missing ? 'Choose the day and the time' : undefined)
    if (missing) return
    add.mutate({ suite, ...(activateAt === undefined ? {} : { activateAt }) }, { onSuccess: onClose })
  }
  return (
    <form onSubmit={submit} noValidate>
      <Stack gap="md">
        <Text size="sm" c="dimmed">
          Apps that trust a signed manifest move to the new key by themselves. Apps with pinned keys move with
          their next release. The key in use goes on opening calls until you revoke it.
        </Text>
        <SuiteSelect label="Suite" value={suite} onChange={setSuite} />
        <Radio.Group
          label="Activation"
          value={when}
          onChange={(next) => setWhen(next === 'later' ? 'later' : 'now')}
        >
          <Stack gap={8} mt={8}>
            <Radio value="now" label="As soon as every server process has it" />
            <Radio
              value="later"
              label="At a date"
              description="Until then you can copy its public key into the next release of the app."
            />
          </Stack>
        </Radio.Group>
        {when === 'later' && (
          <TextInput
            type="datetime-local"
            label="Activation date, your local time"
            required
            value={moment}
            error={momentError}
            onChange={(event) => setMoment(event.currentTarget.value)}
          />
        )}
        <ProblemAlert error={add.error} />
        <DialogActions submit="Add key" busy={add.isPending} onCancel={onClose} />
      </Stack>
    </form>
  )
}

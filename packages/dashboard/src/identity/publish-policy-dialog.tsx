import { Modal, Stack, Text, TextInput } from '@mantine/core'
import { type FormEvent, useState } from 'react'
import { type PolicyDetails, usePublishPolicy } from '../api/identity-policies.ts'
import { DialogActions } from '../parts/dialog-actions.tsx'
import { momentToIso } from '../parts/local-moment.ts'
import { ProblemAlert } from '../parts/problem-alert.tsx'

interface PublishPolicyDialogProps {
  readonly applicationId: string
  readonly policy: PolicyDetails
  readonly opened: boolean
  readonly onClose: () => void
}

export function PublishPolicyDialog({ opened, ...rest }: PublishPolicyDialogProps) {
  return (
    <Modal opened={opened} onClose={rest.onClose} title="Publish draft">
      <PublishForm {...rest} />
    </Modal>
  )
}

function PublishForm({ applicationId, policy, onClose }: Omit<PublishPolicyDialogProps, 'opened'>) {
  const publish = usePublishPolicy(applicationId, policy.id)
  const [until, setUntil] = useState('')
  const [past, setPast] = useState(false)
  const submit = (event: FormEvent): void => {
    event.preventDefault()
    const validUntil = momentToIso(until) ?? null
    const over = validUntil !== null && Date.parse(validUntil) <= Date.now()
    setPast(over)
    if (!over) publish.mutate({ validUntil }, { onSuccess: onClose })
  }
  return (
    <form onSubmit={submit} noValidate>
      <Stack gap="md">
        <Text size="sm">
          Version {policy.version + 1} counts from now on, for every partner that is approved for it.
          {policy.version > 0 && ` Shares that were made under version ${policy.version} end.`}
        </Text>
        <TextInput
          type="datetime-local"
          label="Ends, your local time"
          description="Empty: it does not end by itself."
          data-autofocus
          value={until}
          error={past && 'Choose a time that is still to come'}
          onChange={(event) => setUntil(event.currentTarget.value)}
        />
        <ProblemAlert error={publish.error} />
        <DialogActions submit="Publish" busy={publish.isPending} onCancel={onClose} />
      </Stack>
    </form>
  )
}

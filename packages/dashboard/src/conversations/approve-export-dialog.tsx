import { Alert, Checkbox, Modal, Stack, Text } from '@mantine/core'
import { type FormEvent, useState } from 'react'
import { type ConversationExport, useApproveExport } from '../api/conversations.ts'
import { DialogActions } from '../parts/dialog-actions.tsx'
import { FactList } from '../parts/fact-list.tsx'
import { Icon } from '../parts/icon.tsx'
import { ProblemAlert } from '../parts/problem-alert.tsx'
import { Time } from '../parts/time.tsx'

interface ApproveExportDialogProps {
  readonly applicationId: string
  readonly conversation: string
  /** Undefined until one was chosen. */
  readonly wanted: ConversationExport | undefined
  readonly opened: boolean
  readonly onClose: () => void
}

export function ApproveExportDialog({ wanted, opened, onClose, ...rest }: ApproveExportDialogProps) {
  return (
    <Modal opened={opened} onClose={onClose} title="Approve export">
      {wanted !== undefined && <ApproveExportForm {...rest} wanted={wanted} onClose={onClose} />}
    </Modal>
  )
}

interface ApproveExportFormProps extends Omit<ApproveExportDialogProps, 'opened' | 'wanted'> {
  readonly wanted: ConversationExport
}

function ApproveExportForm({ applicationId, conversation, wanted, onClose }: ApproveExportFormProps) {
  const approve = useApproveExport(applicationId, conversation)
  const [checked, setChecked] = useState(false)
  const [missing, setMissing] = useState(false)
  const submit = (event: FormEvent): void => {
    event.preventDefault()
    setMissing(!checked)
    if (checked) approve.mutate(wanted.id, { onSuccess: onClose })
  }
  return (
    <form onSubmit={submit} noValidate>
      <Stack gap="md">
        <Alert color="red" icon={<Icon name="alert" />} title="The keys of this conversation are handed out">
          <Text size="sm">
            Whoever has them reads what was written under them. It cannot be undone, and the members see a
            receipt of each key, with both your names.
          </Text>
        </Alert>
        <FactList
          facts={[
            { name: 'Asked by', value: wanted.requestedBy },
            { name: 'Asked', value: <Time at={wanted.requestedAt} /> },
            { name: 'Keys in use after', value: <Time at={wanted.from} absent="The first one" /> },
            { name: 'Keys made before', value: <Time at={wanted.to} absent="The newest one" /> },
            { name: 'Reason', value: wanted.reason, long: true },
          ]}
        />
        <Checkbox
          name="consent"
          data-autofocus
          label="I have checked the reason myself, and am another person than the one who asked."
          checked={checked}
          error={missing && !checked && 'Check it first: that is what the second operator is for'}
          onChange={(event) => setChecked(event.currentTarget.checked)}
        />
        <ProblemAlert error={approve.error} />
        <DialogActions danger submit="Approve export" busy={approve.isPending} onCancel={onClose} />
      </Stack>
    </form>
  )
}

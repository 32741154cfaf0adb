import { Modal, Stack, Text, Textarea, TextInput } from '@mantine/core'
import { useRequestExport } from '../api/conversations.ts'
import { DialogActions } from '../parts/dialog-actions.tsx'
import { ProblemAlert } from '../parts/problem-alert.tsx'
import { useCheckedForm } from '../parts/use-checked-form.ts'
import { checkExport, draftToExport, EMPTY_EXPORT, REASON_MAX_CHARS } from './export-draft.ts'

interface RequestExportDialogProps {
  readonly applicationId: string
  readonly conversation: string
  readonly opened: boolean
  readonly onClose: () => void
}

export function RequestExportDialog({ opened, onClose, ...rest }: RequestExportDialogProps) {
  return (
    <Modal opened={opened} onClose={onClose} title="Request export">
      <RequestExportForm {...rest} onClose={onClose} />
    </Modal>
  )
}

function RequestExportForm(props: Omit<RequestExportDialogProps, 'opened'>) {
  const { applicationId, conversation, onClose } = props
  const request = useRequestExport(applicationId, conversation)
  const { form, field } = useCheckedForm(EMPTY_EXPORT, checkExport, (draft) =>
    request.mutate(draftToExport(draft), { onSuccess: onClose }),
  )
  return (
    <form {...form}>
      <Stack gap="md">
        <Text size="sm">
          Nothing is handed out yet: a second operator, who is another person, must approve it. The members
          see a receipt of each key that is handed out.
        </Text>
        <Textarea
          label="Reason"
          description="Such as the number of the order. It stays in the audit log."
          required
          data-autofocus
          autosize
          minRows={2}
          maxLength={REASON_MAX_CHARS}
          {...field('reason')}
        />
        <TextInput
          type="datetime-local"
          label="Keys in use after, your local time"
          description="Empty: from the first one on."
          {...field('from')}
        />
        <TextInput
          type="datetime-local"
          label="Keys made before, your local time"
          description="Empty: up to the newest one."
          {...field('to')}
        />
        <ProblemAlert error={request.error} />
        <DialogActions submit="Request export" busy={request.isPending} onCancel={onClose} />
      </Stack>
    </form>
  )
}

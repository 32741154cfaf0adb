import { Alert, Button, Group, Modal, NativeSelect, Stack, TextInput } from '@mantine/core'
import { type FormEvent, useState } from 'react'
import { type IssuedApiKey, useIssueApiKey } from '../api/identity-partners.ts'
import { CodeBlock } from '../parts/code-block.tsx'
import { DialogActions } from '../parts/dialog-actions.tsx'
import { Icon } from '../parts/icon.tsx'
import { ProblemAlert } from '../parts/problem-alert.tsx'

interface IssueApiKeyDialogProps {
  readonly applicationId: string
  readonly partnerId: string
  /** Those that it is approved for. */
  readonly policies: readonly string[]
  readonly opened: boolean
  readonly onClose: () => void
}

/** The form, then the key itself, once. While it is shown, a stray click does not close the dialog. */
export function IssueApiKeyDialog({ opened, onClose, ...rest }: IssueApiKeyDialogProps) {
  const [issued, setIssued] = useState<IssuedApiKey>()
  const close = (): void => {
    setIssued(undefined)
    onClose()
  }
  return (
    <Modal
      opened={opened}
      onClose={close}
      title={issued === undefined ? 'Issue API key' : `API key ${issued.label}`}
      closeOnClickOutside={issued === undefined}
      closeOnEscape={issued === undefined}
    >
      {issued === undefined ? (
        <IssueForm {...rest} onIssued={setIssued} onCancel={close} />
      ) : (
        <Stack gap="md">
          <Alert role="status" color="orange" icon={<Icon name="alert" />} title="Copy it now">
            It is shown this once: only its hash is kept. Send it to {issued.partnerId} on a way that only
            they can read.
          </Alert>
          <CodeBlock label="API key" code={issued.key} />
          <Group justify="flex-end">
            <Button onClick={close}>I have stored it</Button>
          </Group>
        </Stack>
      )}
    </Modal>
  )
}

interface IssueFormProps extends Pick<IssueApiKeyDialogProps, 'applicationId' | 'partnerId' | 'policies'> {
  readonly onIssued: (key: IssuedApiKey) => void
  readonly onCancel: () => void
}

const DAYS_MAX = 1_826
const DAYS_DEFAULT = 365
const LABEL_MAX_CHARS = 64

function IssueForm({ applicationId, partnerId, policies, onIssued, onCancel }: IssueFormProps) {
  const [policyId, setPolicyId] = useState(policies[0] ?? '')
  const [label, setLabel] = useState('')
  const [days, setDays] = useState(String(DAYS_DEFAULT))
  const [faults, setFaults] = useState<{ readonly label?: string; readonly days?: string }>({})
  const issue = useIssueApiKey(applicationId, partnerId)
  const submit = (event: FormEvent): void => {
    event.preventDefault()
    const number = Number(days)
    const goodDays = Number.isInteger(number) && number >= 1 && number <= DAYS_MAX
    const goodLabel = label.trim() !== ''
    setFaults({
      ...(goodLabel ? {} : { label: 'Give it a name' }),
      ...(goodDays ? {} : { days: `A whole number from 1 to ${DAYS_MAX.toLocaleString()}` }),
    })
    if (!goodDays || !goodLabel) return
    issue.mutate({ policyId, label: label.trim(), days: number }, { onSuccess: onIssued })
  }
  return (
    <form onSubmit={submit} noValidate>
      <Stack gap="md">
        <NativeSelect
          label="Policy"
          value={policyId}
          onChange={(event) => setPolicyId(event.currentTarget.value)}
          data={[...policies]}
        />
        <TextInput
          label="Label"
          description="To tell it from others of this partner, such as the name of a branch."
          required
          data-autofocus
          autoComplete="off"
          maxLength={LABEL_MAX_CHARS}
          value={label}
          error={faults.label}
          onChange={(event) => setLabel(event.currentTarget.value)}
        />
        <TextInput
          label="Days until it expires"
          inputMode="numeric"
          autoComplete="off"
          value={days}
          error={faults.days}
          onChange={(event) => setDays(event.currentTarget.value)}
        />
        <ProblemAlert error={issue.error} />
        <DialogActions submit="Issue API key" busy={issue.isPending} onCancel={onCancel} />
      </Stack>
    </form>
  )
}

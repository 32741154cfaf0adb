import { Modal, Stack, Text } from '@mantine/core'
import { type FormEvent, useState } from 'react'
import { type PolicyDetails, useRevisePolicy } from '../api/identity-policies.ts'
import { DialogActions } from '../parts/dialog-actions.tsx'
import { ProblemAlert } from '../parts/problem-alert.tsx'
import { prettyJson, readDocument } from './policy-document.ts'
import { PolicyText } from './policy-text.tsx'

interface RevisePolicyDialogProps {
  readonly applicationId: string
  readonly policy: PolicyDetails
  readonly opened: boolean
  readonly onClose: () => void
}

export function RevisePolicyDialog({ opened, ...rest }: RevisePolicyDialogProps) {
  return (
    <Modal opened={opened} onClose={rest.onClose} title="Upload the next version">
      <ReviseForm {...rest} />
    </Modal>
  )
}

function ReviseForm({ applicationId, policy, onClose }: Omit<RevisePolicyDialogProps, 'opened'>) {
  const revise = useRevisePolicy(applicationId, policy.id)
  const [text, setText] = useState(() => prettyJson(policy.draft || policy.body))
  const [fault, setFault] = useState<string>()
  const submit = (event: FormEvent): void => {
    event.preventDefault()
    const read = readDocument(text)
    setFault('fault' in read ? read.fault : undefined)
    if ('document' in read) revise.mutate(read.document, { onSuccess: onClose })
  }
  return (
    <form onSubmit={submit} noValidate>
      <Stack gap="md">
        <Text size="sm">It is a draft until it is published. What is published stays until then.</Text>
        <PolicyText text={text} error={fault ?? revise.isError} onChange={setText} />
        <ProblemAlert error={revise.error} />
        <DialogActions submit="Upload as a draft" busy={revise.isPending} onCancel={onClose} />
      </Stack>
    </form>
  )
}

import { Modal, NativeSelect, Stack, TextInput } from '@mantine/core'
import { type FormEvent, useState } from 'react'
import { POLICY_TYPES, type PolicyType, useDefinePolicy, usePolicyGroups } from '../api/identity-policies.ts'
import { DialogActions } from '../parts/dialog-actions.tsx'
import { ProblemAlert } from '../parts/problem-alert.tsx'
import { readDocument } from './policy-document.ts'
import { PolicyText } from './policy-text.tsx'

interface UploadPolicyDialogProps {
  readonly applicationId: string
  readonly opened: boolean
  readonly onClose: () => void
}

export function UploadPolicyDialog({ applicationId, opened, onClose }: UploadPolicyDialogProps) {
  return (
    <Modal opened={opened} onClose={onClose} title="Upload policy">
      <UploadForm applicationId={applicationId} onClose={onClose} />
    </Modal>
  )
}

const ID = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/
const TEXT_MAX_CHARS = 128

function UploadForm({ applicationId, onClose }: Omit<UploadPolicyDialogProps, 'opened'>) {
  const groups = usePolicyGroups(applicationId)
  const groupIds = groups.data?.pages.flatMap((page) => page.items.map(({ id }) => id)) ?? []
  const define = useDefinePolicy(applicationId)
  const [id, setId] = useState('')
  const [chosenGroup, setGroup] = useState('')
  const [type, setType] = useState<PolicyType>('DataShare')
  const [description, setDescription] = useState('')
  const [text, setText] = useState('')
  const [faults, setFaults] = useState<{ readonly id?: string; readonly text?: string }>({})
  const groupId = chosenGroup || (groupIds[0] ?? '')
  const submit = (event: FormEvent): void => {
    event.preventDefault()
    const read = readDocument(text)
    const badId = !ID.test(id) && 'Letters, digits, “.”, “_” and “-”, at most 64, first a letter or digit'
    setFaults({ ...(badId ? { id: badId } : {}), ...('fault' in read ? { text: read.fault } : {}) })
    if (badId || 'fault' in read) return
    const { document } = read
    define.mutate({ id, groupId, name: id, description, type, document }, { onSuccess: onClose })
  }
  return (
    <form onSubmit={submit} noValidate>
      <Stack gap="md">
        <TextInput
          label="Policy id"
          description="It never changes; it is its name, too."
          required
          data-autofocus
          autoComplete="off"
          spellCheck={false}
          value={id}
          error={faults.id}
          onChange={(event) => setId(event.currentTarget.value)}
        />
        <NativeSelect
          label="Policy group"
          description="Partners of this group can ask for it."
          value={groupId}
          onChange={(event) => setGroup(event.currentTarget.value)}
          data={groupIds}
          error={
            groups.isSuccess &&
            groupIds.length === 0 &&
            'There is none yet: add MOSIP’s policies first, which brings some'
          }
        />
        <NativeSelect
          label="Type"
          value={type}
          onChange={(event) => setType(event.currentTarget.value as PolicyType)}
          data={[...POLICY_TYPES]}
        />
        <TextInput
          label="Description"
          maxLength={TEXT_MAX_CHARS}
          value={description}
          onChange={(event) => setDescription(event.currentTarget.value)}
        />
        <PolicyText text={text} error={faults.text ?? define.isError} onChange={setText} />
        <ProblemAlert error={groups.error ?? define.error} />
        <DialogActions submit="Upload as a draft" busy={define.isPending} onCancel={onClose} />
      </Stack>
    </form>
  )
}

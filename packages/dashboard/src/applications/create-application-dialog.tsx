import { Modal, Stack, TextInput } from '@mantine/core'
import { type FormEvent, useState } from 'react'
import { useLocation } from 'wouter'
import { useCreateApplication } from '../api/applications.ts'
import { SuiteSelect } from '../channel/suite-select.tsx'
import { DialogActions } from '../parts/dialog-actions.tsx'
import { ProblemAlert } from '../parts/problem-alert.tsx'
import {
  type ApplicationDraft,
  checkDraft,
  type DraftErrors,
  draftToApplication,
  EMPTY_DRAFT,
} from './application-draft.ts'
import { idFromName } from './application-id.ts'
import { applicationPath } from './application-path.ts'
import { RootFields } from './root-fields.tsx'

interface CreateApplicationDialogProps {
  readonly opened: boolean
  readonly onClose: () => void
}

export function CreateApplicationDialog({ opened, onClose }: CreateApplicationDialogProps) {
  return (
    <Modal opened={opened} onClose={onClose} title="Create application">
      <CreateApplicationForm onClose={onClose} />
    </Modal>
  )
}

function CreateApplicationForm({ onClose }: { readonly onClose: () => void }) {
  const [draft, setDraft] = useState<ApplicationDraft>(EMPTY_DRAFT)
  const [idTyped, setIdTyped] = useState(false)
  const [errors, setErrors] = useState<DraftErrors>({})
  const [, navigate] = useLocation()
  const create = useCreateApplication()
  const change = (part: Partial<ApplicationDraft>): void => setDraft((before) => ({ ...before, ...part }))
  const submit = (event: FormEvent): void => {
    event.preventDefault()
    const found = checkDraft(draft)
    setErrors(found)
    if (Object.keys(found).length > 0) return
    create.mutate(draftToApplication(draft), {
      onSuccess: (application) => {
        onClose()
        navigate(applicationPath(application.id, draft.root === 'offline' ? 'trust' : 'keys'))
      },
    })
  }
  return (
    <form onSubmit={submit} noValidate>
      <Stack gap="md">
        <TextInput
          label="Name"
          description="For people. It can be anything."
          placeholder="Bank app"
          data-autofocus
          maxLength={100}
          value={draft.name}
          onChange={({ currentTarget: { value } }) =>
            change(idTyped ? { name: value } : { name: value, id: idFromName(value) })
          }
        />
        <TextInput
          label="Id"
          description="Part of the address that the app calls. It cannot be changed later."
          placeholder="bank-app"
          required
          value={draft.id}
          error={errors.id}
          spellCheck={false}
          autoCapitalize="none"
          onChange={({ currentTarget: { value } }) => {
            setIdTyped(true)
            change({ id: value.trim() })
          }}
        />
        <SuiteSelect
          label="Suite of its first key"
          value={draft.suite}
          onChange={(suite) => change({ suite })}
        />
        <RootFields draft={draft} errors={errors} onChange={change} />
        <ProblemAlert error={create.error} />
        <DialogActions submit="Create application" busy={create.isPending} onCancel={onClose} />
      </Stack>
    </form>
  )
}

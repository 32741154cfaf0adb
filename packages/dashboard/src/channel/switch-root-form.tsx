import { Alert, Button, Stack, Text, Textarea, TextInput } from '@mantine/core'
import { type FormEvent, useRef, useState } from 'react'
import { type Trust, useSwitchRoot } from '../api/trust.ts'
import { DialogActions } from '../parts/dialog-actions.tsx'
import { Icon } from '../parts/icon.tsx'
import { ProblemAlert } from '../parts/problem-alert.tsx'
import { checkRootSwitch, type RootSwitchDraft, type RootSwitchErrors } from './root-switch-draft.ts'

interface SwitchRootFormProps {
  readonly applicationId: string
  readonly trust: Trust
  readonly onClose: () => void
}

const REASON_MAX = 500

/** Nothing is sent before the application's id and a reason were given. Then it says what the operator has to do. */
export function SwitchRootForm({ applicationId, trust, onClose }: SwitchRootFormProps) {
  const [draft, setDraft] = useState<RootSwitchDraft>({ applicationId: '', reason: '' })
  const [errors, setErrors] = useState<RootSwitchErrors>({})
  const form = useRef<HTMLFormElement>(null)
  const switching = useSwitchRoot(applicationId, trust.rootThumbprints[0])
  const change = (part: Partial<RootSwitchDraft>): void => setDraft((before) => ({ ...before, ...part }))
  const submit = (event: FormEvent): void => {
    event.preventDefault()
    const found = checkRootSwitch(draft, applicationId)
    setErrors(found)
    const first = (['applicationId', 'reason'] as const).find((field) => found[field] !== undefined)
    if (first === undefined) switching.mutate(draft.reason.trim())
    else form.current?.querySelector<HTMLElement>(`[name="${first}"]`)?.focus()
  }
  if (switching.data !== undefined) {
    return (
      <Stack gap="md">
        <Alert role="status" color="blue" icon={<Icon name="check" />} title="The spare is the root now">
          <Text size="sm">{switching.data.text}</Text>
        </Alert>
        <Button onClick={onClose} data-autofocus style={{ alignSelf: 'flex-end' }}>
          Done
        </Button>
      </Stack>
    )
  }
  return (
    <form onSubmit={submit} noValidate ref={form}>
      <Stack gap="md">
        <Text size="sm">
          The present root key is revoked and its private part erased. The spare signs from now on, in a new
          epoch, and a new spare is made. This cannot be undone.
        </Text>
        <Text size="sm">
          Apps that ship both thumbprints notice nothing. An app that does not ship the spare refuses this
          server.
        </Text>
        <TextInput
          name="applicationId"
          label={`Type the application id, ${applicationId}, to confirm`}
          required
          data-autofocus
          autoComplete="off"
          spellCheck={false}
          value={draft.applicationId}
          error={errors.applicationId}
          onChange={(event) => change({ applicationId: event.currentTarget.value })}
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
        <ProblemAlert error={switching.error} />
        <DialogActions
          danger
          submit="Switch to the spare root"
          busy={switching.isPending}
          onCancel={onClose}
        />
      </Stack>
    </form>
  )
}

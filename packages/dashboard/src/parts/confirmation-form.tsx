import { Checkbox, Stack, Textarea, TextInput } from '@mantine/core'
import { type FormEvent, type ReactNode, useRef, useState } from 'react'
import {
  type ConfirmationErrors,
  type ConfirmationSubject,
  checkConfirmation,
  EMPTY_CONFIRMATION,
} from './confirmation.ts'
import { DialogActions } from './dialog-actions.tsx'
import { ProblemAlert } from './problem-alert.tsx'

interface ConfirmationFormProps {
  readonly subject: ConfirmationSubject
  /** Given where more is at stake: what one agrees to, and what to do if one would rather not. */
  readonly consent?: { readonly label: string; readonly advice: string } | undefined
  readonly submit: string
  readonly busy: boolean
  readonly error: unknown
  readonly onConfirmed: (reason: string) => void
  readonly onCancel: () => void
  /** What happens, in words. */
  readonly children: ReactNode
}

const REASON_MAX = 500

/**
 * For what cannot be undone: nothing is sent before the subject's id or name, a reason and any consent were
 * given.
 */
export function ConfirmationForm(props: ConfirmationFormProps) {
  const { subject, consent, submit, busy, error, onConfirmed, onCancel, children } = props
  const [draft, setDraft] = useState(EMPTY_CONFIRMATION)
  const [errors, setErrors] = useState<ConfirmationErrors>({})
  const form = useRef<HTMLFormElement>(null)
  const check = (event: FormEvent): void => {
    event.preventDefault()
    const found = checkConfirmation(draft, subject, consent?.advice)
    setErrors(found)
    const first = Object.keys(found).at(0)
    if (first === undefined) onConfirmed(draft.reason.trim())
    else form.current?.querySelector<HTMLElement>(`[name="${first}"]`)?.focus()
  }
  return (
    <form onSubmit={check} noValidate ref={form}>
      <Stack gap="md">
        {children}
        <TextInput
          name="id"
          label={`Type the ${subject.kind} ${subject.what ?? 'id'}, ${subject.id}, to confirm`}
          required
          data-autofocus
          autoComplete="off"
          spellCheck={false}
          inputMode={/^\d+$/.test(subject.id) ? 'numeric' : 'text'}
          value={draft.id}
          error={errors.id}
          onChange={(event) => setDraft({ ...draft, id: event.currentTarget.value })}
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
          onChange={(event) => setDraft({ ...draft, reason: event.currentTarget.value })}
        />
        {consent !== undefined && (
          <Checkbox
            name="consent"
            label={consent.label}
            checked={draft.consent}
            error={errors.consent}
            onChange={(event) => setDraft({ ...draft, consent: event.currentTarget.checked })}
          />
        )}
        <ProblemAlert error={error} />
        <DialogActions danger submit={submit} busy={busy} onCancel={onCancel} />
      </Stack>
    </form>
  )
}

import { Checkbox, Stack, Textarea, TextInput } from '@mantine/core'
import type { ReactNode } from 'react'
import { type ConfirmationSubject, checkConfirmation, EMPTY_CONFIRMATION } from './confirmation.ts'
import { DialogActions } from './dialog-actions.tsx'
import { ProblemAlert } from './problem-alert.tsx'
import { useCheckedForm } from './use-checked-form.ts'

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
  const { draft, errors, change, form, field } = useCheckedForm(
    EMPTY_CONFIRMATION,
    (given) => checkConfirmation(given, subject, consent?.advice),
    ({ reason }) => onConfirmed(reason.trim()),
  )
  return (
    <form {...form}>
      <Stack gap="md">
        {children}
        <TextInput
          label={`Type the ${subject.kind} ${subject.what ?? 'id'}, ${subject.id}, to confirm`}
          required
          data-autofocus
          autoComplete="off"
          spellCheck={false}
          inputMode={/^\d+$/.test(subject.id) ? 'numeric' : 'text'}
          {...field('id')}
        />
        <Textarea
          label="Reason"
          description="It stays in the audit log."
          required
          autosize
          minRows={2}
          maxLength={REASON_MAX}
          {...field('reason')}
        />
        {consent !== undefined && (
          <Checkbox
            name="consent"
            label={consent.label}
            checked={draft.consent}
            error={errors.consent}
            onChange={(event) => change({ consent: event.currentTarget.checked })}
          />
        )}
        <ProblemAlert error={error} />
        <DialogActions danger submit={submit} busy={busy} onCancel={onCancel} />
      </Stack>
    </form>
  )
}

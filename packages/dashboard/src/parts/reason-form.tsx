import { Stack, Text, Textarea } from '@mantine/core'
import { type FormEvent, type ReactNode, useRef, useState } from 'react'
import { DialogActions } from './dialog-actions.tsx'
import { ProblemAlert } from './problem-alert.tsx'

interface ReasonFormProps {
  readonly submit: string
  readonly danger?: boolean
  readonly busy: boolean
  readonly error: unknown
  readonly onConfirmed: (reason: string) => void
  readonly onCancel: () => void
  /** What happens, in words. */
  readonly children: ReactNode
}

const REASON_MAX_CHARS = 500

/** The inside of a dialog that asks for a reason, and sends nothing without one. */
export function ReasonForm(props: ReasonFormProps) {
  const { submit, danger = false, busy, error, onConfirmed, onCancel, children } = props
  const [reason, setReason] = useState('')
  const [missing, setMissing] = useState(false)
  const field = useRef<HTMLTextAreaElement>(null)
  const confirm = (event: FormEvent): void => {
    event.preventDefault()
    setMissing(reason.trim() === '')
    if (reason.trim() === '') field.current?.focus()
    else onConfirmed(reason.trim())
  }
  return (
    <form onSubmit={confirm} noValidate>
      <Stack gap="md">
        <Text size="sm" component="div">
          {children}
        </Text>
        <Textarea
          ref={field}
          label="Reason"
          description="It stays in the audit log."
          required
          data-autofocus
          autosize
          minRows={2}
          maxLength={REASON_MAX_CHARS}
          value={reason}
          error={missing && reason.trim() === '' && 'Say why, in a few words'}
          onChange={(event) => setReason(event.currentTarget.value)}
        />
        <ProblemAlert error={error} />
        <DialogActions danger={danger} submit={submit} busy={busy} onCancel={onCancel} />
      </Stack>
    </form>
  )
}

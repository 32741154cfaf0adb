import { Stack, Text } from '@mantine/core'
import type { UseMutationResult } from '@tanstack/react-query'
import type { FormEvent, ReactNode } from 'react'
import { DialogActions } from './dialog-actions.tsx'
import { ProblemAlert } from './problem-alert.tsx'

interface RemovalFormProps {
  /** Removes what has the id. */
  readonly remove: UseMutationResult<unknown, Error, string>
  readonly id: string
  /** What the button says. */
  readonly submit: string
  readonly onClose: () => void
  /** What happens then. */
  readonly children: ReactNode
}

/** The inside of a dialog that asks before something is removed, and closes once it is. */
export function RemovalForm({ remove, id, submit, onClose, children }: RemovalFormProps) {
  const confirm = (event: FormEvent): void => {
    event.preventDefault()
    remove.mutate(id, { onSuccess: onClose })
  }
  return (
    <form onSubmit={confirm}>
      <Stack gap="md">
        <Text size="sm">{children}</Text>
        <ProblemAlert error={remove.error} />
        <DialogActions danger submit={submit} busy={remove.isPending} onCancel={onClose} />
      </Stack>
    </form>
  )
}

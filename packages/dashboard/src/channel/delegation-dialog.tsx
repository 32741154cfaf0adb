import { Modal, Stack, Text, Textarea } from '@mantine/core'
import { type FormEvent, useState } from 'react'
import { type Trust, useInstallDelegation } from '../api/trust.ts'
import { CodeBlock } from '../parts/code-block.tsx'
import { DialogActions } from '../parts/dialog-actions.tsx'
import { ProblemAlert } from '../parts/problem-alert.tsx'
import { delegateCommand } from './delegate-command.ts'

interface DelegationDialogProps {
  readonly applicationId: string
  readonly trust: Trust
  readonly opened: boolean
  readonly onClose: () => void
}

export function DelegationDialog({ opened, ...form }: DelegationDialogProps) {
  return (
    <Modal opened={opened} onClose={form.onClose} title="Install a delegation" size="xl">
      <DelegationForm {...form} />
    </Modal>
  )
}

/** Three parts separated by dots, RFC 7515 §7.1. */
const COMPACT_JWS = /^[\w-]+\.[\w-]+\.[\w-]+$/

function DelegationForm({ applicationId, trust, onClose }: Omit<DelegationDialogProps, 'opened'>) {
  const [delegation, setDelegation] = useState('')
  const [malformed, setMalformed] = useState(false)
  const install = useInstallDelegation(applicationId)
  const submit = (event: FormEvent): void => {
    event.preventDefault()
    const typed = delegation.trim()
    setMalformed(!COMPACT_JWS.test(typed))
    if (COMPACT_JWS.test(typed)) install.mutate(typed, { onSuccess: onClose })
  }
  return (
    <form onSubmit={submit} noValidate>
      <Stack gap="md">
        <Text size="sm">1. On the machine that holds the root key, run this. The key in it is public.</Text>
        <CodeBlock label="Command that signs" code={delegateCommand(applicationId, trust)} />
        <Text size="sm">2. Paste the line that it prints.</Text>
        <Textarea
          label="Delegation"
          required
          data-autofocus
          autosize
          minRows={4}
          maxRows={10}
          spellCheck={false}
          value={delegation}
          error={malformed ? 'A delegation is one long word with two dots in it' : undefined}
          onChange={(event) => setDelegation(event.currentTarget.value)}
          styles={{ input: { fontFamily: 'var(--mantine-font-family-monospace)' } }}
        />
        <ProblemAlert error={install.error} />
        <DialogActions submit="Install" busy={install.isPending} onCancel={onClose} />
      </Stack>
    </form>
  )
}

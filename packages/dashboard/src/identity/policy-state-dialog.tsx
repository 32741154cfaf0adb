import { Modal, Stack, Text } from '@mantine/core'
import type { FormEvent } from 'react'
import { type PolicyDetails, useSetPolicyActive } from '../api/identity-policies.ts'
import { DialogActions } from '../parts/dialog-actions.tsx'
import { ProblemAlert } from '../parts/problem-alert.tsx'

interface PolicyStateDialogProps {
  readonly applicationId: string
  readonly policy: PolicyDetails
  readonly opened: boolean
  readonly onClose: () => void
}

/** Deactivates an active policy; activates an inactive one. */
export function PolicyStateDialog({ opened, ...rest }: PolicyStateDialogProps) {
  const title = rest.policy.state === 'active' ? 'Deactivate policy' : 'Activate policy'
  return (
    <Modal opened={opened} onClose={rest.onClose} title={title}>
      <StateForm {...rest} />
    </Modal>
  )
}

function StateForm({ applicationId, policy, onClose }: Omit<PolicyStateDialogProps, 'opened'>) {
  const change = useSetPolicyActive(applicationId, policy.id)
  const active = policy.state === 'active'
  const submit = (event: FormEvent): void => {
    event.preventDefault()
    change.mutate({ active: !active }, { onSuccess: onClose })
  }
  return (
    <form onSubmit={submit}>
      <Stack gap="md">
        <Text size="sm">
          {active
            ? 'Nothing is shared and nobody is authenticated under it any more, from the next request on. It can be activated again.'
            : `Version ${policy.version} counts again, for every partner that is approved for it.`}
        </Text>
        <ProblemAlert error={change.error} />
        <DialogActions
          danger={active}
          submit={active ? 'Deactivate' : 'Activate'}
          busy={change.isPending}
          onCancel={onClose}
        />
      </Stack>
    </form>
  )
}

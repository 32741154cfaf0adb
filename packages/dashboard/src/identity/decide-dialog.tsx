import { Modal } from '@mantine/core'
import { type Subscription, useDecideSubscription } from '../api/identity-partners.ts'
import { ReasonForm } from '../parts/reason-form.tsx'
import { type Chosen, useChosen } from '../parts/use-chosen.ts'

/** What a partner manager is about to answer. */
export interface Decision {
  readonly subscription: Subscription
  readonly approve: boolean
}

export function useDecision(): Chosen<Decision> {
  return useChosen<Decision>()
}

interface DecideDialogProps {
  readonly applicationId: string
  readonly decision: Chosen<Decision>
}

export function DecideDialog({ applicationId, decision: { row, opened, close } }: DecideDialogProps) {
  return (
    <Modal
      opened={opened}
      onClose={close}
      title={row?.approve === true ? 'Approve subscription' : 'Refuse subscription'}
    >
      {row !== undefined && <DecideForm applicationId={applicationId} decision={row} onClose={close} />}
    </Modal>
  )
}

interface DecideFormProps {
  readonly applicationId: string
  readonly decision: Decision
  readonly onClose: () => void
}

function DecideForm({ applicationId, decision, onClose }: DecideFormProps) {
  const decide = useDecideSubscription(applicationId)
  const { subscription, approve } = decision
  const { id, partnerId, policyId, purpose } = subscription
  return (
    <ReasonForm
      submit={approve ? 'Approve' : 'Refuse'}
      danger={!approve}
      busy={decide.isPending}
      error={decide.error}
      onConfirmed={(reason) => decide.mutate({ id, approve, reason }, { onSuccess: onClose })}
      onCancel={onClose}
    >
      <strong>{partnerId}</strong> asks for the policy <strong>{policyId}</strong>: “{purpose}”.{' '}
      {approve
        ? 'From now on it gets what the policy allows. It needs a certificate that is valid now.'
        : 'It gets nothing, sees your reason, and may ask again.'}
    </ReasonForm>
  )
}

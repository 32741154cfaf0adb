import { Alert, Modal } from '@mantine/core'
import { type Partner, useSetPartnerActive } from '../api/identity-partners.ts'
import { ConfirmationForm } from '../parts/confirmation-form.tsx'
import { Icon } from '../parts/icon.tsx'
import { ReasonForm } from '../parts/reason-form.tsx'
import type { Chosen } from '../parts/use-chosen.ts'

interface PartnerStateDialogProps {
  readonly applicationId: string
  readonly asking: Chosen<Partner>
}

/** Deactivates an active partner; activates any other. */
export function PartnerStateDialog({ applicationId, asking }: PartnerStateDialogProps) {
  const { row: partner, opened, close } = asking
  const active = partner?.state === 'active'
  const Form = active ? DeactivateForm : ActivateForm
  return (
    <Modal opened={opened} onClose={close} title={active ? 'Deactivate partner' : 'Activate partner'}>
      {partner !== undefined && <Form applicationId={applicationId} partner={partner} onClose={close} />}
    </Modal>
  )
}

interface FormProps {
  readonly applicationId: string
  readonly partner: Partner
  readonly onClose: () => void
}

function DeactivateForm({ applicationId, partner: { id }, onClose }: FormProps) {
  const change = useSetPartnerActive(applicationId, id)
  return (
    <ConfirmationForm
      subject={{ kind: 'partner', id }}
      submit="Deactivate partner"
      busy={change.isPending}
      error={change.error}
      onConfirmed={(reason) => change.mutate({ active: false, reason }, { onSuccess: onClose })}
      onCancel={onClose}
    >
      <Alert color="red" icon={<Icon name="alert" />} title="It gets nothing from its next request on">
        Its shares are refused, its API keys and its certificate stop working, and no event is sent to it.
        Every IDA is told. It can be activated again.
      </Alert>
    </ConfirmationForm>
  )
}

function ActivateForm({ applicationId, partner: { id }, onClose }: FormProps) {
  const change = useSetPartnerActive(applicationId, id)
  return (
    <ReasonForm
      submit="Activate partner"
      busy={change.isPending}
      error={change.error}
      onConfirmed={(reason) => change.mutate({ active: true, reason }, { onSuccess: onClose })}
      onCancel={onClose}
    >
      From now on <strong>{id}</strong> gets what its approved subscriptions allow, as long as its certificate
      is valid.
    </ReasonForm>
  )
}

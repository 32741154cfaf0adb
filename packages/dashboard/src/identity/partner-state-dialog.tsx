import { Alert, Modal } from '@mantine/core'
import { type Partner, useSetPartnerActive } from '../api/identity-partners.ts'
import { ConfirmationForm } from '../parts/confirmation-form.tsx'
import { Icon } from '../parts/icon.tsx'
import { ReasonForm } from '../parts/reason-form.tsx'

interface PartnerStateDialogProps {
  readonly applicationId: string
  readonly partner: Partner
  readonly opened: boolean
  readonly onClose: () => void
}

/** Revokes an active partner; activates any other. */
export function PartnerStateDialog({ opened, ...rest }: PartnerStateDialogProps) {
  const active = rest.partner.state === 'active'
  return (
    <Modal opened={opened} onClose={rest.onClose} title={active ? 'Revoke partner' : 'Activate partner'}>
      {active ? <RevokeForm {...rest} /> : <ActivateForm {...rest} />}
    </Modal>
  )
}

type FormProps = Omit<PartnerStateDialogProps, 'opened'>

function RevokeForm({ applicationId, partner: { id }, onClose }: FormProps) {
  const change = useSetPartnerActive(applicationId, id)
  return (
    <ConfirmationForm
      subject={{ kind: 'partner', id }}
      submit="Revoke partner"
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

import { Modal, Text } from '@mantine/core'
import type { Device } from '../api/directory-devices.ts'
import { useRevokeDevice } from '../api/directory-users.ts'
import { ConfirmationForm } from '../parts/confirmation-form.tsx'
import { deviceSubject } from './device-subject.ts'

interface RevokeDeviceDialogProps {
  readonly applicationId: string
  readonly username: string
  readonly device: Device | undefined
  /** The user has no other valid device: afterwards only a reset lets them in again. */
  readonly last: boolean
  readonly opened: boolean
  readonly onClose: () => void
}

export function RevokeDeviceDialog({ device, opened, onClose, ...rest }: RevokeDeviceDialogProps) {
  return (
    <Modal opened={opened && device !== undefined} onClose={onClose} title="Revoke device">
      {device !== undefined && <RevokeDeviceForm {...rest} device={device} onClose={onClose} />}
    </Modal>
  )
}

interface RevokeDeviceFormProps {
  readonly applicationId: string
  readonly username: string
  readonly device: Device
  readonly last: boolean
  readonly onClose: () => void
}

const LAST = {
  label: 'This is the user’s last valid device. I know that they can do nothing until they are reset.',
  advice: 'Tick this, or let the user add another device first',
}

function RevokeDeviceForm({ applicationId, username, device, last, onClose }: RevokeDeviceFormProps) {
  const revoke = useRevokeDevice(applicationId, username, device.device)
  return (
    <ConfirmationForm
      subject={deviceSubject(device)}
      consent={last ? LAST : undefined}
      submit="Revoke device"
      busy={revoke.isPending}
      error={revoke.error}
      onConfirmed={(reason) => revoke.mutate(reason, { onSuccess: onClose })}
      onCancel={onClose}
    >
      <Text size="sm" style={{ overflowWrap: 'anywhere' }}>
        From that moment on this device of <strong>{username}</strong> can ask for nothing and sign nothing,
        and their contacts no longer encrypt to it. What it has received stays on it. This cannot be undone.
      </Text>
    </ConfirmationForm>
  )
}

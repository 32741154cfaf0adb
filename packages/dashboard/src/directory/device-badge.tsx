import { Badge } from '@mantine/core'
import type { DeviceStatus } from '../api/directory-devices.ts'

interface Shown {
  readonly colour: string
  readonly label: string
  readonly meaning: string
}

const SHOWN: Readonly<Record<DeviceStatus, Shown>> = {
  valid: { colour: 'green', label: 'Valid', meaning: 'Contacts encrypt to it' },
  'not-yet-valid': { colour: 'blue', label: 'Not yet valid', meaning: 'Its record begins later' },
  expired: {
    colour: 'orange',
    label: 'Expired',
    meaning: 'Contacts no longer encrypt to it; it may still renew for some time',
  },
  revoked: { colour: 'gray', label: 'Revoked', meaning: 'It has ended for good' },
}

export function DeviceBadge({ status }: { readonly status: DeviceStatus }) {
  const { colour, label, meaning } = SHOWN[status]
  return (
    <Badge miw="max-content" color={colour} title={meaning}>
      {label}
    </Badge>
  )
}

import { Paper, Title } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { useState } from 'react'
import type { Device } from '../api/directory-devices.ts'
import type { DirectoryUserDetails } from '../api/directory-users.ts'
import { useMay } from '../api/session.ts'
import { Empty } from '../parts/empty.tsx'
import { RecordTable } from '../parts/record-table.tsx'
import { deviceColumns } from './device-columns.tsx'
import { RevokeDeviceDialog } from './revoke-device-dialog.tsx'

interface UserDevicesProps {
  readonly applicationId: string
  readonly user: DirectoryUserDetails
  /** Milliseconds since the epoch: when it was read. */
  readonly now: number
}

/** Every device the user ever had, valid ones first. */
export function UserDevices({ applicationId, user, now }: UserDevicesProps) {
  const mayManage = useMay('key-manager')
  const [revoking, revokeDialog] = useDisclosure(false)
  const [chosen, setChosen] = useState<Device>()
  const askToRevoke = (device: Device): void => {
    setChosen(device)
    revokeDialog.open()
  }
  const ended = (device: Device): number => (device.status === 'revoked' ? 1 : 0)
  const rows = user.devices.toSorted((a, b) => ended(a) - ended(b))
  const valid = user.devices.filter((device) => device.status === 'valid')
  return (
    <section>
      <Title order={2} size="h4" mb="sm">
        Devices
      </Title>
      <Paper>
        {rows.length === 0 ? (
          <Empty icon="key" title="No device">
            The first appears when the user enrolls with a sign-up token.
          </Empty>
        ) : (
          <RecordTable
            label={`Devices of ${user.username}`}
            rows={rows}
            rowKey={(device) => device.device}
            columns={deviceColumns(now, mayManage ? askToRevoke : undefined)}
          />
        )}
      </Paper>
      <RevokeDeviceDialog
        applicationId={applicationId}
        username={user.username}
        device={chosen}
        last={valid.length === 1 && valid[0]?.device === chosen?.device}
        opened={revoking}
        onClose={revokeDialog.close}
      />
    </section>
  )
}

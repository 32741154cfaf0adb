import { Stack, Text } from '@mantine/core'

interface DeviceNameProps {
  readonly device: { readonly name: string; readonly device: string }
}

/** What its user calls the device, with its id, which no two share. */
export function DeviceName({ device }: DeviceNameProps) {
  return (
    <Stack gap={2}>
      <Text span size="sm" fw={600} style={{ overflowWrap: 'anywhere' }}>
        {device.name === '' ? 'Without a name' : device.name}
      </Text>
      <Text span c="dimmed" size="xs" className="kh-mono">
        {device.device}
      </Text>
    </Stack>
  )
}

import { Group, Text } from '@mantine/core'
import mark from '../theme/icon.svg'

export function Brand({ size = 'md' }: { readonly size?: 'md' | 'lg' }) {
  return (
    <Group gap={10} wrap="nowrap">
      <img src={mark} alt="" width={size === 'lg' ? 36 : 28} height={size === 'lg' ? 36 : 28} />
      <Text fw={650} fz={size === 'lg' ? 24 : 18} lh={1}>
        Keyhaven
      </Text>
    </Group>
  )
}

import { Stack, Text } from '@mantine/core'

/** Of the audit log's entry. */
interface Detail {
  readonly for?: string
  readonly partner?: string
  readonly policy?: string
  readonly code?: string
  readonly reason?: string
}

/** Why a share was refused, as the audit log has it. */
export function ShareRefusal({ detail }: { readonly detail: unknown }) {
  const { for: what, policy, code, reason } = (detail ?? {}) as Detail
  return (
    <Stack gap={2}>
      <span>{reason ?? code ?? 'It was refused'}</span>
      <Text span size="xs" c="dimmed">
        {what === 'share.read' ? 'Reading' : 'Creating'} under{' '}
        <span className="kh-mono">{policy ?? 'no policy'}</span>, code{' '}
        <span className="kh-mono">{code ?? 'UNKNOWN'}</span>
      </Text>
    </Stack>
  )
}

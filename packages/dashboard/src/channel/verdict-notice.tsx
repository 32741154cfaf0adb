import { Alert, List, Skeleton, Text } from '@mantine/core'
import type { Verdict } from '../api/usage.ts'
import { Icon } from '../parts/icon.tsx'

/** Whether revoking the key breaks anybody, in the server's words, and which versions of the app. */
export function VerdictNotice({ verdict }: { readonly verdict: Verdict | undefined }) {
  if (verdict === undefined) return <Skeleton height={84} radius="md" />
  return (
    <Alert
      color={verdict.safe ? 'green' : 'orange'}
      icon={<Icon name={verdict.safe ? 'check' : 'alert'} />}
      title={verdict.safe ? 'Safe to revoke' : 'Not safe yet'}
      role="status"
    >
      <Text size="sm">{verdict.text}</Text>
      {verdict.byAppVersion.length > 0 && (
        <List size="sm" mt={6}>
          {verdict.byAppVersion.map(({ appVersion, installations }) => (
            <List.Item key={appVersion}>
              Version {appVersion}: {installations.toLocaleString()}{' '}
              {installations === 1 ? 'installation' : 'installations'}
            </List.Item>
          ))}
        </List>
      )}
    </Alert>
  )
}

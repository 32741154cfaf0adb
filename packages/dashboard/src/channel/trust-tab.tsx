import { Alert, Button, Paper, Skeleton, Stack, Text, Title } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { useMay } from '../api/session.ts'
import { type Trust, useTrust } from '../api/trust.ts'
import { CodeBlock } from '../parts/code-block.tsx'
import { Icon } from '../parts/icon.tsx'
import { ProblemAlert } from '../parts/problem-alert.tsx'
import { DelegationDialog } from './delegation-dialog.tsx'
import { manifestCode } from './sdk-code.ts'
import { TrustFacts } from './trust-facts.tsx'
import { UrlHint } from './url-hint.tsx'
import { useServerUrl } from './use-server-url.ts'

/** What the application's clients trust, and what that rests on. */
export function TrustTab({ applicationId }: { readonly applicationId: string }) {
  const { data: trust, isError, error, refetch } = useTrust(applicationId)
  const { url } = useServerUrl()
  if (isError) return <ProblemAlert error={error} onRetry={() => refetch()} />
  if (trust === undefined) return <Skeleton height={420} radius="md" />
  return (
    <Stack gap="lg">
      <DelegationPart applicationId={applicationId} trust={trust} />
      <Paper p="lg">
        <Title order={2} size="h4" mb={4}>
          Root thumbprints
        </Title>
        <Text size="sm" c="dimmed" mb="md">
          Apps ship these, and nothing else. The second is the spare: it takes over if the first is lost.
        </Text>
        <Stack gap="sm">
          {trust.rootThumbprints.map((thumbprint, index) => (
            <CodeBlock
              key={thumbprint}
              label={index === 0 ? 'Root thumbprint' : 'Spare root thumbprint'}
              code={thumbprint}
            />
          ))}
        </Stack>
      </Paper>
      <TrustFacts trust={trust} />
      <Stack gap="xs">
        <CodeBlock
          label="SDK code, signed manifest"
          code={manifestCode(url, applicationId, trust.rootThumbprints)}
        />
        <UrlHint />
      </Stack>
    </Stack>
  )
}

const WARN_BEFORE_MS = 14 * 86_400_000

function DelegationPart({ applicationId, trust }: { readonly applicationId: string; readonly trust: Trust }) {
  const [opened, dialog] = useDisclosure(false)
  const mayInstall = useMay('key-manager')
  if (trust.mode === 'online') return null
  const end = trust.delegationExpiresAt
  const pressing = end === null || Date.parse(end) - Date.now() < WARN_BEFORE_MS
  return (
    <>
      <Alert
        color={pressing ? 'orange' : 'blue'}
        icon={<Icon name={pressing ? 'alert' : 'shield'} />}
        title={delegationTitle(end)}
      >
        <Text size="sm">
          The root key of this application is offline. It signs, for 90 days at most, that this server may
          publish the keys. Without that, clients that trust the manifest stop working when their copy
          expires.
        </Text>
        {mayInstall && (
          <Button size="compact-md" mt="sm" onClick={dialog.open}>
            Install a delegation
          </Button>
        )}
      </Alert>
      <DelegationDialog applicationId={applicationId} trust={trust} opened={opened} onClose={dialog.close} />
    </>
  )
}

function delegationTitle(end: string | null): string {
  if (end === null) return 'No delegation yet'
  return Date.parse(end) < Date.now() ? 'The delegation has ended' : 'Renew the delegation in time'
}

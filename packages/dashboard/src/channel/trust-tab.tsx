import { Paper, Skeleton, Stack, Text, Title } from '@mantine/core'
import { useTrust } from '../api/trust.ts'
import { CodeBlock } from '../parts/code-block.tsx'
import { ProblemAlert } from '../parts/problem-alert.tsx'
import { DelegationNotice } from './delegation-notice.tsx'
import { manifestCode } from './sdk-code.ts'
import { SwitchRootButton } from './switch-root-button.tsx'
import { TrustFacts } from './trust-facts.tsx'
import { UrlHint } from './url-hint.tsx'
import { useServerUrl } from './use-server-url.ts'

/** What the application's clients trust, and what that rests on. */
export function TrustTab({ applicationId }: { readonly applicationId: string }) {
  const { data: trust, isError, error, refetch } = useTrust(applicationId)
  const url = useServerUrl()
  if (isError) return <ProblemAlert error={error} onRetry={() => refetch()} />
  if (trust === undefined) return <Skeleton height={420} radius="md" />
  return (
    <Stack gap="lg">
      <DelegationNotice applicationId={applicationId} trust={trust} />
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
        <SwitchRootButton applicationId={applicationId} trust={trust} />
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

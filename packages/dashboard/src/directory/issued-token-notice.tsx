import { Alert, Button, Group, Stack } from '@mantine/core'
import { useDirectoryLog } from '../api/directory-log.ts'
import type { IssuedSignUpToken } from '../api/sign-up-tokens.ts'
import { useTrust } from '../api/trust.ts'
import { UrlHint } from '../channel/url-hint.tsx'
import { useServerUrl } from '../channel/use-server-url.ts'
import { CodeBlock } from '../parts/code-block.tsx'
import { Icon } from '../parts/icon.tsx'
import { ProblemAlert } from '../parts/problem-alert.tsx'
import { enrollCode } from './enroll-code.ts'

interface IssuedTokenNoticeProps {
  readonly applicationId: string
  readonly issued: IssuedSignUpToken
  readonly onDone: () => void
}

/** The only time that the token can be read, with the lines that use it. */
export function IssuedTokenNotice({ applicationId, issued, onDone }: IssuedTokenNoticeProps) {
  const trust = useTrust(applicationId)
  const log = useDirectoryLog(applicationId)
  const url = useServerUrl()
  return (
    <Stack gap="md">
      <Alert role="status" color="orange" icon={<Icon name="alert" />} title="Copy it now">
        It is shown this once, and works once. Send it to {issued.username} on a way that only they can read:
        whoever has it enrolls under that name.
      </Alert>
      <CodeBlock label="Sign-up token" code={issued.token} />
      <ProblemAlert
        error={trust.error ?? log.error}
        onRetry={() => Promise.all([trust.refetch(), log.refetch()])}
      />
      {trust.data !== undefined && log.data !== undefined && (
        <Stack gap="xs">
          <CodeBlock
            label="SDK code, enroll the first device"
            code={enrollCode({
              url,
              applicationId,
              rootThumbprints: trust.data.rootThumbprints,
              log: log.data.verifierKey,
              username: issued.username,
              token: issued.token,
              profile: issued.profile,
            })}
          />
          <UrlHint />
        </Stack>
      )}
      <Group justify="flex-end">
        <Button onClick={onDone}>I have stored it</Button>
      </Group>
    </Stack>
  )
}

import { Alert, Button, Group, Stack } from '@mantine/core'
import type { CreatedToken } from '../api/tokens.ts'
import { CodeBlock } from '../parts/code-block.tsx'
import { Icon } from '../parts/icon.tsx'

interface NewTokenNoticeProps {
  readonly created: CreatedToken
  readonly onDone: () => void
}

/** The only time that the token can be read. */
export function NewTokenNotice({ created, onDone }: NewTokenNoticeProps) {
  return (
    <Stack gap="md">
      <Alert role="status" color="orange" icon={<Icon name="alert" />} title="Copy it now">
        It is shown this once. Put it where its program reads its secrets, never into source code.
      </Alert>
      <CodeBlock label="API token" code={created.token} />
      <Group justify="flex-end">
        <Button onClick={onDone}>I have stored it</Button>
      </Group>
    </Stack>
  )
}

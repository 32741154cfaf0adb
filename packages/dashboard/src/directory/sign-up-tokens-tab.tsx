import { Button, Group, Paper, Text } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { useState } from 'react'
import { useMay } from '../api/session.ts'
import { type SignUpToken, useSignUpTokens } from '../api/sign-up-tokens.ts'
import { Empty } from '../parts/empty.tsx'
import { Icon } from '../parts/icon.tsx'
import { LoadMore } from '../parts/load-more.tsx'
import { ProblemAlert } from '../parts/problem-alert.tsx'
import { RecordTable } from '../parts/record-table.tsx'
import { IssueTokenDialog } from './issue-token-dialog.tsx'
import { RevokeTokenDialog } from './revoke-token-dialog.tsx'
import { signUpTokenColumns } from './sign-up-token-columns.tsx'

/** What lets new users in, and users who were reset. */
export function SignUpTokensTab({ applicationId }: { readonly applicationId: string }) {
  const tokens = useSignUpTokens(applicationId)
  const rows = tokens.data?.pages.flatMap((page) => page.items)
  const mayManage = useMay('key-manager')
  const [issuing, issueDialog] = useDisclosure(false)
  const [revoking, revokeDialog] = useDisclosure(false)
  const [chosen, setChosen] = useState<SignUpToken>()
  const issueButton = mayManage && (
    <Button leftSection={<Icon name="plus" />} onClick={issueDialog.open}>
      Issue token
    </Button>
  )
  const askToRevoke = (token: SignUpToken): void => {
    setChosen(token)
    revokeDialog.open()
  }
  if (tokens.isError) return <ProblemAlert error={tokens.error} onRetry={() => tokens.refetch()} />
  return (
    <>
      <Group justify="space-between" mb="md" gap="sm">
        <Text c="dimmed" size="sm" flex="1 1 300px">
          A token enrolls the first device of one username, once. Further devices need none: a device that the
          user has approves them. Only a hash of each token is stored.
        </Text>
        {rows?.length !== 0 && issueButton}
      </Group>
      <Paper>
        {rows?.length === 0 ? (
          <Empty icon="token" title="No token waits to be used" action={issueButton}>
            {mayManage
              ? 'Issue one for each new user, and for each who was reset. Give it to that person and nobody else.'
              : 'A key manager issues one for each new user, and for each who was reset.'}
          </Empty>
        ) : (
          <RecordTable
            label="Sign-up tokens"
            rows={rows}
            rowKey={(token) => token.id}
            columns={signUpTokenColumns(
              applicationId,
              tokens.dataUpdatedAt,
              mayManage ? askToRevoke : undefined,
            )}
            loadingRows={3}
          />
        )}
        <LoadMore query={tokens}>Show older tokens</LoadMore>
      </Paper>
      <IssueTokenDialog applicationId={applicationId} opened={issuing} onClose={issueDialog.close} />
      <RevokeTokenDialog
        applicationId={applicationId}
        token={chosen}
        opened={revoking}
        onClose={revokeDialog.close}
      />
    </>
  )
}

import { Button, Paper } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { useState } from 'react'
import { useMay } from '../api/session.ts'
import { type ApiToken, useTokens } from '../api/tokens.ts'
import { Empty } from '../parts/empty.tsx'
import { Icon } from '../parts/icon.tsx'
import { PageHeader } from '../parts/page-header.tsx'
import { ProblemAlert } from '../parts/problem-alert.tsx'
import { RecordTable } from '../parts/record-table.tsx'
import { CreateTokenDialog } from './create-token-dialog.tsx'
import { DeleteTokenDialog } from './delete-token-dialog.tsx'
import { tokenColumns } from './token-columns.tsx'

/** Tokens with which programs and people call the admin API. */
export function TokensPage() {
  const tokens = useTokens()
  const mayManage = useMay('admin')
  const [creating, createDialog] = useDisclosure(false)
  const [deleting, deleteDialog] = useDisclosure(false)
  const [chosen, setChosen] = useState<ApiToken>()
  const createButton = mayManage && (
    <Button leftSection={<Icon name="plus" />} onClick={createDialog.open}>
      Create token
    </Button>
  )
  const askToDelete = (token: ApiToken): void => {
    setChosen(token)
    deleteDialog.open()
  }
  return (
    <>
      <PageHeader title="API tokens" actions={createButton}>
        For scripts and for the command line. Only a hash of each is stored.
      </PageHeader>
      {tokens.isError ? (
        <ProblemAlert error={tokens.error} onRetry={() => tokens.refetch()} />
      ) : (
        <Paper>
          {tokens.data?.length === 0 ? (
            <Empty icon="token" title="No token yet" action={createButton}>
              Create one for each program that calls the admin API, with no more roles than it needs.
            </Empty>
          ) : (
            <RecordTable
              label="API tokens"
              rows={tokens.data}
              rowKey={(token) => token.id}
              columns={tokenColumns(mayManage ? askToDelete : undefined)}
              loadingRows={2}
            />
          )}
        </Paper>
      )}
      <CreateTokenDialog opened={creating} onClose={createDialog.close} />
      <DeleteTokenDialog token={chosen} opened={deleting} onClose={deleteDialog.close} />
    </>
  )
}

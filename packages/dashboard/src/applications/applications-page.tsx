import { Button, Paper } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { useApplications } from '../api/applications.ts'
import { useMay } from '../api/session.ts'
import { Empty } from '../parts/empty.tsx'
import { Icon } from '../parts/icon.tsx'
import { LoadMore } from '../parts/load-more.tsx'
import { PageHeader } from '../parts/page-header.tsx'
import { ProblemAlert } from '../parts/problem-alert.tsx'
import { RecordTable } from '../parts/record-table.tsx'
import { SearchBox, useSearch } from '../parts/search-box.tsx'
import { APPLICATION_COLUMNS } from './application-columns.tsx'
import { CreateApplicationDialog } from './create-application-dialog.tsx'

/** All applications, with a search. */
export function ApplicationsPage() {
  const search = useSearch()
  const [creating, dialog] = useDisclosure(false)
  const mayCreate = useMay('key-manager')
  const query = useApplications(search.settled)
  const rows = query.data?.pages.flatMap((page) => page.items)
  const createButton = mayCreate && (
    <Button leftSection={<Icon name="plus" />} onClick={dialog.open}>
      Create application
    </Button>
  )
  return (
    <>
      <PageHeader title="Applications" actions={createButton}>
        Each has its own keys, its own trust and its own users.
      </PageHeader>
      <SearchBox search={search} label="Search applications" placeholder="Search by name or id" />
      {query.isError ? (
        <ProblemAlert error={query.error} onRetry={() => query.refetch()} />
      ) : (
        <Paper>
          {rows?.length === 0 ? (
            <NoApplications search={search.settled} action={createButton} />
          ) : (
            <RecordTable
              label="Applications"
              rows={rows}
              rowKey={(row) => row.id}
              columns={APPLICATION_COLUMNS}
            />
          )}
          <LoadMore query={query}>Show more applications</LoadMore>
        </Paper>
      )}
      <CreateApplicationDialog opened={creating} onClose={dialog.close} />
    </>
  )
}

function NoApplications({ search, action }: { readonly search: string; readonly action: React.ReactNode }) {
  if (search !== '') {
    return (
      <Empty icon="search" title={`Nothing matches “${search}”`}>
        Look for a part of the name or of the id.
      </Empty>
    )
  }
  return (
    <Empty icon="apps" title="No application yet" action={action}>
      Create one for each app whose calls you want to seal. It starts with a key of its own, ready to use.
    </Empty>
  )
}

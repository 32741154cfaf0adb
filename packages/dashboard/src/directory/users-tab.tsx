import { Button, Paper } from '@mantine/core'
import { Link } from 'wouter'
import { useDirectoryUsers } from '../api/directory-users.ts'
import { useMay } from '../api/session.ts'
import { Empty } from '../parts/empty.tsx'
import { LoadMore } from '../parts/load-more.tsx'
import { ProblemAlert } from '../parts/problem-alert.tsx'
import { RecordTable } from '../parts/record-table.tsx'
import { SearchBox, useSearch } from '../parts/search-box.tsx'
import { directoryPath } from './directory-path.ts'
import { userColumns } from './user-columns.tsx'

/** Everybody who has enrolled, with a search. */
export function UsersTab({ applicationId }: { readonly applicationId: string }) {
  const search = useSearch()
  const query = useDirectoryUsers(applicationId, search.settled)
  const rows = query.data?.pages.flatMap((page) => page.items)
  return (
    <>
      <SearchBox search={search} label="Search users" placeholder="Search by username" />
      {query.isError ? (
        <ProblemAlert error={query.error} onRetry={() => query.refetch()} />
      ) : (
        <Paper>
          {rows?.length === 0 ? (
            <NoUsers search={search.settled} applicationId={applicationId} />
          ) : (
            <RecordTable
              label="Users"
              rows={rows}
              rowKey={(user) => user.username}
              columns={userColumns(applicationId)}
            />
          )}
          <LoadMore query={query}>Show more users</LoadMore>
        </Paper>
      )}
    </>
  )
}

function NoUsers({ search, applicationId }: { readonly search: string; readonly applicationId: string }) {
  const mayIssue = useMay('key-manager')
  if (search !== '') {
    return (
      <Empty icon="search" title={`Nobody matches “${search}”`}>
        Usernames are compared letter by letter. Look for a part of the name.
      </Empty>
    )
  }
  const action = mayIssue && (
    <Button component={Link} href={directoryPath(applicationId, 'sign-up-tokens')}>
      Go to the sign-up tokens
    </Button>
  )
  return (
    <Empty icon="users" title="No user yet" action={action}>
      A user appears here when their first device enrolls. Issue a sign-up token for their name, and give it
      to them.
    </Empty>
  )
}

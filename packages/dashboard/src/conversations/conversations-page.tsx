import { Paper } from '@mantine/core'
import { useConversations } from '../api/conversations.ts'
import { ApplicationCrumbs } from '../applications/application-crumbs.tsx'
import { Empty } from '../parts/empty.tsx'
import { LoadMore } from '../parts/load-more.tsx'
import { PageHeader } from '../parts/page-header.tsx'
import { ProblemAlert } from '../parts/problem-alert.tsx'
import { RecordTable } from '../parts/record-table.tsx'
import { SearchBox, useSearch } from '../parts/search-box.tsx'
import { conversationColumns } from './conversation-columns.tsx'

/** An application's conversations: who is in them and how their keys stand, never what was written. */
export function ConversationsPage({ applicationId }: { readonly applicationId: string }) {
  const search = useSearch()
  const query = useConversations(applicationId, search.settled)
  const rows = query.data?.pages.flatMap((page) => page.items)
  return (
    <>
      <ApplicationCrumbs applicationId={applicationId} />
      <PageHeader title="Conversations">
        Members, keys and receipts in <span className="kh-mono">{applicationId}</span>. What was written is
        nowhere in this dashboard.
      </PageHeader>
      <SearchBox search={search} label="Search conversations" placeholder="Whole id, or a username" />
      {query.isError ? (
        <ProblemAlert error={query.error} onRetry={() => query.refetch()} />
      ) : (
        <Paper>
          {rows?.length === 0 ? (
            <NoConversation search={search.settled} />
          ) : (
            <RecordTable
              label="Conversations"
              rows={rows}
              rowKey={({ id }) => id}
              columns={conversationColumns(applicationId, query.dataUpdatedAt)}
            />
          )}
          <LoadMore query={query}>Show more conversations</LoadMore>
        </Paper>
      )}
    </>
  )
}

function NoConversation({ search }: { readonly search: string }) {
  if (search !== '') {
    return (
      <Empty icon="search" title={`No conversation matches “${search}”`}>
        Give the whole id, as the audit log has it, or the exact username of somebody who is or was in it.
      </Empty>
    )
  }
  return (
    <Empty icon="chat" title="No conversation yet">
      One appears here when a device creates it: <span className="kh-mono">me.conversations.create()</span> of
      the SDK.
    </Empty>
  )
}

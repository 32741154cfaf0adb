import { Paper } from '@mantine/core'
import { useDebouncedValue } from '@mantine/hooks'
import { useState } from 'react'
import { useAudit } from '../api/audit.ts'
import { Empty } from '../parts/empty.tsx'
import { LoadMore } from '../parts/load-more.tsx'
import { PageHeader } from '../parts/page-header.tsx'
import { ProblemAlert } from '../parts/problem-alert.tsx'
import { RecordTable } from '../parts/record-table.tsx'
import { AUDIT_COLUMNS } from './audit-columns.tsx'
import { ANY, type AuditFilterDraft, draftToFilter } from './audit-filter-draft.ts'
import { AuditFilters } from './audit-filters.tsx'
import { AuditVerification } from './audit-verification.tsx'

const TYPING_PAUSE_MS = 300

/** Who did what to which key, newest first. */
export function AuditPage() {
  const [draft, setDraft] = useState<AuditFilterDraft>(ANY)
  const [settled] = useDebouncedValue(draft, TYPING_PAUSE_MS)
  const query = useAudit(draftToFilter(settled))
  const rows = query.data?.pages.flatMap((page) => page.items)
  const filtered = Object.values(settled).some((value) => value !== '')
  return (
    <>
      <PageHeader title="Audit log" actions={<AuditVerification />}>
        Every change, who made it and why. Each entry carries the hash of the one before.
      </PageHeader>
      <AuditFilters draft={draft} onChange={setDraft} />
      {query.isError ? (
        <ProblemAlert error={query.error} onRetry={() => query.refetch()} />
      ) : (
        <Paper>
          {rows?.length === 0 ? (
            <Empty icon="log" title={filtered ? 'No entry matches' : 'Nothing has happened yet'}>
              {filtered
                ? 'Widen the dates or clear a filter.'
                : 'Entries appear as soon as somebody creates an application, adds a key or signs in.'}
            </Empty>
          ) : (
            <RecordTable
              label="Audit log"
              rows={rows}
              rowKey={(entry) => entry.sequence}
              columns={AUDIT_COLUMNS}
              loadingRows={8}
            />
          )}
          <LoadMore query={query}>Show older entries</LoadMore>
        </Paper>
      )}
    </>
  )
}

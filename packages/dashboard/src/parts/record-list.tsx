import { Paper } from '@mantine/core'
import type { ReactNode } from 'react'
import { LoadMore } from './load-more.tsx'
import { ProblemAlert } from './problem-alert.tsx'
import { type Column, RecordTable } from './record-table.tsx'

interface RecordListProps<T> {
  /** Names the table for a screen reader. */
  readonly label: string
  readonly query: {
    readonly data: { readonly pages: ReadonlyArray<{ readonly items: readonly T[] }> } | undefined
    readonly isError: boolean
    readonly error: unknown
    readonly refetch: () => unknown
    readonly hasNextPage: boolean
    readonly isFetchingNextPage: boolean
    readonly fetchNextPage: () => unknown
  }
  readonly columns: readonly Column<T>[]
  readonly rowKey: (row: T) => string | number
  /** What the button says that fetches the next page. */
  readonly more: string
  /** Stands where the table would, if nothing is in it. */
  readonly empty: ReactNode
}

/** A long list, a page at a time: as a table, or what to do if there is nothing, or what went wrong. */
export function RecordList<T>({ label, query, columns, rowKey, more, empty }: RecordListProps<T>) {
  const rows = query.data?.pages.flatMap((page) => page.items)
  if (query.isError) return <ProblemAlert error={query.error} onRetry={() => query.refetch()} />
  return (
    <Paper>
      {rows?.length === 0 ? (
        empty
      ) : (
        <RecordTable label={label} rows={rows} rowKey={rowKey} columns={columns} />
      )}
      <LoadMore query={query}>{more}</LoadMore>
    </Paper>
  )
}

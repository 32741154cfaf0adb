import { Skeleton, VisuallyHidden } from '@mantine/core'
import type { ReactNode } from 'react'
import './record-table.css'

export interface Column<T> {
  readonly header: string
  readonly cell: (row: T) => ReactNode
  readonly align?: 'end' | 'number'
  /** As a card, the cell takes the whole width and needs no label: the name, or the actions. */
  readonly wide?: boolean
  /** The header is only for screen readers. */
  readonly hideHeader?: boolean
}

interface RecordTableProps<T> {
  /** Names the table for a screen reader. */
  readonly label: string
  readonly columns: readonly Column<T>[]
  /** Undefined while loading: grey lines stand in, so that nothing jumps. */
  readonly rows: readonly T[] | undefined
  readonly rowKey: (row: T) => string | number
  readonly loadingRows?: number
}

const DEFAULT_LOADING_ROWS = 4

/** A table where there is room, and a list of cards where there is not. */
export function RecordTable<T>(props: RecordTableProps<T>) {
  const { label, columns, rows, rowKey, loadingRows = DEFAULT_LOADING_ROWS } = props
  return (
    <div className="kh-records">
      {/* biome-ignore lint/a11y/noRedundantRoles: laid out as cards, the elements alone lose their meaning */}
      <table role="table" aria-label={label} aria-busy={rows === undefined}>
        {/* biome-ignore lint/a11y/noRedundantRoles: as above */}
        <thead role="rowgroup">
          {/* biome-ignore lint/a11y/noRedundantRoles: as above */}
          <tr role="row">
            {columns.map((column) => (
              // biome-ignore lint/a11y/noRedundantRoles: as above
              <th role="columnheader" scope="col" key={column.header} data-align={column.align}>
                {column.hideHeader === true ? (
                  <VisuallyHidden>{column.header}</VisuallyHidden>
                ) : (
                  column.header
                )}
              </th>
            ))}
          </tr>
        </thead>
        {/* biome-ignore lint/a11y/noRedundantRoles: as above */}
        <tbody role="rowgroup">
          {rows === undefined
            ? [...Array(loadingRows).keys()].map((row) => <LoadingRow key={row} columns={columns} />)
            : rows.map((row) => <RecordRow key={rowKey(row)} row={row} columns={columns} />)}
        </tbody>
      </table>
    </div>
  )
}

function RecordRow<T>({ row, columns }: { readonly row: T; readonly columns: readonly Column<T>[] }) {
  return (
    // biome-ignore lint/a11y/noRedundantRoles: laid out as cards, the elements alone lose their meaning
    <tr role="row">
      {columns.map((column) => (
        <td
          // biome-ignore lint/a11y/noRedundantRoles: as above
          role="cell"
          key={column.header}
          data-label={column.header}
          data-align={column.align}
          data-wide={column.wide === true ? '' : undefined}
        >
          <div>{column.cell(row)}</div>
        </td>
      ))}
    </tr>
  )
}

function LoadingRow<T>({ columns }: { readonly columns: readonly Column<T>[] }) {
  return (
    <tr>
      {columns.map((column) => (
        <td key={column.header} data-label={column.header} data-wide={column.wide === true ? '' : undefined}>
          <Skeleton height={22} radius="sm" aria-hidden="true" />
        </td>
      ))}
    </tr>
  )
}

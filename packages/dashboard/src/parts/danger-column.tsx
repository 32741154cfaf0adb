import { Button, Group } from '@mantine/core'
import type { Column } from './record-table.tsx'

interface DangerColumnOptions<T> {
  /** What the button says. */
  readonly text: string
  /** For a screen reader, which must know whose button it is. */
  readonly label: (row: T) => string
  /** @defaultValue every row */
  readonly offered?: (row: T) => boolean
  readonly onClick: (row: T) => void
}

/** The last column, where a button ends what the row is about. */
export function dangerColumn<T>({ text, label, offered, onClick }: DangerColumnOptions<T>): Column<T> {
  return {
    header: 'Actions',
    hideHeader: true,
    wide: true,
    align: 'end',
    cell: (row) =>
      offered?.(row) !== false && (
        <Group justify="flex-end" className="kh-actions">
          <Button
            size="compact-sm"
            variant="default"
            c="var(--mantine-color-error)"
            aria-label={label(row)}
            onClick={() => onClick(row)}
          >
            {text}
          </Button>
        </Group>
      ),
  }
}

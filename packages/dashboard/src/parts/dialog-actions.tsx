import { Button, Group } from '@mantine/core'

interface DialogActionsProps {
  readonly submit: string
  readonly busy: boolean
  readonly onCancel: () => void
  readonly danger?: boolean
}

/** The last line of a form in a dialog: cancel first, so that a careless Tab meets the harmless one. */
export function DialogActions({ submit, busy, onCancel, danger = false }: DialogActionsProps) {
  return (
    <Group justify="flex-end" gap="sm" mt="sm">
      <Button type="button" variant="default" onClick={onCancel}>
        Cancel
      </Button>
      <Button type="submit" loading={busy} {...(danger ? { color: 'red' } : {})}>
        {submit}
      </Button>
    </Group>
  )
}

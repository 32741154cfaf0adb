import { Button } from '@mantine/core'
import { useClipboard } from '@mantine/hooks'
import { Icon } from './icon.tsx'

interface CopyButtonProps {
  readonly text: string
  /** What is copied, for a screen reader: "Copy " comes before it. */
  readonly what: string
}

const CONFIRMATION_MS = 2_000

/** Puts a text on the clipboard and says that it did. */
export function CopyButton({ text, what }: CopyButtonProps) {
  const clipboard = useClipboard({ timeout: CONFIRMATION_MS })
  const label =
    clipboard.error === null ? (clipboard.copied ? 'Copied' : 'Copy') : 'Select it and copy by hand'
  return (
    <Button
      size="compact-sm"
      variant="default"
      leftSection={<Icon name={clipboard.copied ? 'check' : 'copy'} size={15} />}
      onClick={() => clipboard.copy(text)}
      aria-label={clipboard.copied ? `Copied ${what}` : `Copy ${what}`}
    >
      <span aria-live="polite">{label}</span>
    </Button>
  )
}

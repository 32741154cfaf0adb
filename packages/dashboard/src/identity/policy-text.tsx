import { Button, FileButton, Group, Stack, Textarea } from '@mantine/core'

interface PolicyTextProps {
  readonly text: string
  /** What to do about it; true: it is said elsewhere. */
  readonly error: string | boolean
  readonly onChange: (text: string) => void
}

/** A policy's JSON: pasted, or from a file. */
export function PolicyText({ text, error, onChange }: PolicyTextProps) {
  return (
    <Stack gap={6}>
      <Textarea
        name="document"
        label="MOSIP’s JSON"
        required
        autosize
        minRows={8}
        maxRows={16}
        spellCheck={false}
        styles={{ input: { fontFamily: 'var(--mantine-font-family-monospace)', fontSize: 12.5 } }}
        value={text}
        error={error}
        onChange={(event) => onChange(event.currentTarget.value)}
      />
      <Group>
        <FileButton
          accept="application/json,.json"
          onChange={(file) => void file?.text().then(onChange)}
          inputProps={{ 'aria-label': 'File with the JSON' }}
        >
          {(props) => (
            <Button {...props} size="compact-sm" variant="default">
              Choose a file
            </Button>
          )}
        </FileButton>
      </Group>
    </Stack>
  )
}

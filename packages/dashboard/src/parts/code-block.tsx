import { Text } from '@mantine/core'
import { CopyButton } from './copy-button.tsx'
import './code-block.css'

interface CodeBlockProps {
  readonly label: string
  readonly code: string
}

/** Text to take along: shown whole, so that it can be checked, and copied with one button. */
export function CodeBlock({ label, code }: CodeBlockProps) {
  return (
    <div className="kh-code">
      <div className="kh-code-head">
        <Text size="sm" fw={500}>
          {label}
        </Text>
        <CopyButton text={code} what={label} />
      </div>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a long text scrolls, and the keyboard must reach it */}
      <section tabIndex={0} aria-label={label}>
        <pre>{code}</pre>
      </section>
    </div>
  )
}

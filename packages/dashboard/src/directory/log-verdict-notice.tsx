import { Alert, Text } from '@mantine/core'
import type { LogVerdict } from '../api/directory-log.ts'
import { CodeBlock } from '../parts/code-block.tsx'
import { Icon } from '../parts/icon.tsx'
import { Time } from '../parts/time.tsx'

/** What the check found, and what to do with it. */
export function LogVerdictNotice({ verdict }: { readonly verdict: LogVerdict }) {
  if (!verdict.valid) {
    return (
      <Alert role="alert" color="red" icon={<Icon name="alert" />} title="The log does not come to its root">
        <Text size="sm">
          Its entries, or the hashes over them, were altered after they were signed. Apps will refuse what the
          directory says. Stop the server, keep the database as it is, and run{' '}
          <span className="kh-mono">keyhaven recover</span> or restore a backup.
        </Text>
      </Alert>
    )
  }
  return (
    <>
      <Alert role="status" color="green" icon={<Icon name="check" />} title="The log holds">
        <Text size="sm">
          {verdict.size.toLocaleString()} {verdict.size === 1 ? 'entry comes' : 'entries come'} to the root
          that was signed. Checked <Time at={verdict.at} />.
        </Text>
      </Alert>
      <CodeBlock label="Root hash" code={verdict.root} />
      <Text size="sm" c="dimmed">
        This is the server’s own word. <span className="kh-mono">keyhaven log verify</span> does the same from
        outside.
      </Text>
    </>
  )
}

import { Alert, Text } from '@mantine/core'
import type { AuditVerdict } from '../api/audit.ts'
import { CodeBlock } from '../parts/code-block.tsx'
import { Icon } from '../parts/icon.tsx'

export function AuditVerdictNotice({ verdict }: { readonly verdict: AuditVerdict }) {
  if (!verdict.valid) {
    return (
      <Alert role="alert" color="red" icon={<Icon name="alert" />} title="The log was altered">
        <Text size="sm">
          {verdict.reason !== undefined && `${verdict.reason}. `}The chain breaks
          {verdict.brokenAt === undefined ? '' : ` at entry ${verdict.brokenAt}`}. What comes after it cannot
          be trusted. Keep the database as it is, and compare it with a backup.
        </Text>
      </Alert>
    )
  }
  return (
    <>
      <Alert role="status" color="green" icon={<Icon name="check" />} title="The chain holds">
        <Text size="sm">
          {verdict.entries.toLocaleString()} entries, each in its place. Write down the head: with it anybody
          can tell later that nothing before it was changed.
        </Text>
      </Alert>
      <CodeBlock label="Head of the chain" code={`${verdict.head.sequence} ${verdict.head.hash}`} />
    </>
  )
}

import { Anchor, Text } from '@mantine/core'
import { Link } from 'wouter'
import type { AuditEntry } from '../api/audit.ts'
import { applicationPath } from '../applications/application-path.ts'
import { Actor } from '../parts/actor.tsx'
import type { Column } from '../parts/record-table.tsx'
import { Time } from '../parts/time.tsx'
import { describeDetail } from './describe-detail.ts'

export const AUDIT_COLUMNS: readonly Column<AuditEntry>[] = [
  {
    header: 'Entry',
    align: 'number',
    cell: (entry) => <span title={`Hash ${entry.hash}`}>{entry.sequence}</span>,
  },
  {
    header: 'Time',
    cell: (entry) => (
      <span className="kh-nowrap">
        <Time at={entry.at} />
      </span>
    ),
  },
  {
    header: 'Action',
    cell: (entry) => (
      <Text span size="sm" fw={600} className="kh-nowrap">
        {entry.action}
      </Text>
    ),
  },
  { header: 'Actor', cell: (entry) => <Actor name={entry.actor} /> },
  { header: 'Application', cell: (entry) => <ApplicationCell id={entry.applicationId} /> },
  { header: 'What', cell: (entry) => <SubjectCell entry={entry} /> },
]

function ApplicationCell({ id }: { readonly id: string | null }) {
  if (id === null || id === undefined) return '–'
  return (
    <Anchor component={Link} href={applicationPath(id)} size="sm" style={{ overflowWrap: 'anywhere' }}>
      {id}
    </Anchor>
  )
}

function SubjectCell({ entry }: { readonly entry: AuditEntry }) {
  const detail = describeDetail(entry.detail)
  return (
    <>
      {entry.subject !== null && <span className="kh-mono">{entry.subject}</span>}
      {detail !== '' && (
        <Text size="sm" c="dimmed" style={{ overflowWrap: 'anywhere' }}>
          {detail}
        </Text>
      )}
      {entry.subject === null && detail === '' && '–'}
    </>
  )
}

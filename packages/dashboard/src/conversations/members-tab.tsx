import { Anchor, Badge, Paper, Stack, Text, Title } from '@mantine/core'
import { useState } from 'react'
import { Link } from 'wouter'
import type { ConversationDetails, MemberRole, Stay } from '../api/conversations.ts'
import { directoryPath } from '../directory/directory-path.ts'
import { UserLink } from '../directory/user-link.tsx'
import { Empty } from '../parts/empty.tsx'
import { LoadMore } from '../parts/load-more.tsx'
import { type Column, RecordTable } from '../parts/record-table.tsx'
import { Time } from '../parts/time.tsx'

interface MembersTabProps {
  readonly applicationId: string
  readonly conversation: ConversationDetails
}

const PAGE_SIZE = 100

const ROLES: Readonly<
  Record<MemberRole, { readonly label: string; readonly colour: string; readonly meaning: string }>
> = {
  owner: { label: 'Owner', colour: 'grape', meaning: 'May do everything in the conversation' },
  admin: { label: 'Admin', colour: 'blue', meaning: 'Adds, removes and ranks members; changes the rules' },
  member: { label: 'Member', colour: 'green', meaning: 'Writes, rotates and leaves' },
  reader: { label: 'Reader', colour: 'gray', meaning: 'Reads and leaves' },
}

/** Who is in it now, who was before, and how somebody is removed. */
export function MembersTab({ applicationId, conversation: { people } }: MembersTabProps) {
  const [shown, setShown] = useState(PAGE_SIZE)
  const rows = people.toSorted((a, b) => Number(a.until !== null) - Number(b.until !== null))
  const more = {
    hasNextPage: rows.length > shown,
    isFetchingNextPage: false,
    fetchNextPage: () => setShown(shown + PAGE_SIZE),
  }
  return (
    <Stack gap="lg">
      <Paper>
        {rows.length === 0 ? (
          <Empty icon="users" title="Nobody is in it">
            Everybody has left. Nobody is given a key any more.
          </Empty>
        ) : (
          <RecordTable
            label="Members"
            rows={rows.slice(0, shown).map((stay, index) => ({ ...stay, index }))}
            rowKey={({ index }) => index}
            columns={memberColumns(applicationId)}
          />
        )}
        <LoadMore query={more}>Show more members</LoadMore>
      </Paper>
      <RemovalAdvice applicationId={applicationId} />
    </Stack>
  )
}

function memberColumns(applicationId: string): readonly Column<Stay>[] {
  return [
    {
      header: 'User',
      wide: true,
      cell: ({ username }) => <UserLink applicationId={applicationId} username={username} />,
    },
    { header: 'Role', cell: ({ role }) => <RoleBadge role={role} /> },
    { header: 'Since', cell: ({ since }) => <Time at={since} /> },
    { header: 'Until', cell: ({ until }) => <Time at={until} absent="Now a member" /> },
  ]
}

function RoleBadge({ role }: { readonly role: MemberRole }) {
  const { label, colour, meaning } = ROLES[role]
  return (
    <Badge miw="max-content" color={colour} title={meaning}>
      {label}
    </Badge>
  )
}

/** An operator cannot sign a membership entry, so there is no button for it. */
function RemovalAdvice({ applicationId }: { readonly applicationId: string }) {
  return (
    <Paper p="lg">
      <Title order={2} size="h4" mb={4}>
        Remove a member
      </Title>
      <Text size="sm">
        An owner or admin of the conversation does it in the app. Every change of members is signed by a
        device of theirs, and all members see it; this server cannot sign one, so that no operator can let
        somebody in or out unseen.
      </Text>
      <Text size="sm" mt="xs">
        To shut a user out at once, revoke the user’s devices in the{' '}
        <Anchor component={Link} href={directoryPath(applicationId)} size="sm" underline="always">
          directory of users
        </Anchor>
        : a revoked device is given no key any more, and the next key is made without it.
      </Text>
    </Paper>
  )
}

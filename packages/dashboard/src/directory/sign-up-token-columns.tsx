import { Badge, Text } from '@mantine/core'
import type { SignUpToken } from '../api/sign-up-tokens.ts'
import { Actor } from '../parts/actor.tsx'
import { dangerColumn } from '../parts/danger-column.tsx'
import type { Column } from '../parts/record-table.tsx'
import { Time } from '../parts/time.tsx'
import { ProfileCell } from './profile-cell.tsx'
import { UserLink } from './user-link.tsx'
import { wrapping } from './wrapping.ts'

/**
 * @param now - milliseconds since the epoch: when the list was read.
 * @param onRevoke - absent for whoever may not revoke a token.
 */
export function signUpTokenColumns(
  applicationId: string,
  now: number,
  onRevoke: ((token: SignUpToken) => void) | undefined,
): readonly Column<SignUpToken>[] {
  const columns: Column<SignUpToken>[] = [
    { header: 'Username', cell: (token) => <NameCell applicationId={applicationId} token={token} /> },
    { header: 'State', cell: (token) => <StateCell token={token} now={now} /> },
    {
      header: 'Profile',
      cell: ({ profile }) => (profile === null ? 'Any allowed' : <ProfileCell profile={profile} />),
    },
    { header: 'Issued', cell: (token) => <Time at={token.createdAt} /> },
    { header: 'By', cell: (token) => <Actor name={token.createdBy} /> },
    { header: 'Expires', cell: (token) => <Time at={token.expiresAt} absent="Never" /> },
  ]
  if (onRevoke === undefined) return columns
  return [
    ...columns,
    dangerColumn({
      text: 'Revoke',
      label: (token) => `Revoke the token for ${token.username}`,
      offered: (token) => isOpen(token, now),
      onClick: onRevoke,
    }),
  ]
}

/** Whether it still lets somebody in. */
function isOpen(token: SignUpToken, now: number): boolean {
  return token.usedAt === null && (token.expiresAt === null || Date.parse(token.expiresAt) > now)
}

/** A used token has made a user, whose page it leads to. */
function NameCell({ applicationId, token }: { readonly applicationId: string; readonly token: SignUpToken }) {
  if (token.usedAt !== null) return <UserLink applicationId={applicationId} username={token.username} />
  return (
    <Text span size="sm" fw={600} {...wrapping(token.username)}>
      {token.username}
    </Text>
  )
}

function StateCell({ token, now }: { readonly token: SignUpToken; readonly now: number }) {
  if (token.usedAt !== null)
    return (
      <Badge miw="max-content" color="gray">
        Used
      </Badge>
    )
  return isOpen(token, now) ? (
    <Badge miw="max-content" color="green">
      Waits
    </Badge>
  ) : (
    <Badge miw="max-content" color="orange">
      Expired
    </Badge>
  )
}

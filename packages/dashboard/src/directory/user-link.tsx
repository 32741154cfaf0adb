import { Anchor } from '@mantine/core'
import { Link } from 'wouter'
import { userPath } from './directory-path.ts'
import { wrapping } from './wrapping.ts'

interface UserLinkProps {
  readonly applicationId: string
  readonly username: string
}

/** Leads to the user's page. */
export function UserLink({ applicationId, username }: UserLinkProps) {
  return (
    <Anchor
      component={Link}
      href={userPath(applicationId, username)}
      fw={600}
      size="sm"
      {...wrapping(username)}
    >
      {username}
    </Anchor>
  )
}

import { Button, Menu, Text } from '@mantine/core'
import { type Session, useSignOut } from '../api/session.ts'

/** Who is signed in, with which roles, and the way out. */
export function AccountMenu({ session }: { readonly session: Session }) {
  const signOut = useSignOut()
  return (
    <Menu position="bottom-end" width={260}>
      <Menu.Target>
        <Button variant="default" size="compact-sm" maw={220} fw={500} loading={signOut.isPending}>
          {shortName(session.actor)}
        </Button>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Label>
          <Text span size="sm" className="kh-mono">
            {session.actor}
          </Text>
          <Text size="sm">{session.roles.length === 0 ? 'No role' : session.roles.join(', ')}</Text>
        </Menu.Label>
        <Menu.Item onClick={() => signOut.mutate()}>Sign out</Menu.Item>
      </Menu.Dropdown>
    </Menu>
  )
}

/** `oidc:https://issuer#ada` is too long for a button; what comes last says who it is. */
function shortName(actor: string): string {
  return actor.includes('#') ? actor.slice(actor.lastIndexOf('#') + 1) : actor.slice(actor.indexOf(':') + 1)
}

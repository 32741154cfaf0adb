import { AppShell, Box, Burger, Button, Group } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { type ReactNode, useRef } from 'react'
import type { Session } from '../api/session.ts'
import { AccountMenu } from './account-menu.tsx'
import { Brand } from './brand.tsx'
import { Navigation } from './navigation.tsx'
import { SchemeSwitch } from './scheme-switch.tsx'
import { StatusFooter } from './status-footer.tsx'
import './shell.css'

const HEADER_PX = 56
const NAVBAR_PX = 224

/** Header, navigation and footer around a page. */
export function Shell({ session, children }: { readonly session: Session; readonly children: ReactNode }) {
  const [opened, menu] = useDisclosure(false)
  const main = useRef<HTMLElement>(null)
  return (
    <AppShell
      header={{ height: HEADER_PX }}
      navbar={{ width: NAVBAR_PX, breakpoint: 'sm', collapsed: { mobile: !opened } }}
      padding={0}
    >
      <Button className="kh-skip" onClick={() => main.current?.focus()}>
        Skip to the content
      </Button>
      <AppShell.Header>
        <Group h="100%" px="md" justify="space-between" wrap="nowrap">
          <Group gap="sm" wrap="nowrap">
            <Burger
              opened={opened}
              onClick={menu.toggle}
              hiddenFrom="sm"
              size="sm"
              aria-label={opened ? 'Close the navigation' : 'Open the navigation'}
              aria-expanded={opened}
            />
            <Brand />
          </Group>
          <AccountMenu session={session} />
        </Group>
      </AppShell.Header>
      <AppShell.Navbar p="sm" aria-label="Main">
        <AppShell.Section grow>
          <Navigation onNavigate={menu.close} />
        </AppShell.Section>
        <AppShell.Section>
          <SchemeSwitch />
        </AppShell.Section>
      </AppShell.Navbar>
      <AppShell.Main ref={main} tabIndex={-1} className="kh-main">
        <Box className="kh-page">{children}</Box>
        <StatusFooter />
      </AppShell.Main>
    </AppShell>
  )
}

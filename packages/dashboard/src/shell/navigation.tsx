import { NavLink } from '@mantine/core'
import { Link, useLocation } from 'wouter'
import { Icon, type IconName } from '../parts/icon.tsx'

interface Entry {
  readonly href: string
  readonly label: string
  readonly icon: IconName
}

const ENTRIES: readonly Entry[] = [
  { href: '/applications', label: 'Applications', icon: 'apps' },
  { href: '/audit', label: 'Audit log', icon: 'log' },
  { href: '/tokens', label: 'API tokens', icon: 'token' },
]

export function Navigation({ onNavigate }: { readonly onNavigate: () => void }) {
  const [location] = useLocation()
  return ENTRIES.map(({ href, label, icon }) => {
    const here = location === href || location.startsWith(`${href}/`)
    return (
      <NavLink
        key={href}
        component={Link}
        href={href}
        label={label}
        leftSection={<Icon name={icon} />}
        active={here}
        aria-current={here ? 'page' : undefined}
        onClick={onNavigate}
        mb={2}
        bdrs="md"
      />
    )
  })
}

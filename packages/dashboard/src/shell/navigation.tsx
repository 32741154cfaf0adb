import { NavLink } from '@mantine/core'
import { Link, useLocation } from 'wouter'
import { useMay } from '../api/session.ts'
import { Icon, type IconName } from '../parts/icon.tsx'

interface Entry {
  readonly href: string
  readonly label: string
  readonly icon: IconName
  /** Only auditors and admins may read it. */
  readonly audited: boolean
}

const ENTRIES: readonly Entry[] = [
  { href: '/applications', label: 'Applications', icon: 'apps', audited: false },
  { href: '/audit', label: 'Audit log', icon: 'log', audited: true },
  { href: '/tokens', label: 'API tokens', icon: 'token', audited: true },
]

export function Navigation({ onNavigate }: { readonly onNavigate: () => void }) {
  const [location] = useLocation()
  const mayAudit = useMay('auditor')
  return ENTRIES.filter((entry) => mayAudit || !entry.audited).map(({ href, label, icon }) => {
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

import { NavLink } from '@mantine/core'
import { Link, useLocation } from 'wouter'
import { useMay } from '../api/session.ts'
import { useIdentityAccess } from '../identity/identity-access.ts'
import { IDENTITY_PATH } from '../identity/identity-path.ts'
import { Icon, type IconName } from '../parts/icon.tsx'

interface Entry {
  readonly href: string
  readonly label: string
  readonly icon: IconName
  /** Shown to everybody; to auditors and admins; or where there is something of the capability to see. */
  readonly to: 'all' | 'auditors' | 'identity'
}

const ENTRIES: readonly Entry[] = [
  { href: '/applications', label: 'Applications', icon: 'apps', to: 'all' },
  { href: IDENTITY_PATH, label: 'Identity', icon: 'person', to: 'identity' },
  { href: '/audit', label: 'Audit log', icon: 'log', to: 'auditors' },
  { href: '/tokens', label: 'API tokens', icon: 'token', to: 'auditors' },
]

export function Navigation({ onNavigate }: { readonly onNavigate: () => void }) {
  const [location] = useLocation()
  const shown = {
    all: true,
    auditors: useMay('auditor'),
    identity: useIdentityAccess() !== undefined,
  }
  return ENTRIES.filter(({ to }) => shown[to]).map(({ href, label, icon }) => {
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

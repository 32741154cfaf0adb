import { Anchor, Breadcrumbs } from '@mantine/core'
import { Link } from 'wouter'
import { IDENTITY_PATH } from './identity-path.ts'

/** The way up from a page below the identity capability's. */
export function IdentityCrumbs({ label, href }: { readonly label: string; readonly href: string }) {
  return (
    <nav aria-label="Way up">
      <Breadcrumbs mb={6} separatorMargin={8} fz="sm" style={{ flexWrap: 'wrap' }}>
        <Anchor component={Link} href={IDENTITY_PATH} size="sm">
          Identity
        </Anchor>
        <Anchor component={Link} href={href} size="sm">
          {label}
        </Anchor>
      </Breadcrumbs>
    </nav>
  )
}

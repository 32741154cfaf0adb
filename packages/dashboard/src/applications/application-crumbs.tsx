import { Anchor, Breadcrumbs } from '@mantine/core'
import { Link } from 'wouter'
import { applicationPath } from './application-path.ts'

interface ApplicationCrumbsProps {
  readonly applicationId: string
  /** The page between the application's and this one. */
  readonly parent?: { readonly label: string; readonly href: string } | undefined
}

/** The way up from a page below an application's. */
export function ApplicationCrumbs({ applicationId, parent }: ApplicationCrumbsProps) {
  return (
    <nav aria-label="Way up">
      <Breadcrumbs mb={6} separatorMargin={8} fz="sm" style={{ flexWrap: 'wrap' }}>
        <Anchor component={Link} href="/applications" size="sm">
          All applications
        </Anchor>
        <Anchor component={Link} href={applicationPath(applicationId)} size="sm">
          {applicationId}
        </Anchor>
        {parent !== undefined && (
          <Anchor component={Link} href={parent.href} size="sm">
            {parent.label}
          </Anchor>
        )}
      </Breadcrumbs>
    </nav>
  )
}

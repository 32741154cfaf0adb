import { Anchor, Breadcrumbs } from '@mantine/core'
import { Link } from 'wouter'
import { applicationPath } from '../applications/application-path.ts'
import { directoryPath } from './directory-path.ts'

interface DirectoryCrumbsProps {
  readonly applicationId: string
  /** On a page below the directory's own. */
  readonly below?: boolean
}

/** The way up. */
export function DirectoryCrumbs({ applicationId, below = false }: DirectoryCrumbsProps) {
  return (
    <nav aria-label="Way up">
      <Breadcrumbs mb={6} separatorMargin={8} fz="sm" style={{ flexWrap: 'wrap' }}>
        <Anchor component={Link} href="/applications" size="sm">
          All applications
        </Anchor>
        <Anchor component={Link} href={applicationPath(applicationId)} size="sm">
          {applicationId}
        </Anchor>
        {below && (
          <Anchor component={Link} href={directoryPath(applicationId)} size="sm">
            Directory
          </Anchor>
        )}
      </Breadcrumbs>
    </nav>
  )
}

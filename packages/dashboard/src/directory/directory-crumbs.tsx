import { ApplicationCrumbs } from '../applications/application-crumbs.tsx'
import { directoryPath } from './directory-path.ts'

interface DirectoryCrumbsProps {
  readonly applicationId: string
  /** On a page below the directory's own. */
  readonly below?: boolean
}

/** The way up. */
export function DirectoryCrumbs({ applicationId, below = false }: DirectoryCrumbsProps) {
  const parent = { label: 'Directory', href: directoryPath(applicationId) }
  return <ApplicationCrumbs applicationId={applicationId} parent={below ? parent : undefined} />
}

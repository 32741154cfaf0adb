import { z } from '@hono/zod-openapi'
import { KeyhavenError } from '@keyhaven/crypto'
import { ADMIN_APPLICATION_ID } from '../applications/application.ts'
import { applicationIdSchema } from '../applications/application-routes.ts'
import type { ApplicationService } from '../applications/application-service.ts'
import type { State } from '../platform/state/state.ts'
import type { Directories, OpenDirectory } from './directories.ts'
import { usernameSchema } from './directory-routes.ts'

// What the routes below one application's directory have in common.

export const DIRECTORY_PATH = '/admin/v1/applications/{id}/directory'
export const MAX_SEARCH_CHARS = 128

/** How the document shows each of these routes. */
export const documented = { tags: ['Directory'], security: [{ bearer: [] }] }

export const directoryParams = z.object({ id: applicationIdSchema })
export const userParams = directoryParams.extend({ username: usernameSchema })

export interface AdminDirectoryParts {
  readonly state: State
  readonly applications: ApplicationService
  readonly directories: Directories
  /** Milliseconds since the epoch. */
  readonly clock: () => number
}

/** @throws KeyhavenError `NOT_FOUND`: no such application, or one that has no users. */
export async function openDirectory(
  { applications, directories }: Pick<AdminDirectoryParts, 'applications' | 'directories'>,
  applicationId: string,
): Promise<OpenDirectory> {
  await applications.get(applicationId)
  if (applicationId === ADMIN_APPLICATION_ID) {
    throw new KeyhavenError('NOT_FOUND', 'there is no such application')
  }
  return directories.ensure(applicationId)
}

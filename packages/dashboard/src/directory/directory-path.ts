export type DirectoryPart = 'users' | 'expiring' | 'sign-up-tokens' | 'log'

/** The address of a part of an application's directory within the dashboard. */
export function directoryPath(applicationId: string, part: DirectoryPart = 'users'): string {
  return `/applications/${encodeURIComponent(applicationId)}/directory/${part}`
}

/** The address of one user's page. */
export function userPath(applicationId: string, username: string): string {
  return `${directoryPath(applicationId)}/${usernameToSegment(username)}`
}

/**
 * A username as one segment of an address. Escapes begin with `~`: the router decodes `%` by itself, and not
 * in every place, so a name with a slash or a percent sign would not come back as it went.
 */
export function usernameToSegment(username: string): string {
  return encodeURIComponent(username).replaceAll('~', '~7E').replaceAll('%', '~')
}

/** The way back; undefined if no username gives this segment. */
export function segmentToUsername(segment: string): string | undefined {
  if (segment.includes('%')) return undefined
  try {
    return decodeURIComponent(segment.replaceAll('~', '%'))
  } catch {
    return undefined
  }
}

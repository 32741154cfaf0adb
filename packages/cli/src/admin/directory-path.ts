/** Path of an application's directory in the admin API. */
export function directoryPath(applicationId: string): string {
  return `/applications/${encodeURIComponent(applicationId)}/directory`
}

/** Path of one of its users. */
export function directoryUserPath(applicationId: string, username: string): string {
  return `${directoryPath(applicationId)}/users/${encodeURIComponent(username)}`
}

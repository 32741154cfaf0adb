export type ApplicationTab = 'keys' | 'adoption' | 'trust'

/** The address of an application's page within the dashboard. */
export function applicationPath(id: string, tab: ApplicationTab = 'keys'): string {
  return `/applications/${encodeURIComponent(id)}/${tab}`
}

import type { Output } from './output.ts'

/** What `keyhaven serve` prints when it is ready. */
export interface StartedServer {
  readonly publicUrl: string
  readonly adminUrl: string
  readonly oneTimeCode: string
}

/** Where the dashboard is, how to sign in. */
export function describeServer(output: Output, server: StartedServer): string {
  return [
    `${output.style('bold', 'Keyhaven is ready.')}`,
    `  dashboard     ${server.adminUrl}`,
    `  one-time code ${server.oneTimeCode}`,
    `  public API    ${server.publicUrl}`,
  ].join('\n')
}

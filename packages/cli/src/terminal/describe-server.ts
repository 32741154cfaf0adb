import type { Output } from './output.ts'

/** A server that has started. */
interface StartedServer {
  readonly publicUrl: string
  readonly adminUrl: string
  readonly oneTimeCode: string
  readonly defaultApplication:
    | { readonly id: string; readonly rootThumbprints: readonly string[] }
    | undefined
}

/** What a server prints when it is ready: where the dashboard is, how to sign in, and an app's first lines. */
export function describeServer(output: Output, server: StartedServer): string {
  const lines = [
    output.style('bold', 'Keyhaven is ready.'),
    '',
    `  dashboard      ${server.adminUrl}`,
    `  one-time code  ${output.style('bold', server.oneTimeCode)}`,
    `  public API     ${server.publicUrl}`,
  ]
  if (server.defaultApplication === undefined) return lines.join('\n')
  const { id, rootThumbprints } = server.defaultApplication
  const thumbprints = rootThumbprints.map((thumbprint) => `'${thumbprint}'`).join(', ')
  return [
    ...lines,
    '',
    `A first sealed call to the application "${id}":`,
    '',
    "  import { connect } from '@keyhaven/sdk'",
    `  const trust = { rootThumbprints: [${thumbprints}] }`,
    `  const keyhaven = connect({ url: '${server.publicUrl}', applicationId: '${id}', trust })`,
    "  const answer = await keyhaven.fetch('/v1/echo', { method: 'POST', body: 'hello' })",
  ].join('\n')
}

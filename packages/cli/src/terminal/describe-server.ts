import type { RunningServer } from '@keyhaven/server'
import type { Output } from './output.ts'

/** What a server prints when it is ready: where the dashboard is, how to sign in, and an app's first lines. */
export function describeServer(output: Output, server: RunningServer): string {
  const lines = addresses(output, server)
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

/** What a gateway prints when it is ready. */
export function describeGateway(output: Output, server: RunningServer, upstreams: readonly string[]): string {
  return [...addresses(output, server), ...upstreams.map((origin) => `  backend        ${origin}`)].join('\n')
}

function addresses(output: Output, server: RunningServer): string[] {
  return [
    output.style('bold', 'Keyhaven is ready.'),
    '',
    `  dashboard      ${server.adminUrl}`,
    `  one-time code  ${output.style('bold', server.oneTimeCode)}`,
    `  public API     ${server.publicUrl}`,
  ]
}

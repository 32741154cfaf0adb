import type { Config, RunningServer } from '@keyhaven/server'
import type { Output } from './output.ts'

/**
 * What a server prints when it is ready: where the dashboard is, how to sign in, and an app's first lines; of a
 * role that serves no apps, what comes next.
 */
export function describeServer(
  output: Output,
  server: RunningServer,
  { identity, dataDir }: Pick<Config, 'identity' | 'dataDir'>,
): string {
  const call = "fetch('/v1/echo', { method: 'POST', body: 'hello' })"
  const role =
    identity === undefined ? [] : [`  role           ${identity.role}, profile ${identity.profile}`]
  const next =
    identity === undefined || identity.role === 'main'
      ? firstCall(server, call, 'json')
      : nextOfRole(identity.role, `--server ${server.adminUrl} --data ${dataDir}`)
  return [...addresses(output, server), ...role, ...next].join('\n')
}

/** @param where - options that name this server to a command. */
function nextOfRole(role: 'ida' | 'oprf', where: string): string[] {
  return role === 'ida'
    ? ['', 'Its certificate, which its issuer registers:', '', `  keyhaven auth partner-key ${where}`]
    : [
        '',
        'A token for each server that calls it:',
        '',
        `  keyhaven tokens add NAME --role identity-service ${where}`,
      ]
}

/**
 * What a gateway prints when it is ready: its backends too, and a call that reaches the first of them.
 *
 * @param applicationId - the one application that it serves, if it was told one.
 */
export function describeGateway(
  output: Output,
  server: RunningServer,
  upstreams: readonly string[],
  applicationId: string | undefined,
): string {
  const backends = upstreams.map((origin) => `  backend        ${origin}`)
  const lines = [...addresses(output, server), ...backends]
  if (server.defaultApplication === undefined && applicationId !== undefined) {
    lines.push('', `There is no application "${applicationId}" yet: make it with \`keyhaven apps add\`.`)
  }
  return [...lines, ...firstCall(server, "fetch('/')", 'text')].join('\n')
}

/** An app's first lines, with the thumbprints that it ships. */
function firstCall(server: RunningServer, call: string, body: 'json' | 'text'): string[] {
  if (server.defaultApplication === undefined) return []
  const { id, log, rootThumbprints } = server.defaultApplication
  const thumbprints = rootThumbprints.map((thumbprint) => `'${thumbprint}'`).join(', ')
  return [
    '',
    `A first sealed call to the application "${id}":`,
    '',
    "  import { connect } from '@keyhaven/sdk'",
    ...(log === undefined
      ? [`  const trust = { rootThumbprints: [${thumbprints}] }`]
      : [`  const log = '${log}'`, `  const trust = { rootThumbprints: [${thumbprints}], log }`]),
    `  const keyhaven = connect({ url: '${server.publicUrl}', applicationId: '${id}', trust })`,
    `  const answer = await keyhaven.${call}`,
    `  console.log(answer.status, await answer.${body}())`,
  ]
}

function addresses(output: Output, server: RunningServer): string[] {
  return [
    output.style('bold', 'Keyhaven is ready.'),
    '',
    `  dashboard      ${server.adminUrl}`,
    `  one-time code  ${output.style('bold', server.oneTimeCode)}`,
    `  public API     ${server.publicUrl}`,
    ...(server.identityUrl === undefined ? [] : [`  identity API   ${server.identityUrl}`]),
  ]
}

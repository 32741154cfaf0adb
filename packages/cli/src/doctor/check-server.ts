import type { Application, Page, ServerStatus } from '../admin/admin-api.ts'
import { type AdminClient, connectAdmin, isLoopback, parseServerUrl } from '../admin/admin-client.ts'
import { type ServerOptions, serverToReach } from '../admin/server-options.ts'
import { CommandError } from '../command-error.ts'
import type { Context } from '../context.ts'
import { fetchManifest } from '../input/fetch-manifest.ts'
import { type Check, failed, failedBy, ok, skipped } from './check.ts'
import { callableUrl } from './listen-url.ts'

/** The channel refuses requests further off than this (docs/formats.md). */
const CLOCK_TOLERANCE_MS = 30_000
const MANIFESTS_MAX = 20
const MS_PER_SECOND = 1_000
const ANSWER_TIMEOUT_MS = 5_000

/**
 * Is the admin API reachable, is its clock ours, do apps get manifests that verify?
 *
 * @param publicUrl - where apps call the server, if the settings name it; otherwise the server is asked.
 */
export async function checkServer(
  context: Context,
  options: ServerOptions,
  publicUrl: string | undefined,
): Promise<Check[]> {
  const server = 'server'
  const { hostname } = parseServerUrl(serverToReach(context, options).server)
  try {
    using admin = await connectAdmin(context, options)
    const before = context.now()
    const { value, date } = await admin.getWithDate<ServerStatus>('/status')
    const status =
      `${value.version} on ${value.database}, ${value.workers} ` +
      `${value.workers === 1 ? 'process' : 'processes'}, since ${value.startedAt}`
    return [
      ok(server, status),
      checkClock(date, before, context.now()),
      ...(await checkManifests(context, admin, publicUrl ?? value.publicUrl, hostname)),
    ]
  } catch (error) {
    // Before the first start there is neither server nor token, and nothing is wrong with that.
    if (error instanceof CommandError && isLoopback(hostname)) {
      if (error.code === 'GATEWAY_UNAVAILABLE') return [skipped(server, `${error.message}: it does not run`)]
      if (error.code === 'UNAUTHENTICATED' && !(await answers(context, options))) {
        return [skipped(server, 'it does not run, and there is no token for it yet')]
      }
    }
    return [failedBy(server, error, 'Check --server.')]
  }
}

/** Whether anything answers there, be it that we are not let in. */
async function answers(context: Context, options: ServerOptions): Promise<boolean> {
  const url = parseServerUrl(serverToReach(context, options).server)
  try {
    await context.fetch(url.href, { redirect: 'manual', signal: AbortSignal.timeout(ANSWER_TIMEOUT_MS) })
    return true
  } catch {
    return false
  }
}

function checkClock(date: string | null, before: number, after: number): Check {
  const name = 'clock'
  const server = date === null ? Number.NaN : Date.parse(date)
  if (Number.isNaN(server)) return skipped(name, 'the server did not say its time')
  // An HTTP date has whole seconds.
  const ahead = server - after
  const behind = before - (server + MS_PER_SECOND)
  const difference = Math.max(ahead, behind, 0)
  if (difference <= CLOCK_TOLERANCE_MS) return ok(name, 'agrees with the server')
  return failed(
    name,
    `differs from the server's by ${Math.round(difference / MS_PER_SECOND)} s`,
    'Set the clock of the machine that is wrong, for instance with NTP.',
  )
}

async function checkManifests(
  context: Context,
  admin: AdminClient,
  address: string,
  serverHost: string,
): Promise<Check[]> {
  const publicUrl = callableUrl(address, serverHost)
  if (publicUrl === undefined) {
    const detail = `the server's own public address, ${address}, cannot be called from here`
    return [skipped('manifest', `${detail}; give --public-url to check what apps get`)]
  }
  const { items } = await admin.get<Page<Application>>('/applications', { limit: MANIFESTS_MAX })
  const { backend } = await import('@keyhaven/crypto')
  const { verifyManifest } = await import('@keyhaven/channel')
  const checks: Check[] = []
  for (const application of items) {
    const name = `manifest ${application.id}`
    try {
      const manifest = await verifyManifest(
        backend,
        await fetchManifest(context, publicUrl, application.id),
        {
          application: application.id,
          rootThumbprints: application.trust.rootThumbprints,
          now: Math.floor(context.now() / MS_PER_SECOND),
        },
      )
      checks.push(
        ok(name, `epoch ${manifest.epoch}, sequence ${manifest.sequence}, ${manifest.keys.length} keys`),
      )
    } catch (error) {
      const { id } = application
      const advice = `See \`keyhaven trust status ${id}\`: with an offline root it may need a delegation.`
      checks.push(failedBy(name, error, advice))
    }
  }
  return checks
}

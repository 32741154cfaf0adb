import { type ConnectOptions, connect, type Me } from '@keyhaven/sdk'
import type { DashboardKit } from './dashboard.ts'
import { issueToken } from './dashboard-directory.ts'

/** A user with a whole SDK on one device, which can talk. Close it after use. */
export async function enrollMember(kit: DashboardKit, application: string, username: string): Promise<Me> {
  const { rootThumbprints } = await kit.admin<{ rootThumbprints: string[] }>(
    'GET',
    `/applications/${application}/trust`,
  )
  const { verifierKey } = await kit.admin<{ verifierKey: string }>(
    'GET',
    `/applications/${application}/directory/log`,
  )
  const options: ConnectOptions = {
    url: kit.server.publicUrl,
    applicationId: application,
    trust: { rootThumbprints, log: verifierKey },
  }
  const token = await issueToken(kit, application, username)
  return connect(options).enroll({ username, token })
}

/** The API token of an operator who may do everything. */
export async function makeOperator(kit: DashboardKit, name: string): Promise<string> {
  return (await kit.admin<{ token: string }>('POST', '/tokens', { name, roles: ['admin'] })).token
}

import type { OpenAPIHono } from '@hono/zod-openapi'
import { KeyhavenError } from '@keyhaven/crypto'
import { ADMIN_APPLICATION_ID } from '../../applications/application.ts'
import type { ApplicationService } from '../../applications/application-service.ts'
import type { AdminEnv } from '../../platform/auth/principal.ts'
import { createJobs } from '../../platform/jobs/jobs.ts'
import type { ServerParts } from '../../server-parts.ts'
import { addAdminShareRoutes } from '../events/admin-share-routes.ts'
import { addAdminPartnerRoutes } from './admin-partner-routes.ts'
import { addAdminPolicyRoutes } from './admin-policy-routes.ts'
import type { OpenPartners } from './open-partners.ts'

type Parts = Pick<ServerParts, 'state' | 'config' | 'objects' | 'clock'>

/** What the identity capability of this process has: its keys, in an HSM perhaps, and its jobs. */
export interface ServedPartners {
  readonly applicationId: string
  /** Of the process of role `main`. */
  readonly main?: { readonly partners: OpenPartners }
}

/** Partners, policies, shares and events in the admin API, of every application. */
export function addPartnerAdminRoutes(
  app: OpenAPIHono<AdminEnv>,
  parts: Parts,
  applications: Pick<ApplicationService, 'get'>,
  served?: ServedPartners,
): void {
  const { state, config, objects, clock } = parts
  const jobs = createJobs(state, clock)
  const opened = new Map<string, OpenPartners>()
  const services = async (applicationId: string): Promise<OpenPartners> => {
    await applications.get(applicationId)
    if (applicationId === ADMIN_APPLICATION_ID) {
      throw new KeyhavenError('NOT_FOUND', 'there is no such application')
    }
    if (served?.main !== undefined && served.applicationId === applicationId) return served.main.partners
    const known = opened.get(applicationId)
    if (known !== undefined) return known
    // Loaded when they are asked for: most servers have no identity capability.
    const [{ openPartners }, { createIdentityKeys }] = await Promise.all([
      import('./open-partners.ts'),
      import('../keys/create-identity-keys.ts'),
    ])
    const profile = config.identity?.profile ?? 'mosip'
    const made = openPartners({
      ...{ state, config, applicationId, profile, jobs, objects, clock },
      keys: createIdentityKeys({ state, applicationId, profile, role: 'main', clock }),
      // No share is made here.
      url: () => config.identity?.url ?? '',
    })
    opened.set(applicationId, made)
    return made
  }
  addAdminPartnerRoutes(app, { services })
  addAdminPolicyRoutes(app, { services })
  addAdminShareRoutes(app, { services })
}

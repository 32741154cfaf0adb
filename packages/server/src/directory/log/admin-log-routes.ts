import type { OpenAPIHono } from '@hono/zod-openapi'
import { createRoute, z } from '@hono/zod-openapi'
import { requirePermission } from '../../platform/auth/authenticate.ts'
import type { AdminEnv } from '../../platform/auth/principal.ts'
import { json, problemAnswers, timeSchema } from '../../platform/http/schemas.ts'
import {
  type AdminDirectoryParts,
  DIRECTORY_PATH,
  directoryParams,
  documented,
  openDirectory,
} from '../admin-directory-api.ts'
import { listWitnesses } from '../directory-reports.ts'
import { checkLog, type LogVerdict } from './check-log.ts'

const logSchema = z
  .object({
    origin: z.string(),
    verifierKey: z.string().openapi({ description: 'C2SP verifier key: what apps are configured with' }),
    size: z.int(),
    root: z.string().openapi({ description: 'Base64' }),
    checkpoint: z.string().openapi({ description: 'Signed note' }),
    at: timeSchema,
    witnesses: z.array(z.object({ name: z.string(), lastCosignedAt: timeSchema.nullable() })),
  })
  .openapi('DirectoryLog')

const verdictSchema = z
  .object({ valid: z.boolean(), size: z.int(), root: z.string(), at: timeSchema })
  .openapi('LogVerdict')

export const adminLogRoutes = {
  log: createRoute({
    method: 'get',
    path: `${DIRECTORY_PATH}/log`,
    ...documented,
    summary: 'The log: what apps are configured with, its size and newest checkpoint',
    middleware: [requirePermission('read')],
    request: { params: directoryParams },
    responses: {
      200: { description: 'The log', content: json(logSchema) },
      ...problemAnswers(400, 401, 403, 404),
    },
  }),
  checkLog: createRoute({
    method: 'post',
    path: `${DIRECTORY_PATH}/log/check`,
    ...documented,
    summary: 'Recompute the log from all its entries, and compare root and stored nodes',
    middleware: [requirePermission('read')],
    request: { params: directoryParams },
    responses: {
      200: { description: 'The verdict', content: json(verdictSchema) },
      ...problemAnswers(400, 401, 403, 404),
    },
  }),
}

/** The log as its server sees it. */
export function addAdminLogRoutes(app: OpenAPIHono<AdminEnv>, parts: AdminDirectoryParts): void {
  const { state, directories, clock } = parts
  const checks = new Map<string, Promise<LogVerdict>>()

  app.openapi(adminLogRoutes.log, async (c) => {
    const { id } = c.req.valid('param')
    const { keys } = await openDirectory(parts, id)
    const { origin, note, size, root, signedAt } = await directories.log.checkpoint(id)
    const witnesses = await listWitnesses(state.db, id, state.config.directory.witnesses)
    const answer = {
      origin,
      verifierKey: keys.verifierKey,
      size,
      root: Buffer.from(root).toString('base64'),
      checkpoint: note,
      at: new Date(signedAt).toISOString(),
      witnesses: witnesses.map(({ name, lastCosignedAt }) => ({
        name,
        lastCosignedAt: lastCosignedAt === null ? null : new Date(lastCosignedAt).toISOString(),
      })),
    }
    return c.json(answer, 200)
  })

  app.openapi(adminLogRoutes.checkLog, async (c) => {
    const { id } = c.req.valid('param')
    await openDirectory(parts, id)
    // One at a time: hashing a long log takes a while.
    let check = checks.get(id)
    if (check === undefined) {
      check = checkLog(directories.log, id).finally(() => checks.delete(id))
      checks.set(id, check)
    }
    const { valid, size, root } = await check
    await state.transaction(async (transaction) => {
      const detail = { valid, size }
      const { actor } = c.var.principal
      state.audit.append(transaction, { actor, action: 'directory.log.check', applicationId: id, detail })
    })
    const at = new Date(clock()).toISOString()
    return c.json({ valid, size, root: Buffer.from(root).toString('base64'), at }, 200)
  })
}

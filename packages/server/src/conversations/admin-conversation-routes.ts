import type { OpenAPIHono } from '@hono/zod-openapi'
import { createRoute, z } from '@hono/zod-openapi'
import { decodeReceipt } from '@keyhaven/conversations'
import { KeyhavenError, utf8 } from '@keyhaven/crypto'
import { ADMIN_APPLICATION_ID } from '../applications/application.ts'
import { applicationIdSchema } from '../applications/application-routes.ts'
import type { ApplicationService } from '../applications/application-service.ts'
import { usernameSchema } from '../directory/directory-routes.ts'
import { requirePermission } from '../platform/auth/authenticate.ts'
import type { AdminEnv } from '../platform/auth/principal.ts'
import { decodeCursor, encodeCursor } from '../platform/http/page-cursor.ts'
import { body, json, page, pageQuerySchema, problemAnswers, timeSchema } from '../platform/http/schemas.ts'
import type { State } from '../platform/state/state.ts'
import {
  detailSchema,
  exportedKeyJson,
  exportedKeySchema,
  exportJson,
  exportSchema,
  keyJson,
  reportJson,
  reportSchema,
  stayJson,
} from './admin-conversation-json.ts'
import { listReceipts, listReports, readReport } from './admin-conversation-reports.ts'
import { idSchema, receiptSchema } from './conversation-schemas.ts'
import type { Conversations } from './conversations.ts'
import { exact } from './exact.ts'

const PATH = '/admin/v1/applications/{id}/conversations'
const MAX_REASON_CHARS = 500

const documented = { tags: ['Conversations'], security: [{ bearer: [] }] }
const params = z.object({ id: applicationIdSchema })
const one = params.extend({ conversation: idSchema })
const oneExport = one.extend({ export: idSchema })
// Who talks with whom is nothing that everybody who manages keys needs to see.
const reads = [requirePermission('read-audit')]
const administers = [requirePermission('administer')]

export const adminConversationRoutes = {
  list: createRoute({
    method: 'get',
    path: PATH,
    ...documented,
    summary: 'List conversations: members, keys and receipts in number, never content',
    middleware: reads,
    request: { params, query: pageQuerySchema.extend({ username: usernameSchema.optional() }) },
    responses: {
      200: { description: 'By id', content: page(reportSchema) },
      ...problemAnswers(400, 401, 403, 404),
    },
  }),
  show: createRoute({
    method: 'get',
    path: `${PATH}/{conversation}`,
    ...documented,
    summary: 'A conversation: members, rules, keys and exports',
    middleware: reads,
    request: { params: one },
    responses: {
      200: { description: 'Without any key', content: json(detailSchema) },
      ...problemAnswers(400, 401, 403, 404),
    },
  }),
  receipts: createRoute({
    method: 'get',
    path: `${PATH}/{conversation}/receipts`,
    ...documented,
    summary: 'Who was given which key or file',
    middleware: reads,
    request: { params: one, query: pageQuerySchema },
    responses: {
      200: { description: 'Newest first', content: page(receiptSchema) },
      ...problemAnswers(400, 401, 403, 404),
    },
  }),
  rotate: createRoute({
    method: 'post',
    path: `${PATH}/{conversation}/rotate`,
    ...documented,
    summary: 'Make a new key of a managed conversation',
    middleware: administers,
    request: { params: one },
    responses: {
      201: { description: 'Its id', content: json(z.object({ id: z.string() })) },
      ...problemAnswers(400, 401, 403, 404),
    },
  }),
  requestExport: createRoute({
    method: 'post',
    path: `${PATH}/{conversation}/exports`,
    ...documented,
    summary: 'Ask for the keys of a managed conversation; another operator must approve',
    middleware: administers,
    request: {
      params: one,
      body: body(
        z.strictObject({
          reason: z.string().trim().min(1).max(MAX_REASON_CHARS),
          from: timeSchema.optional(),
          to: timeSchema.optional(),
        }),
      ),
    },
    responses: {
      201: { description: 'Waits for the second operator', content: json(exportSchema) },
      ...problemAnswers(400, 401, 403, 404),
    },
  }),
  approveExport: createRoute({
    method: 'post',
    path: `${PATH}/{conversation}/exports/{export}/approve`,
    ...documented,
    summary: 'Approve an export that another operator asked for',
    middleware: administers,
    request: { params: oneExport },
    responses: {
      200: { description: 'Approved', content: json(exportSchema) },
      ...problemAnswers(400, 401, 403, 404, 409),
    },
  }),
  exportedKeys: createRoute({
    method: 'get',
    path: `${PATH}/{conversation}/exports/{export}/keys`,
    ...documented,
    summary: 'The keys, once, for one of the two operators; members see a receipt of each',
    middleware: administers,
    request: { params: oneExport },
    responses: {
      200: {
        description: 'Each with its receipt',
        content: json(z.object({ items: z.array(exportedKeySchema) })),
      },
      ...problemAnswers(400, 401, 403, 404, 409),
    },
  }),
}

export interface AdminConversationParts {
  readonly state: State
  readonly applications: ApplicationService
  readonly conversations: Conversations
}

export function addAdminConversationRoutes(app: OpenAPIHono<AdminEnv>, parts: AdminConversationParts): void {
  const { conversations, state } = parts

  /** @throws KeyhavenError `NOT_FOUND` */
  async function requireApplication(id: string): Promise<void> {
    await parts.applications.get(id)
    if (id === ADMIN_APPLICATION_ID) throw new KeyhavenError('NOT_FOUND', 'there is no such application')
  }

  async function requireReport(application: string, id: string) {
    await requireApplication(application)
    const report = await readReport(state.db, application, id)
    if (report === undefined) throw new KeyhavenError('NOT_FOUND', 'there is no such conversation')
    return report
  }

  async function open(application: string, conversation: string) {
    await requireReport(application, conversation)
    return conversations.open(application)
  }

  /** An export is reached through its conversation only. */
  async function openExport({ id, conversation, export: exportId }: z.infer<typeof oneExport>) {
    const report = await requireReport(id, conversation)
    if (!report.exports.some((row) => row.id === exportId)) {
      throw new KeyhavenError('NOT_FOUND', 'there is no such export')
    }
    return conversations.open(id)
  }

  app.openapi(adminConversationRoutes.list, async (c) => {
    const { id } = c.req.valid('param')
    const { cursor, limit, username } = c.req.valid('query')
    await requireApplication(id)
    const [after = ''] = cursor === undefined ? [] : decodeCursor(cursor, 'text')
    const found = await listReports(state.db, id, { after, limit: limit + 1, username })
    const items = found.slice(0, limit).map(reportJson)
    return c.json({ items, nextCursor: found.length > limit ? encodeCursor([items.at(-1)!.id]) : null }, 200)
  })

  app.openapi(adminConversationRoutes.show, async (c) => {
    const { id, conversation } = c.req.valid('param')
    const report = await requireReport(id, conversation)
    const { history, rotation } = report.conversation
    const answer = {
      ...reportJson(report),
      ...{ history, rotation },
      people: report.stays.map(stayJson),
      newestKeys: report.shownKeys.map(keyJson),
      exports: report.exports.map(exportJson),
    }
    return c.json(exact(answer), 200)
  })

  app.openapi(adminConversationRoutes.receipts, async (c) => {
    const { id, conversation } = c.req.valid('param')
    const { cursor, limit } = c.req.valid('query')
    await requireReport(id, conversation)
    const [below = Number.MAX_SAFE_INTEGER] = cursor === undefined ? [] : decodeCursor(cursor, 'number')
    const found = await listReceipts(state.db, id, conversation, below, limit + 1)
    const items = found
      .slice(0, limit)
      .map(({ item, commitment }) => ({ receipt: decodeReceipt(utf8(item)), commitment }))
    const next = found.length > limit ? encodeCursor([items.at(-1)!.receipt.sequence]) : null
    return c.json(exact({ items, nextCursor: next }), 200)
  })

  app.openapi(adminConversationRoutes.rotate, async (c) => {
    const { id, conversation } = c.req.valid('param')
    const service = await open(id, conversation)
    const { actor } = c.var.principal
    return c.json({ id: await service.rotateByOperator(id, conversation, actor) }, 201)
  })

  app.openapi(adminConversationRoutes.requestExport, async (c) => {
    const { id, conversation } = c.req.valid('param')
    const { reason, from, to } = c.req.valid('json')
    const service = await open(id, conversation)
    const input = {
      reason,
      from: from === undefined ? null : Date.parse(from),
      to: to === undefined ? null : Date.parse(to),
    }
    const made = await service.requestExport(id, conversation, input, c.var.principal.actor)
    return c.json(exportJson(made), 201)
  })

  app.openapi(adminConversationRoutes.approveExport, async (c) => {
    const named = c.req.valid('param')
    const service = await openExport(named)
    return c.json(exportJson(await service.approveExport(named.id, named.export, c.var.principal.actor)), 200)
  })

  app.openapi(adminConversationRoutes.exportedKeys, async (c) => {
    const named = c.req.valid('param')
    const service = await openExport(named)
    const keys = await service.downloadExport(named.id, named.export, c.var.principal.actor)
    return c.json(exact({ items: keys.map(exportedKeyJson) }), 200)
  })
}

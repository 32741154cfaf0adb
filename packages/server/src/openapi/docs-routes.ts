import { randomBytes } from 'node:crypto'
import type { OpenAPIHono } from '@hono/zod-openapi'
import type { AppEnv } from '../platform/http/call-origin.ts'
import { PAGE_HEADERS, staticPageCsp } from '../platform/http/html-page.ts'
import type { OpenApiDocument } from './openapi-document.ts'

const NONCE_BYTES = 16

/** `/openapi.json` and its readable page. The description is built when it is first asked for. */
export function addDocsRoutes<Env extends AppEnv>(app: OpenAPIHono<Env>): void {
  let document: Promise<OpenApiDocument> | undefined
  const load = () => {
    document ??= import('./openapi-document.ts').then((module) => module.buildOpenApiDocument())
    return document
  }

  app.get('/openapi.json', async (c) => c.json(await load()))

  app.get('/docs', async () => {
    const { openApiPage } = await import('./openapi-page.ts')
    const nonce = randomBytes(NONCE_BYTES).toString('base64')
    return new Response(openApiPage(await load(), nonce), {
      headers: {
        ...PAGE_HEADERS,
        'content-type': 'text/html; charset=utf-8',
        'content-security-policy': staticPageCsp(nonce),
      },
    })
  })
}

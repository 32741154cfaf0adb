import type { OpenAPIHono } from '@hono/zod-openapi'
import type { AppEnv } from '../platform/http/call-origin.ts'
import { PAGE_HEADERS } from '../platform/http/html-page.ts'
import { problemResponse } from '../platform/http/problem.ts'

const INDEX = '/index.html'
/** Names there carry a hash of their content. */
const IMMUTABLE_PREFIX = '/assets/'
/** Addresses that are never a page of the dashboard. */
const NO_PAGE = /^\/(?:admin|assets|gateway|v1|\.well-known)(?:\/|$)/

/**
 * Scripts and fonts only from here; styles also inline, because the component library writes `<style>`
 * elements at run time: they cannot run anything, and there is no foreign text in a page's markup.
 */
const DASHBOARD_CSP = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data:",
  "font-src 'self'",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ')

/**
 * The dashboard's files. Its pages live behind the hash, so any other address that a browser opens is sent to
 * the page of that name. Add these routes last.
 */
export function addDashboardRoutes<Env extends AppEnv>(app: OpenAPIHono<Env>): void {
  let assets: ReturnType<typeof load> | undefined
  const load = async () => (await import('@keyhaven/dashboard/assets')).dashboardAssets()

  app.get('*', async (c) => {
    assets ??= load()
    const files = await assets
    const path = c.req.path === '/' ? INDEX : c.req.path
    const file = files.get(path)
    const isPage = !NO_PAGE.test(path) && (c.req.header('accept') ?? '').includes('text/html')
    if (!file && isPage) return c.redirect(`/#${path}`)
    if (!file) return problemResponse('NOT_FOUND', { detail: 'There is nothing at this address.' })
    return new Response(file.body as Uint8Array<ArrayBuffer>, {
      headers: {
        ...PAGE_HEADERS,
        'content-type': file.contentType,
        'cache-control': path.startsWith(IMMUTABLE_PREFIX)
          ? 'public, max-age=31536000, immutable'
          : 'no-cache',
        'content-security-policy': DASHBOARD_CSP,
      },
    })
  })
}

import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { loadConfig, type RunningServer, startServer } from '@keyhaven/server'
import type { AxeResults, RunOptions } from 'axe-core'
import type { Browser, BrowserContextOptions, Page } from 'playwright-core'
import { ensureDashboard } from '../../tools/run/dashboard.ts'
import { launchChromium } from './chromium.ts'

/** A long token of our own, so that a test can look for it where it must not be. */
export const ADMIN_TOKEN = 'dashboard-test-admin-token-0123456789'

export const DESKTOP = { width: 1280, height: 860 }
/** No measure of time: a machine that runs every test at once is slow. */
const PATIENCE_MS = 60_000
/** A small phone: nothing may be wider. */
export const PHONE = { width: 375, height: 720 }

export interface SignedInOptions extends BrowserContextOptions {
  /** The page to begin with, such as `/audit`. @defaultValue the dashboard's first */
  readonly at?: string
  /** Whose session it is. @defaultValue the admin token */
  readonly token?: string
}

export interface DashboardKit {
  readonly server: RunningServer
  /** A fresh browser profile on the dashboard's first page. */
  open(options?: BrowserContextOptions): Promise<DashboardPage>
  /** A fresh browser profile with a session of its own, by the sign-in page's call, on a settled page. */
  openSignedIn(options?: SignedInOptions): Promise<DashboardPage>
  /** Calls the admin API as a program does. Answers the body of a 2xx. */
  admin<T>(method: string, path: string, body?: unknown): Promise<T>
  close(): Promise<void>
}

export interface DashboardPage {
  readonly page: Page
  /** What the browser complained about: errors of scripts and refusals of the page's policy. */
  readonly complaints: readonly string[]
  /** Loads the dashboard anew, on one of its pages, such as `/audit`. */
  visit(route: string): Promise<void>
  close(): Promise<void>
}

/** The real server on a temporary SQLite folder, and a real browser. */
export async function startDashboard(settings: Readonly<Record<string, string>> = {}): Promise<DashboardKit> {
  await ensureDashboard()
  const dataDir = await mkdtemp(join(tmpdir(), 'keyhaven-dashboard-'))
  const config = loadConfig({
    KEYHAVEN_PORT: '0',
    KEYHAVEN_ADMIN_LISTEN: '127.0.0.1:0',
    KEYHAVEN_DATA_DIR: dataDir,
    KEYHAVEN_ADMIN_TOKEN: ADMIN_TOKEN,
    KEYHAVEN_LOG_LEVEL: 'silent',
    ...settings,
  })
  const server = await startServer(config)
  const browser = await launchChromium()
  return {
    server,
    open: async (options) => {
      const opened = await openPage(browser, server.adminUrl, options)
      await opened.page.goto(server.adminUrl)
      return opened
    },
    openSignedIn: async ({ at = '/', token = ADMIN_TOKEN, ...options } = {}) => {
      const opened = await openPage(browser, server.adminUrl, options)
      const session = await opened.page.request.post(`${server.adminUrl}/admin/v1/session`, {
        data: { token },
      })
      if (!session.ok()) throw new Error(`no session: ${session.status()} ${await session.text()}`)
      await opened.visit(at)
      return opened
    },
    admin: (method, path, body) => callAdmin(server.adminUrl, method, path, body),
    close: async () => {
      await browser.close()
      await server.close()
      await rm(dataDir, { recursive: true })
    },
  }
}

/** A fresh browser profile, on no page yet. */
async function openPage(
  browser: Browser,
  adminUrl: string,
  options: BrowserContextOptions = {},
): Promise<DashboardPage> {
  const context = await browser.newContext({
    viewport: DESKTOP,
    locale: 'en-GB',
    timezoneId: 'Europe/Oslo',
    reducedMotion: 'reduce',
    ...options,
  })
  context.setDefaultTimeout(PATIENCE_MS)
  const page = await context.newPage()
  const complaints: string[] = []
  page.on('pageerror', (error) => complaints.push(error.message))
  page.on('console', (message) => {
    // A refusal of the API is shown in the page; the browser notes it too.
    const isAnswer = message.text().startsWith('Failed to load resource: the server responded')
    if (message.type() === 'error' && !isAnswer) complaints.push(message.text())
  })
  return {
    page,
    complaints,
    visit: async (route) => {
      const address = `${adminUrl}/#${route}`
      if (page.url().startsWith(`${adminUrl}/`)) {
        // By way of another site it would be a new process of the browser, which compiles every script again.
        await page.evaluate((to) => history.replaceState(null, '', to), address)
        await page.reload()
      } else {
        await page.goto(address)
      }
      await settle(page)
    },
    close: () => context.close(),
  }
}

export async function signIn(page: Page, way: 'code' | 'token', secret: string): Promise<void> {
  if (way === 'token') await page.getByText('API token', { exact: true }).click()
  const label = way === 'code' ? 'One-time code' : 'API token'
  await page.getByRole('textbox', { name: label }).fill(secret)
  await page.getByRole('button', { name: 'Sign in', exact: true }).click()
}

/** Waits until nothing is being loaded: no grey line and no spinner is left. */
export async function settle(page: Page): Promise<void> {
  await page.getByRole('heading', { level: 1 }).waitFor()
  await page.waitForFunction(
    () => document.querySelector('.mantine-Skeleton-root, .mantine-Loader-root') === null,
  )
}

const AXE_PATH = createRequire(import.meta.url).resolve('axe-core/axe.min.js')

/** Axe's rules on colours, but for the one that asks for more contrast than WCAG's level AA does. */
const COLOUR_RULES = ['color-contrast', 'link-in-text-block']

/**
 * What axe finds serious or critical, as lines that name the rule and the element.
 *
 * @param rules - `colours`: only what depends on them.
 */
export async function seriousFaults(page: Page, rules: 'all' | 'colours' = 'all'): Promise<string[]> {
  if (!(await page.evaluate(() => 'axe' in globalThis))) {
    await page.evaluate(await readFile(AXE_PATH, 'utf8'))
  }
  const results: AxeResults = await page.evaluate(
    (options) =>
      (globalThis as unknown as { axe: { run(options: RunOptions): Promise<AxeResults> } }).axe.run(options),
    {
      resultTypes: ['violations'],
      preload: false,
      selectors: false,
      // The dearest of those whose faults are moderate, and do not count here.
      rules: { region: { enabled: false } },
      ...(rules === 'colours' && { runOnly: { type: 'rule', values: COLOUR_RULES }, rules: {} }),
    } satisfies RunOptions as RunOptions,
  )
  return results.violations
    .filter((violation) => violation.impact === 'serious' || violation.impact === 'critical')
    .flatMap((violation) =>
      violation.nodes.map((node) => `${violation.id}: ${node.html} ${node.any[0]?.message ?? ''}`),
    )
}

/** Pixels by which the page is wider than its window. */
export function overflow(page: Page): Promise<number> {
  return page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth)
}

async function callAdmin<T>(adminUrl: string, method: string, path: string, body?: unknown): Promise<T> {
  const response = await fetch(`${adminUrl}/admin/v1${path}`, {
    method,
    headers: { authorization: `Bearer ${ADMIN_TOKEN}`, 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`)
  return (response.status === 204 ? undefined : await response.json()) as T
}

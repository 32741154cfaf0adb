import type { BrowserContext, Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { ADMIN_TOKEN, type DashboardKit, settle, signIn, startDashboard } from './kit/dashboard.ts'

let kit: DashboardKit
beforeAll(async () => {
  kit = await startDashboard()
})
afterAll(() => kit.close())

test('the one-time code signs in once, and a used one says why it does not', async () => {
  const first = await kit.open()
  await signIn(first.page, 'code', kit.server.oneTimeCode)
  await first.page.getByRole('heading', { level: 1, name: 'Applications' }).waitFor()

  const second = await kit.open()
  await signIn(second.page, 'code', kit.server.oneTimeCode)
  const refusal = second.page.getByRole('alert')
  await refusal.waitFor()
  const said = await refusal.textContent()
  expect(said).toContain('Wrong code')
  expect(said).toContain('unknown, used or expired')
  expect(await second.page.getByRole('textbox', { name: 'One-time code' }).inputValue()).toBe('')
  await first.close()
  await second.close()
})

test('the token signs in, and stays nowhere that a script or another person can read', async () => {
  const { page, complaints, close } = await kit.open()
  await signIn(page, 'token', ADMIN_TOKEN)
  await page.getByRole('heading', { level: 1, name: 'Applications' }).waitFor()
  await settle(page)
  expect(await readable(page)).not.toContain(ADMIN_TOKEN)
  expect(page.url()).not.toContain(ADMIN_TOKEN)
  const cookie = await sessionCookie(page.context())
  expect(cookie).toMatchObject({ httpOnly: true, sameSite: 'Strict' })
  expect(cookie?.value).not.toContain(ADMIN_TOKEN)
  expect(await readable(page)).not.toContain(cookie?.value)
  expect(complaints).toEqual([])
  await close()
})

test('a wrong token is named as wrong, with the place of the right one', async () => {
  const { page, close } = await kit.open()
  await signIn(page, 'token', 'no-such-token-0123456789-0123456789')
  const refusal = page.getByRole('alert')
  await refusal.waitFor()
  const said = await refusal.textContent()
  expect(said).toContain('Wrong token')
  expect(said).toContain('admin-token')
  expect(said).not.toContain('Sign in first')
  await close()
})

test('whoever is not signed in sees no refusal before they try', async () => {
  const { page, close } = await kit.open()
  await settle(page)
  const refused: string[] = []
  page.on('response', (response) => {
    if (response.status() >= 400) refused.push(`${response.status()} ${response.url()}`)
  })
  await page.reload()
  await page.getByRole('heading', { level: 1, name: 'Sign in' }).waitFor()
  await settle(page)
  expect(refused).toEqual([])
  await close()
})

test('whoever is not signed in is asked for nothing twice', async () => {
  const { page, close } = await kit.open()
  await settle(page)
  const calls: string[] = []
  page.on('request', (request) => {
    const { pathname } = new URL(request.url())
    if (pathname.startsWith('/admin/')) calls.push(pathname)
  })
  await page.reload()
  await page.getByRole('heading', { level: 1, name: 'Sign in' }).waitFor()
  await settle(page)
  expect(calls).toEqual(['/admin/v1/session/options'])
  await close()
})

test('an empty form sends nothing and says what is missing', async () => {
  const { page, close } = await kit.open()
  const calls: string[] = []
  page.on('request', (request) => calls.push(`${request.method()} ${new URL(request.url()).pathname}`))
  await page.getByRole('button', { name: 'Sign in', exact: true }).click()
  await page.getByText('Type or paste it here').waitFor()
  expect(calls).not.toContain('POST /admin/v1/session')
  await close()
})

test('after signing out the session is gone, in the browser and on the server', async () => {
  const { page, close } = await kit.openSignedIn()
  const cookie = await sessionCookie(page.context())
  await page.getByRole('button', { name: 'admin', exact: true }).click()
  await page.getByRole('menuitem', { name: 'Sign out' }).click()
  await page.getByRole('heading', { level: 1, name: 'Sign in' }).waitFor()
  expect(await sessionCookie(page.context())).toBeUndefined()
  const replayed = await fetch(`${kit.server.adminUrl}/admin/v1/session`, {
    headers: { cookie: `keyhaven_session=${cookie?.value}` },
  })
  expect(replayed.status).toBe(401)
  await close()
})

test('a session that ends while the page is open leads to the sign-in, and back to the same page', async () => {
  const { page, visit, close } = await kit.openSignedIn()
  await page.getByRole('heading', { level: 1, name: 'Applications' }).waitFor()
  await visit('/audit')
  await page.context().clearCookies()
  await page.getByRole('link', { name: 'API tokens' }).click()
  await page.getByText('You are signed out').waitFor()
  await signIn(page, 'token', ADMIN_TOKEN)
  await page.getByRole('heading', { level: 1, name: 'API tokens' }).waitFor()
  await close()
})

test('an address that names no page says so', async () => {
  const { page, visit, close } = await kit.openSignedIn()
  await page.getByRole('heading', { level: 1, name: 'Applications' }).waitFor()
  await visit('/nothing-here')
  await page.getByRole('heading', { level: 1, name: 'No such page' }).waitFor()
  await close()
})

test('colours follow the system until somebody chooses', async () => {
  const { page, close } = await kit.openSignedIn({ colorScheme: 'dark' })
  const scheme = () => page.evaluate(() => document.documentElement.dataset.mantineColorScheme)
  expect(await scheme()).toBe('dark')
  await page.emulateMedia({ colorScheme: 'light' })
  await expect.poll(scheme).toBe('light')
  await page.getByText('Dark', { exact: true }).click()
  expect(await scheme()).toBe('dark')
  await page.reload()
  await settle(page)
  expect(await scheme()).toBe('dark')
  await close()
})

/** All that a script in the page, or whoever copies its address, could read. */
function readable(page: Page): Promise<string> {
  return page.evaluate(() =>
    [
      JSON.stringify(localStorage),
      JSON.stringify(sessionStorage),
      document.cookie,
      location.href,
      document.documentElement.outerHTML,
    ].join('\n'),
  )
}

async function sessionCookie(context: BrowserContext) {
  return (await context.cookies()).find((cookie) => cookie.name === 'keyhaven_session')
}

import { afterAll, beforeAll, expect, test } from 'vitest'
import { type DashboardKit, seriousFaults, settle, startDashboard } from './kit/dashboard.ts'
import { freePort } from './kit/free-port.ts'
import { startOidcProvider, type TestOidcProvider } from './kit/oidc.ts'

let provider: TestOidcProvider
let kit: DashboardKit
beforeAll(async () => {
  const adminPort = await freePort()
  provider = await startOidcProvider(`http://127.0.0.1:${adminPort}/admin/oidc/callback`)
  kit = await startDashboard({
    KEYHAVEN_ADMIN_LISTEN: `127.0.0.1:${adminPort}`,
    KEYHAVEN_OIDC_ISSUER: provider.issuer,
    KEYHAVEN_OIDC_CLIENT_ID: provider.clientId,
    KEYHAVEN_OIDC_CLIENT_SECRET: provider.clientSecret,
    KEYHAVEN_OIDC_NAME: 'Example SSO',
  })
})
afterAll(async () => {
  await kit.close()
  await provider.close()
})

test('the provider’s button signs in with the roles of the claim', async () => {
  provider.person = { id: 'grace', roles: ['auditor'] }
  const { page, complaints, close } = await kit.open()
  await page.getByRole('link', { name: 'Continue with Example SSO' }).click()
  await page.getByRole('heading', { level: 1, name: 'Applications' }).waitFor()
  await settle(page)
  expect(await page.getByRole('button', { name: 'Create application' }).count()).toBe(0)
  await page.getByRole('button', { name: 'grace' }).click()
  await page.getByText(`oidc:${provider.issuer}#grace`).waitFor()
  await page.getByText('auditor', { exact: true }).waitFor()
  expect(complaints).toEqual([])
  await close()
})

test('whoever has no role is told so, once', async () => {
  provider.person = { id: 'mallory', roles: ['visitor'] }
  const { page, close } = await kit.open()
  await page.getByRole('link', { name: 'Continue with Example SSO' }).click()
  await page.getByText('You have no role here').waitFor()
  expect(new URL(page.url()).search).toBe('')
  expect(await seriousFaults(page)).toEqual([])
  await page.reload()
  await page.getByRole('heading', { level: 1, name: 'Sign in' }).waitFor()
  expect(await page.getByText('You have no role here').count()).toBe(0)
  await close()
})

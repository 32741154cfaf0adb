import { afterAll, beforeAll, expect, test } from 'vitest'
import { ADMIN_TOKEN, type DashboardKit, settle, signIn, startDashboard } from './kit/dashboard.ts'

let kit: DashboardKit
beforeAll(async () => {
  kit = await startDashboard()
  await kit.admin('POST', '/applications', { id: 'first' })
  await kit.admin('POST', '/applications', { id: 'second' })
  await kit.admin('POST', '/applications/second/e2e-keys', {})
})
afterAll(() => kit.close())

test('the log is filtered by action, application, actor and day', async () => {
  const { page, complaints, close } = await kit.openSignedIn({ at: '/audit' })
  const table = page.getByRole('table', { name: 'Audit log' })
  const actions = async () => [...new Set(await table.locator('td[data-label=Action]').allInnerTexts())]
  const applications = async () => [
    ...new Set(await table.locator('td[data-label=Application]').allInnerTexts()),
  ]
  expect((await actions()).length).toBeGreaterThan(2)

  await page.getByLabel('Action').selectOption('application.create')
  await expect.poll(actions).toEqual(['application.create'])
  expect(await applications()).toContain('first')

  await page.getByLabel('Action').selectOption('')
  await page.getByLabel('Application id').fill('second')
  await expect.poll(applications).toEqual(['second'])
  await page.getByLabel('Application id').fill('No Such')
  await page.getByText('No id looks like this').waitFor()
  await page.getByRole('button', { name: 'Clear filters' }).click()
  await expect.poll(async () => (await applications()).length).toBeGreaterThan(2)

  await page.getByLabel('Actor, in full').fill('token:admin')
  await expect
    .poll(async () => [...new Set(await table.locator('td[data-label=Actor]').allInnerTexts())])
    .toEqual(['token:admin'])
  // Not broken after the colon.
  const actor = table.locator('td[data-label=Actor] span').first()
  expect(await actor.evaluate((element) => element.getClientRects().length)).toBe(1)
  await page.getByLabel('Actor, in full').fill('')
  await page.getByLabel('To', { exact: true }).fill('2020-01-01')
  await page.getByText('No entry matches').waitFor()
  expect(complaints).toEqual([])
  await close()
})

test('verifying the log walks the chain and shows its head', async () => {
  const { page, close } = await kit.openSignedIn({ at: '/audit' })
  await page.getByRole('button', { name: 'Verify the log' }).click()
  const dialog = page.getByRole('dialog')
  await dialog.getByText('The chain holds').waitFor()
  const verdict = await kit.admin<{ head: { hash: string } }>('GET', '/audit/verify')
  await dialog.getByText(verdict.head.hash).waitFor()
  await close()
})

test('a token is shown once, signs in with its roles only, and is gone after deletion', async () => {
  const { page, complaints, close } = await kit.openSignedIn({ at: '/tokens' })
  await page.getByRole('button', { name: 'Create token' }).first().click()
  const dialog = page.getByRole('dialog')
  await dialog.getByRole('button', { name: 'Create token' }).click()
  await dialog.getByText('Choose at least one role').waitFor()
  await dialog.getByLabel('Name').fill('reader')
  await dialog.getByLabel('auditor').check()
  await dialog.getByRole('button', { name: 'Create token' }).click()
  const shown = dialog.getByRole('region', { name: 'API token' })
  const token = (await shown.textContent()) ?? ''
  expect(token).toMatch(/^kh_/)
  await page.keyboard.press('Escape')
  expect(await shown.isVisible()).toBe(true)
  await dialog.getByRole('button', { name: 'I have stored it' }).click()
  await dialog.waitFor({ state: 'detached' })
  expect(await page.content()).not.toContain(token)

  const reader = await kit.open()
  await signIn(reader.page, 'token', token)
  await settle(reader.page)
  expect(await reader.page.getByRole('button', { name: 'Create application' }).count()).toBe(0)
  await reader.visit('/applications/first/keys')
  await reader.page.getByText('Active', { exact: true }).waitFor()
  expect(await reader.page.getByRole('button', { name: /^Revoke|^Add|^Schedule/ }).count()).toBe(0)

  await page.getByRole('button', { name: 'Delete the token reader' }).click()
  await page.getByRole('dialog').getByRole('button', { name: 'Cancel' }).click()
  await page.getByRole('dialog').waitFor({ state: 'detached' })
  await page.getByRole('button', { name: 'Delete the token reader' }).click()
  await page.getByRole('dialog').getByRole('button', { name: 'Delete token' }).click()
  await page.getByRole('button', { name: 'Delete the token reader' }).waitFor({ state: 'detached' })
  await reader.page.reload()
  await reader.page.getByRole('heading', { name: 'Sign in' }).waitFor()
  expect(complaints).toEqual([])
  await reader.close()
  await close()
})

test('a call without the dashboard’s own header changes nothing', async () => {
  const { page, close } = await kit.open()
  await signIn(page, 'token', ADMIN_TOKEN)
  await settle(page)
  const status = await page.evaluate(async () => {
    const init = { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{"id":"forged"}' }
    return (await fetch('/admin/v1/applications', init)).status
  })
  expect(status).toBe(403)
  await close()
})

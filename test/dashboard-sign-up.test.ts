import { connect, type Me } from '@keyhaven/sdk'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type DashboardKit, startDashboard } from './kit/dashboard.ts'
import { enrollWith, issueToken } from './kit/dashboard-directory.ts'

let kit: DashboardKit
beforeAll(async () => {
  kit = await startDashboard()
})
afterAll(() => kit.close())

test('a sign-up token is shown once, with the code that uses it, and enrolls its user', async () => {
  await kit.admin('POST', '/applications', { id: 'issued', suite: 'x25519' })
  const { page, complaints, close } = await kit.openSignedIn({
    at: '/applications/issued/directory',
    permissions: ['clipboard-read', 'clipboard-write'],
  })
  await page.getByText('No user yet').waitFor()
  await page.getByRole('link', { name: 'Go to the sign-up tokens' }).click()
  await page.getByText('No token waits to be used').waitFor()
  await page.getByRole('button', { name: 'Issue token' }).click()
  const dialog = page.getByRole('dialog')
  await dialog.getByRole('button', { name: 'Issue token' }).click()
  await dialog.getByText('Type the name that the user signs up with').waitFor()
  await dialog.getByRole('textbox', { name: 'Username' }).fill('ann@example.com')
  await dialog.getByLabel('Profile').selectOption('x25519')
  await dialog.getByRole('button', { name: 'Issue token' }).click()
  await dialog.getByText('Copy it now').waitFor()

  const clipboard = () => page.evaluate(() => navigator.clipboard.readText())
  await dialog.getByRole('button', { name: 'Copy Sign-up token' }).click()
  const token = await clipboard()
  expect(token).toMatch(/^khs_/)
  await dialog.getByRole('button', { name: /^Copy SDK code/ }).click()
  const code = await clipboard()
  expect(code).toContain('kh.enroll({')
  expect(code).toContain("username: 'ann@example.com',")
  expect(code).toContain(`token: '${token}',`)
  const log = await kit.admin<{ verifierKey: string }>('GET', '/applications/issued/directory/log')
  expect(code).toContain(`log: '${log.verifierKey}',`)

  // A stray key does not throw away what is shown once.
  await page.keyboard.press('Escape')
  await dialog.getByText('Copy it now').waitFor()
  await dialog.getByRole('button', { name: 'I have stored it' }).click()
  await dialog.waitFor({ state: 'detached' })
  const row = page.getByRole('row', { name: /ann@example\.com/ })
  await row.getByText('Waits').waitFor()
  expect(await page.content()).not.toContain(token)
  expect(page.url()).not.toContain(token)

  const me = await run(code)
  expect(me).toMatchObject({ username: 'ann@example.com', profile: 'x25519' })
  await me.close()
  await page.reload()
  await row.getByText('Used').waitFor()
  await row.getByRole('link', { name: 'ann@example.com' }).click()
  await page.getByText('enrolled as first device').waitFor()
  expect(complaints).toEqual([])
  await close()
})

test('a revoked sign-up token lets nobody in', async () => {
  await kit.admin('POST', '/applications', { id: 'withdrawn', suite: 'x25519' })
  const token = await issueToken(kit, 'withdrawn', 'mallory')
  const { page, complaints, close } = await kit.openSignedIn({
    at: '/applications/withdrawn/directory/sign-up-tokens',
  })
  await page.getByRole('button', { name: 'Revoke the token for mallory' }).click()
  const dialog = page.getByRole('dialog')
  await dialog.getByRole('button', { name: 'Revoke token' }).click()
  await dialog.waitFor({ state: 'detached' })
  await page.getByText('No token waits to be used').waitFor()
  await expect(enrollWith(kit, 'withdrawn', 'mallory', token)).rejects.toThrow()
  expect(complaints).toEqual([])
  await close()
})

test('what the server refuses is said in its words', async () => {
  const { page, close } = await kit.openSignedIn({ at: '/applications/demo/directory/sign-up-tokens' })
  await page.getByRole('button', { name: 'Issue token' }).first().click()
  const dialog = page.getByRole('dialog')
  await dialog.getByRole('textbox', { name: 'Username' }).fill('ann')
  await dialog.getByLabel('Profile').selectOption('rsa1024-legacy')
  await dialog.getByRole('button', { name: 'Issue token' }).click()
  await dialog.getByRole('alert').waitFor()
  expect(await dialog.getByText('Copy it now').count()).toBe(0)
  await close()
})

/** Runs the code that the page gave, word for word but for its import. */
function run(code: string): Promise<Me> {
  const AsyncFunction = (async () => {}).constructor as new (
    ...parameters: string[]
  ) => (...values: unknown[]) => Promise<Me>
  const body = code.replace("import { connect } from '@keyhaven/sdk'", '')
  return new AsyncFunction('connect', `${body}\nreturn me`)(connect)
}

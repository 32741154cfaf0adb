import { afterAll, beforeAll, expect, test } from 'vitest'
import { type DashboardKit, startDashboard } from './kit/dashboard.ts'
import { enroll } from './kit/dashboard-directory.ts'

interface ShownLog {
  readonly origin: string
  readonly verifierKey: string
  readonly size: number
  readonly root: string
}

let kit: DashboardKit
beforeAll(async () => {
  kit = await startDashboard()
})
afterAll(() => kit.close())

test('the log shows what it holds, gives its key to be copied, and can be checked', async () => {
  await enroll(kit, 'demo', 'ann')
  const { page, complaints, close } = await kit.openSignedIn({
    at: '/applications/demo/directory/log',
    permissions: ['clipboard-read', 'clipboard-write'],
  })
  const log = await kit.admin<ShownLog>('GET', '/applications/demo/directory/log')
  // Leaf 0 holds the parameters, leaf 1 the device.
  expect(log.size).toBe(2)
  const said = await page.getByRole('main').textContent()
  for (const fact of ['Entries2', log.origin, log.root, 'No witness yet']) expect(said).toContain(fact)
  await page.getByRole('button', { name: 'Copy Verifier key of the log' }).click()
  expect(await page.evaluate(() => navigator.clipboard.readText())).toBe(log.verifierKey)

  await page.getByRole('button', { name: 'Check the log' }).click()
  const dialog = page.getByRole('dialog', { name: 'Check the log' })
  await dialog.getByText('The log holds').waitFor()
  expect(await dialog.textContent()).toContain('2 entries come to the root')
  expect(await dialog.textContent()).toContain(log.root)
  expect(complaints).toEqual([])
  await close()
})

test('while a check runs its progress shows, and a log that was altered says what to do', async () => {
  const { page, visit, close } = await kit.openSignedIn()
  let answer: () => void = () => {}
  const held = new Promise<void>((resolve) => {
    answer = resolve
  })
  await page.route('**/directory/log/check', async (route) => {
    await held
    const verdict = { valid: false, size: 2, root: 'AAAA', at: new Date().toISOString() }
    await route.fulfill({ contentType: 'application/json', body: JSON.stringify(verdict) })
  })
  await visit('/applications/demo/directory/log')
  await page.getByRole('button', { name: 'Check the log' }).click()
  const dialog = page.getByRole('dialog', { name: 'Check the log' })
  await dialog.getByRole('progressbar', { name: 'Checking the log' }).waitFor()
  await dialog.getByText('The server hashes').waitFor()
  answer()
  await dialog.getByRole('alert').getByText('The log does not come to its root').waitFor()
  await close()
})

import type { Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type DashboardKit, startDashboard } from './kit/dashboard.ts'
import { keysOf, openKeys, openRotatedKeys } from './kit/dashboard-keys.ts'

let kit: DashboardKit
beforeAll(async () => {
  kit = await startDashboard()
})
afterAll(() => kit.close())

test('a key is revoked only behind the verdict, its typed id and a reason', async () => {
  const { page, old, complaints, close } = await openRotatedKeys(kit, 'revoke')
  await page.getByRole('button', { name: `Revoke key ${old.keyId}` }).click()
  const dialog = page.getByRole('dialog', { name: `Revoke key ${old.keyId}` })
  await dialog.getByText('Safe to revoke').waitFor()
  const sent = changes(page)
  const submit = dialog.getByRole('button', { name: `Revoke key ${old.keyId}` })
  const typed = dialog.getByLabel('Type the key id')

  await submit.click()
  await dialog.getByText(`Type ${old.keyId}, the id of this key`).waitFor()
  await dialog.getByText('Say why, in a few words').waitFor()
  expect(await typed.evaluate((element) => element === document.activeElement)).toBe(true)

  await typed.fill(`${old.keyId + 1}`)
  await dialog.getByLabel('Reason').fill('rotation of the quarter')
  await submit.click()
  await dialog.getByText(`Type ${old.keyId}, the id of this key`).waitFor()
  expect(sent).toEqual([])

  await typed.fill(`${old.keyId}`)
  await submit.click()
  await dialog.waitFor({ state: 'detached' })
  await page.getByRole('row').filter({ hasText: 'Revoked' }).waitFor()
  const revoked = (await keysOf(kit, 'revoke')).find((key) => key.keyId === old.keyId)
  expect(revoked?.state).toBe('revoked')
  expect(revoked?.history.at(-1)).toMatchObject({ state: 'revoked', reason: 'rotation of the quarter' })
  expect(await page.getByRole('button', { name: `Revoke key ${old.keyId}` }).count()).toBe(0)
  expect(complaints).toEqual([])
  await close()
})

test('the last live key asks for consent besides', async () => {
  const { page, close } = await openKeys(kit, 'last')
  const [only] = await keysOf(kit, 'last')
  await page.getByRole('button', { name: `Revoke key ${only?.keyId}` }).click()
  const dialog = page.getByRole('dialog')
  await dialog.getByLabel('Type the key id').fill(`${only?.keyId}`)
  await dialog.getByLabel('Reason').fill('the private part leaked')
  const submit = dialog.getByRole('button', { name: `Revoke key ${only?.keyId}` })
  await submit.click()
  await dialog.getByText('Tick this, or add another key first').waitFor()
  expect((await keysOf(kit, 'last'))[0]?.state).toBe('active')
  await dialog.getByLabel('This is the last live key').check()
  await submit.click()
  await dialog.waitFor({ state: 'detached' })
  expect((await keysOf(kit, 'last'))[0]?.state).toBe('revoked')
  await close()
})

test('the revoke dialog can be used with the keyboard alone, and gives the focus back', async () => {
  const { page, old, close } = await openRotatedKeys(kit, 'keyboard')
  const focused = () =>
    page.evaluate(() => {
      const element = document.activeElement as HTMLInputElement | null
      return element?.getAttribute('aria-label') ?? element?.labels?.[0]?.textContent ?? element?.textContent
    })
  const tabTo = async (name: string): Promise<void> => {
    const MANY = 60
    for (let step = 0; step < MANY; step++) {
      if ((await focused())?.startsWith(name)) return
      await page.keyboard.press('Tab')
    }
    throw new Error(`Tab never reaches "${name}"`)
  }
  await tabTo(`Revoke key ${old.keyId}`)
  await page.keyboard.press('Enter')
  const dialog = page.getByRole('dialog')
  await dialog.getByText('Safe to revoke').waitFor()
  await page.keyboard.press('Escape')
  await dialog.waitFor({ state: 'detached' })
  await expect.poll(focused).toBe(`Revoke key ${old.keyId}`)

  await page.keyboard.press('Enter')
  await dialog.getByText('Safe to revoke').waitFor()
  await expect.poll(focused).toContain('Type the key id')
  await page.keyboard.type(`${old.keyId}`)
  await tabTo('Reason')
  await page.keyboard.type('by keyboard')
  // The focus stays within the dialog all the way round.
  for (let step = 0; step < 12; step++) {
    await page.keyboard.press('Tab')
    const inside = await page.evaluate(() => document.activeElement?.closest('[role=dialog]') !== null)
    expect(inside).toBe(true)
  }
  await tabTo(`Revoke key ${old.keyId}`)
  await page.keyboard.press('Enter')
  await dialog.waitFor({ state: 'detached' })
  expect((await keysOf(kit, 'keyboard'))[1]?.state).toBe('revoked')
  await close()
})

/** What the page sent that changes something, since the call of this function. */
function changes(page: Page): string[] {
  const calls: string[] = []
  page.on('request', (request) => {
    if (request.method() !== 'GET') calls.push(`${request.method()} ${new URL(request.url()).pathname}`)
  })
  return calls
}

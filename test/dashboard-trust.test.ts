import { afterAll, beforeAll, expect, test } from 'vitest'
import { type DashboardKit, PHONE, startDashboard } from './kit/dashboard.ts'

interface Trust {
  readonly rootThumbprints: readonly [string, string]
  readonly epoch: number
}

let kit: DashboardKit
beforeAll(async () => {
  kit = await startDashboard()
})
afterAll(() => kit.close())

const trustOf = (id: string) => kit.admin<Trust>('GET', `/applications/${id}/trust`)

test('the root is switched only behind the typed application id and a reason', async () => {
  await kit.admin('POST', '/applications', { id: 'shop', suite: 'x25519' })
  const before = await trustOf('shop')
  const { page, complaints, close } = await kit.openSignedIn({ at: '/applications/shop/trust' })
  const open = page.getByRole('button', { name: 'Switch to the spare root' })
  await open.click()
  const dialog = page.getByRole('dialog', { name: 'Switch to the spare root' })
  const sent: string[] = []
  page.on('request', (request) => {
    if (request.method() !== 'GET') sent.push(`${request.method()} ${new URL(request.url()).pathname}`)
  })
  const typed = dialog.getByLabel('Type the application id')
  const submit = dialog.getByRole('button', { name: 'Switch to the spare root' })
  await submit.click()
  await dialog.getByText('Type shop, the id of this application').waitFor()
  await dialog.getByText('Say why, in a few words').waitFor()
  expect(await typed.evaluate((element) => element === document.activeElement)).toBe(true)

  await typed.fill('demo')
  await dialog.getByLabel('Reason').fill('the root key leaked')
  await submit.click()
  await dialog.getByText('Type shop, the id of this application').waitFor()
  expect(sent).toEqual([])

  await typed.fill('shop')
  await submit.click()
  await dialog.getByRole('status').getByText('Ship the new root thumbprints').waitFor()
  expect(sent).toEqual(['POST /admin/v1/applications/shop/trust/switch-root'])
  await dialog.getByRole('button', { name: 'Done' }).click()
  await dialog.waitFor({ state: 'detached' })

  const after = await trustOf('shop')
  expect(after.rootThumbprints[0]).toBe(before.rootThumbprints[1])
  expect(after.epoch).toBe(before.epoch + 1)
  await page.getByText(after.rootThumbprints[1]).first().waitFor()
  await expect.poll(() => page.getByText(before.rootThumbprints[0]).count()).toBe(0)
  expect(complaints).toEqual([])
  await close()
})

test('a page that is out of date does not use up the new spare', async () => {
  await kit.admin('POST', '/applications', { id: 'twice', suite: 'x25519' })
  const { page, close } = await kit.openSignedIn({ at: '/applications/twice/trust' })
  await page.getByRole('button', { name: 'Switch to the spare root' }).click()
  const dialog = page.getByRole('dialog')
  await kit.admin('POST', '/applications/twice/trust/switch-root', { reason: 'by somebody else' })
  const switched = await trustOf('twice')
  await dialog.getByLabel('Type the application id').fill('twice')
  await dialog.getByLabel('Reason').fill('again')
  await dialog.getByRole('button', { name: 'Switch to the spare root' }).click()
  await dialog.getByRole('alert').getByText('CONFLICT', { exact: true }).waitFor()
  expect(await trustOf('twice')).toEqual(switched)
  await close()
})

test('on a phone the facts of the manifest are a short list', async () => {
  const { page, close } = await kit.openSignedIn({ at: '/applications/demo/trust', viewport: PHONE })
  const names = page.locator('dl dt')
  expect(await names.allInnerTexts()).toEqual(['Root key', 'Epoch', 'Sequence', 'Delegation ends'])
  const list = await page.locator('dl').boundingBox()
  expect(list?.height).toBeLessThan(4 * 48)
  await close()
})

test('the button is not there for an offline root, nor for a key manager', async () => {
  const rootThumbprints = ['A'.repeat(43), 'B'.repeat(43)]
  await kit.admin('POST', '/applications', { id: 'offline', rootThumbprints })
  const { token } = await kit.admin<{ token: string }>('POST', '/tokens', {
    name: 'manager',
    roles: ['key-manager'],
  })
  const admin = await kit.openSignedIn({ at: '/applications/offline/trust' })
  const manager = await kit.openSignedIn({ at: '/applications/demo/trust', token })
  for (const { page, close } of [admin, manager]) {
    await page.getByRole('heading', { name: 'Root thumbprints' }).waitFor()
    expect(await page.getByRole('button', { name: 'Switch to the spare root' }).count()).toBe(0)
    await close()
  }
})

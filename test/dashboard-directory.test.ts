import type { Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { ADMIN_TOKEN, type DashboardKit, startDashboard } from './kit/dashboard.ts'
import { addDevice, enroll } from './kit/dashboard-directory.ts'

let kit: DashboardKit
beforeAll(async () => {
  kit = await startDashboard()
})
afterAll(() => kit.close())

test('users are found by a part of the name, and each leads to devices and history', async () => {
  await kit.admin('POST', '/applications', { id: 'found', suite: 'x25519' })
  const phone = await enroll(kit, 'found', 'ann@example.com')
  await addDevice(kit, 'found', 'ann@example.com', phone, { name: 'Laptop', days: 20 })
  await enroll(kit, 'found', 'ben/100%')
  const { page, complaints, close } = await kit.openSignedIn({ at: '/applications/found/keys' })
  await page.getByRole('link', { name: 'Directory' }).click()
  await page.getByRole('heading', { level: 1, name: 'Directory' }).waitFor()
  await page.getByRole('row', { name: /ann@example\.com.* 2 / }).waitFor()

  await page.getByRole('searchbox', { name: 'Search users' }).fill('nobody')
  await page.getByText('Nobody matches “nobody”').waitFor()
  await page.getByRole('searchbox', { name: 'Search users' }).fill('ben/')
  await page.getByRole('link', { name: 'ben/100%' }).click()
  await page.getByRole('heading', { level: 1, name: 'ben/100%' }).waitFor()
  await page.getByRole('table', { name: 'Devices of ben/100%' }).waitFor()
  await page.reload()
  await page.getByRole('table', { name: 'Devices of ben/100%' }).waitFor()

  await page.getByRole('link', { name: 'Directory' }).click()
  await page.getByRole('link', { name: 'ann@example.com' }).click()
  const laptop = page.getByRole('row', { name: /Laptop/ })
  await laptop.getByText('Valid').waitFor()
  const row = await laptop.textContent()
  expect(row).toContain('X25519')
  expect(row).toMatch(/(19|20) days left/)
  await page.getByText('“Phone” enrolled as first device').waitFor()
  await page.getByText('“Laptop” added, approved by “Phone”').waitFor()
  expect(complaints).toEqual([])
  await close()
})

test('a long list of users comes a page at a time', async () => {
  await kit.admin('POST', '/applications', { id: 'paged', suite: 'x25519' })
  for (const username of ['ann', 'ben', 'cat']) await enroll(kit, 'paged', username)
  const { page, visit, close } = await kit.openSignedIn()
  // Small pages of the real server, so that three users are a long list.
  await page.route('**/directory/users?*', (route) => {
    const url = new URL(route.request().url())
    url.searchParams.set('limit', '2')
    return route.continue({ url: url.href })
  })
  await visit('/applications/paged/directory/users')
  const users = () => page.getByRole('table', { name: 'Users' }).getByRole('link').allTextContents()
  await expect.poll(users).toEqual(['ann', 'ben'])
  await page.getByRole('button', { name: 'Show more users' }).click()
  await expect.poll(users).toEqual(['ann', 'ben', 'cat'])
  expect(await page.getByRole('button', { name: 'Show more users' }).count()).toBe(0)
  await close()
})

test('a device is revoked only behind its typed name and a reason, and is refused from then on', async () => {
  await kit.admin('POST', '/applications', { id: 'revoked', suite: 'x25519' })
  const phone = await enroll(kit, 'revoked', 'ann')
  const laptop = await addDevice(kit, 'revoked', 'ann', phone, { name: 'Laptop' })
  const { page, complaints, close } = await kit.openSignedIn({
    at: '/applications/revoked/directory/users/ann',
  })
  await page.getByRole('button', { name: 'Revoke the device Laptop' }).click()
  const dialog = page.getByRole('dialog', { name: 'Revoke device' })
  const submit = dialog.getByRole('button', { name: 'Revoke device' })
  const sent = changes(page)
  await submit.click()
  await dialog.getByText('Type Laptop, the name of this device').waitFor()
  await dialog.getByText('Say why, in a few words').waitFor()
  expect(sent).toEqual([])
  await dialog.getByLabel('Type the device name').fill('Laptop')
  await dialog.getByLabel('Reason').fill('left in a train')
  await submit.click()
  await dialog.waitFor({ state: 'detached' })
  await page
    .getByRole('row', { name: /Laptop/ })
    .getByText('Revoked')
    .waitFor()
  await page.getByText('“Laptop” revoked by the operator').waitFor()
  await page.getByText('Reason: left in a train').waitFor()
  expect(await page.getByRole('button', { name: 'Revoke the device Laptop' }).count()).toBe(0)
  await expect(laptop.client.lookUp('ann')).rejects.toMatchObject({ code: 'DEVICE_REVOKED' })
  const seen = await phone.client.lookUp('ann')
  expect(seen.devices.map(({ name }) => name)).toEqual(['Phone'])

  await page.getByRole('button', { name: 'Revoke the device Phone' }).click()
  await dialog.getByLabel('Type the device name').fill('Phone')
  await dialog.getByLabel('Reason').fill('left there too')
  await submit.click()
  await dialog.getByText('Tick this, or let the user add another device first').waitFor()
  await dialog.getByLabel('This is the user’s last valid device').check()
  await submit.click()
  await dialog.waitFor({ state: 'detached' })
  await page.getByText('No valid device').waitFor()
  expect(complaints).toEqual([])
  await close()
})

test('a reset says what it does, takes more than a name, and leads on to a new sign-up', async () => {
  await kit.admin('POST', '/applications', { id: 'reset', suite: 'x25519' })
  const phone = await enroll(kit, 'reset', 'ann')
  const friend = await enroll(kit, 'reset', 'ben')
  await friend.client.lookUp('ann')
  const { page, complaints, close } = await kit.openSignedIn({
    at: '/applications/reset/directory/users/ann',
  })
  await page.getByRole('button', { name: 'Reset user' }).click()
  const dialog = page.getByRole('dialog', { name: 'Reset user' })
  const said = await dialog.textContent()
  const told = [
    'All devices end',
    'It still reads the history',
    'Every contact is told',
    'Verified marks drop',
  ]
  for (const what of told) {
    expect(said).toContain(what)
  }
  const submit = dialog.getByRole('button', { name: 'Reset user' })
  await dialog.getByLabel('Type the user name').fill('ann')
  await dialog.getByLabel('Reason').fill('phone lost, seen in person')
  const sent = changes(page)
  await submit.click()
  await dialog.getByText('Make sure first').waitFor()
  expect(sent).toEqual([])
  await dialog.getByLabel('I have made sure').check()
  await submit.click()
  await dialog.waitFor({ state: 'detached' })
  await page.getByText('User reset by the operator').waitFor()
  await page.getByText('Reset, and not enrolled yet').waitFor()
  expect(await page.getByRole('button', { name: 'Reset user' }).count()).toBe(0)
  await expect(phone.client.lookUp('ben')).rejects.toMatchObject({ code: 'DEVICE_REVOKED' })

  await page.getByRole('button', { name: 'Issue sign-up token' }).click()
  expect(await page.getByRole('textbox', { name: 'Username' }).inputValue()).toBe('ann')
  await page.keyboard.press('Escape')
  await enroll(kit, 'reset', 'ann', { name: 'New phone' })
  await expect(friend.client.lookUp('ann')).rejects.toMatchObject({ code: 'CHAIN_RESET' })
  await page.reload()
  await page.getByText('“New phone” enrolled as first device').waitFor()
  await page
    .getByRole('row', { name: /^Phone/ })
    .getByText('Revoked')
    .waitFor()
  expect(complaints).toEqual([])
  await close()
})

test('with the keyboard alone the tabs change and a device is revoked', async () => {
  await kit.admin('POST', '/applications', { id: 'keys-only', suite: 'x25519' })
  await addDevice(kit, 'keys-only', 'ann', await enroll(kit, 'keys-only', 'ann'), { name: 'Laptop' })
  const { page, close } = await kit.openSignedIn({ at: '/applications/keys-only/directory/users' })
  await page.getByRole('tab', { name: 'Users' }).focus()
  await page.keyboard.press('ArrowRight')
  await page.getByText('No device expires within 30 days').waitFor()
  expect(page.url()).toContain('/directory/expiring')
  await page.keyboard.press('ArrowLeft')
  await page.getByRole('link', { name: 'ann' }).focus()
  await page.keyboard.press('Enter')
  const revoke = page.getByRole('button', { name: 'Revoke the device Laptop' })
  await revoke.focus()
  await page.keyboard.press('Enter')
  const typed = page.getByRole('dialog').getByLabel('Type the device name')
  await expect.poll(() => typed.evaluate((field) => field === document.activeElement)).toBe(true)
  await page.keyboard.press('Escape')
  await page.getByRole('dialog').waitFor({ state: 'detached' })
  await expect.poll(() => revoke.evaluate((button) => button === document.activeElement)).toBe(true)
  await page.keyboard.press('Enter')
  await expect.poll(() => typed.evaluate((field) => field === document.activeElement)).toBe(true)
  await page.keyboard.type('Laptop')
  await page.keyboard.press('Tab')
  await page.keyboard.type('sold')
  await page.keyboard.press('Tab')
  await page.keyboard.press('Tab')
  await page.keyboard.press('Enter')
  await page.getByText('“Laptop” revoked by the operator').waitFor()
  await close()
})

test('devices that expire soon are listed by the days they have left', async () => {
  await kit.admin('POST', '/applications', { id: 'expiring', suite: 'x25519' })
  await enroll(kit, 'expiring', 'later', { days: 60 })
  await enroll(kit, 'expiring', 'soon', { days: 5 })
  await enroll(kit, 'expiring', 'next', { days: 12 })
  const { page, close } = await kit.openSignedIn({ at: '/applications/expiring/directory/expiring' })
  const table = page.getByRole('table', { name: 'Devices that expire soon' })
  const users = () => table.getByRole('link').allTextContents()
  await expect.poll(users).toEqual(['soon', 'next'])
  await table.getByText(/^(4|5) days$/).waitFor()
  await page.getByText('90 days').click()
  await expect.poll(users).toEqual(['soon', 'next', 'later'])
  await page.getByText('7 days', { exact: true }).click()
  await expect.poll(users).toEqual(['soon'])
  await close()
})

test('an auditor reads everything and is offered no change', async () => {
  await kit.admin('POST', '/applications', { id: 'audited', suite: 'x25519' })
  await enroll(kit, 'audited', 'ann')
  const auditor = await kit.admin<{ token: string }>('POST', '/tokens', { name: 'aud', roles: ['auditor'] })
  const { page, complaints, visit, close } = await kit.openSignedIn({
    at: '/applications/audited/directory/users/ann',
    token: auditor.token,
  })
  const changing = page.getByRole('button', { name: /Revoke|Reset|Issue/ })
  await page.getByText('“Phone” enrolled as first device').waitFor()
  expect(await changing.count()).toBe(0)
  await visit('/applications/audited/directory/sign-up-tokens')
  await page.getByText('Used').waitFor()
  expect(await changing.count()).toBe(0)
  expect(auditor.token).not.toBe(ADMIN_TOKEN)
  expect(complaints).toEqual([])
  await close()
})

test('a user who does not exist is called so', async () => {
  const { page, visit, close } = await kit.openSignedIn({ at: '/applications/demo/directory/users/nobody' })
  await page.getByRole('alert').getByText('NOT_FOUND').waitFor()
  await visit('/applications/demo/directory/users/~zz')
  await page.getByRole('heading', { level: 1, name: 'No such user' }).waitFor()
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

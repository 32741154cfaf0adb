import { connect } from '@keyhaven/sdk'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type DashboardKit, startDashboard } from './kit/dashboard.ts'
import { keysOf, openKeys } from './kit/dashboard-keys.ts'

let kit: DashboardKit
beforeAll(async () => {
  kit = await startDashboard()
})
afterAll(() => kit.close())

test('a key is added, shows as pending, and takes over by itself', async () => {
  const { page, complaints, close } = await openKeys(kit, 'add')
  await page.getByRole('button', { name: 'Add key' }).click()
  const dialog = page.getByRole('dialog', { name: 'Add key' })
  await dialog.getByLabel('Suite').selectOption('p-256')
  await dialog.getByRole('button', { name: 'Add key' }).click()
  await dialog.waitFor({ state: 'detached' })
  const row = page.getByRole('row').filter({ hasText: 'P-256' })
  await row.getByText('Active', { exact: true }).waitFor()
  await page.getByRole('row').filter({ hasText: 'X25519' }).getByText('Retiring').waitFor()
  expect((await keysOf(kit, 'add')).map((key) => key.state)).toEqual(['active', 'retiring'])
  expect(complaints).toEqual([])
  await close()
})

test('a key with a date waits for it, and the date can be moved', async () => {
  const { page, close } = await openKeys(kit, 'dated')
  await page.getByRole('button', { name: 'Add key' }).click()
  const dialog = page.getByRole('dialog', { name: 'Add key' })
  await dialog.getByLabel('At a date').check()
  await dialog.getByRole('button', { name: 'Add key' }).click()
  await dialog.getByText('Choose the day and the time').waitFor()
  const year = new Date().getFullYear() + 1
  await dialog.getByLabel('Activation date, your local time').fill(`${year}-01-15T10:00`)
  await dialog.getByRole('button', { name: 'Add key' }).click()
  await dialog.waitFor({ state: 'detached' })
  // The browser is in Oslo: 10:00 there is 09:00 UTC in winter.
  await page.locator(`time[datetime="${year}-01-15T09:00:00.000Z"]`).waitFor()

  const [pending] = await keysOf(kit, 'dated')
  await page.getByRole('button', { name: `Schedule key ${pending?.keyId}` }).click()
  const schedule = page.getByRole('dialog', { name: `Schedule key ${pending?.keyId}` })
  await schedule.getByLabel('End, your local time').fill(`${year}-06-15T10:00`)
  await schedule.getByRole('button', { name: 'Save schedule' }).click()
  await schedule.waitFor({ state: 'detached' })
  expect((await keysOf(kit, 'dated'))[0]).toMatchObject({
    state: 'pending',
    activateAt: `${year}-01-15T09:00:00.000Z`,
    endAt: `${year}-06-15T08:00:00.000Z`,
  })
  await close()
})

test('the public key is copied as JWK, as base64url and as SDK code for both kinds of trust', async () => {
  const { page, close } = await openKeys(kit, 'copy')
  const [key] = await keysOf(kit, 'copy')
  const trust = await kit.admin<{ rootThumbprints: string[] }>('GET', '/applications/copy/trust')
  await page.getByRole('button', { name: `Public key and details of key ${key?.keyId}` }).click()
  const dialog = page.getByRole('dialog')
  const copy = async (format: string): Promise<string> => {
    await dialog.getByLabel('Format').selectOption({ label: format })
    await dialog.getByRole('button', { name: `Copy ${format}` }).click()
    await dialog.getByRole('button', { name: `Copied ${format}` }).waitFor()
    const copied = await page.evaluate(() => navigator.clipboard.readText())
    expect(await dialog.getByRole('region', { name: format }).textContent()).toBe(copied)
    return copied
  }
  await dialog.getByText(trust.rootThumbprints[0] ?? '').waitFor()
  await dialog.getByRole('region', { name: 'SDK code' }).getByText(kit.server.publicUrl).waitFor()
  const manifest = await copy('SDK code, signed manifest')
  for (const thumbprint of trust.rootThumbprints) expect(manifest).toContain(`'${thumbprint}'`)
  expect(manifest).toContain("applicationId: 'copy'")
  expect(manifest).not.toContain(key?.publicKey)
  expect(await run(manifest)).toBe(200)
  const pinned = await copy('SDK code, pinned key')
  expect(pinned).toContain(`keyId: ${key?.keyId},`)
  expect(pinned).toContain("suite: { kem: 'x25519', aead: 'aes-256-gcm' }")
  expect(pinned).toContain(`publicKey: '${key?.publicKey}'`)
  expect(await run(pinned)).toBe(200)
  expect(JSON.parse(await copy('Public key as JWK'))).toEqual(key?.jwk)
  expect(await copy('Public key as base64url')).toBe(key?.publicKey)
  await close()
})

/** Runs the copied code as it is, but for its import. Answers the status of its call through the channel. */
async function run(code: string): Promise<number> {
  const AsyncFunction = (async () => {}).constructor as new (
    ...parts: string[]
  ) => (connectOfSdk: typeof connect) => Promise<number>
  const body = code.replace(/^import .*$/m, '')
  return new AsyncFunction('connect', `${body}\nkeyhaven.close()\nreturn response.status`)(connect)
}

import { connect } from '@keyhaven/sdk'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type DashboardKit, type DashboardPage, PATIENCE, settle, startDashboard } from './kit/dashboard.ts'

interface Key {
  readonly keyId: number
  readonly state: string
  readonly publicKey: string
  readonly jwk: Record<string, string>
  readonly endAt: string | null
  readonly activateAt: string | null
  readonly history: readonly { state: string; reason: string | null }[]
}

let kit: DashboardKit
beforeAll(async () => {
  kit = await startDashboard()
})
afterAll(() => kit.close())

async function openKeys(id: string): Promise<DashboardPage> {
  await kit.admin('POST', '/applications', { id, suite: 'x25519' })
  const opened = await kit.openSignedIn({ permissions: ['clipboard-read', 'clipboard-write'] })
  await settle(opened.page)
  await opened.visit(`/applications/${id}/keys`)
  return opened
}

async function keysOf(id: string): Promise<readonly Key[]> {
  return (await kit.admin<{ items: Key[] }>('GET', `/applications/${id}/e2e-keys`)).items
}

/** What the page sent that changes something, since the call of this function. */
function changes(page: Page): string[] {
  const calls: string[] = []
  page.on('request', (request) => {
    if (request.method() !== 'GET') calls.push(`${request.method()} ${new URL(request.url()).pathname}`)
  })
  return calls
}

test('a key is added, shows as pending, and takes over by itself', async () => {
  const { page, complaints, close } = await openKeys('add')
  await page.getByRole('button', { name: 'Add key' }).click()
  const dialog = page.getByRole('dialog', { name: 'Add key' })
  await dialog.getByLabel('Suite').selectOption('p-256')
  await dialog.getByRole('button', { name: 'Add key' }).click()
  await dialog.waitFor({ state: 'detached' })
  const row = page.getByRole('row').filter({ hasText: 'P-256' })
  await row.getByText('Active', { exact: true }).waitFor()
  await page.getByRole('row').filter({ hasText: 'X25519' }).getByText('Retiring').waitFor()
  expect((await keysOf('add')).map((key) => key.state)).toEqual(['active', 'retiring'])
  expect(complaints).toEqual([])
  await close()
})

test('a key with a date waits for it, and the date can be moved', async () => {
  const { page, close } = await openKeys('dated')
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

  const [pending] = await keysOf('dated')
  await page.getByRole('button', { name: `Schedule key ${pending?.keyId}` }).click()
  const schedule = page.getByRole('dialog', { name: `Schedule key ${pending?.keyId}` })
  await schedule.getByLabel('End, your local time').fill(`${year}-06-15T10:00`)
  await schedule.getByRole('button', { name: 'Save schedule' }).click()
  await schedule.waitFor({ state: 'detached' })
  expect((await keysOf('dated'))[0]).toMatchObject({
    state: 'pending',
    activateAt: `${year}-01-15T09:00:00.000Z`,
    endAt: `${year}-06-15T08:00:00.000Z`,
  })
  await close()
})

test('the public key is copied as JWK, as base64url and as SDK code for both kinds of trust', async () => {
  const { page, close } = await openKeys('copy')
  const [key] = await keysOf('copy')
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

test('a key is revoked only behind the verdict, its typed id and a reason', async () => {
  const { page, complaints, close } = await openKeys('revoke')
  await kit.admin('POST', '/applications/revoke/e2e-keys', {})
  const [, old] = await keysOf('revoke')
  await page.reload()
  await page.getByRole('row').filter({ hasText: 'Retiring' }).waitFor()
  await page.getByRole('button', { name: `Revoke key ${old?.keyId}` }).click()
  const dialog = page.getByRole('dialog', { name: `Revoke key ${old?.keyId}` })
  await dialog.getByText('Safe to revoke').waitFor()
  const sent = changes(page)
  const submit = dialog.getByRole('button', { name: `Revoke key ${old?.keyId}` })
  const typed = dialog.getByLabel('Type the key id')

  await submit.click()
  await dialog.getByText(`Type ${old?.keyId}, the id of this key`).waitFor()
  await dialog.getByText('Say why, in a few words').waitFor()
  expect(await typed.evaluate((element) => element === document.activeElement)).toBe(true)

  await typed.fill(`${(old?.keyId ?? 0) + 1}`)
  await dialog.getByLabel('Reason').fill('rotation of the quarter')
  await submit.click()
  await dialog.getByText(`Type ${old?.keyId}, the id of this key`).waitFor()
  expect(sent).toEqual([])

  await typed.fill(`${old?.keyId}`)
  await submit.click()
  await dialog.waitFor({ state: 'detached' })
  await page.getByRole('row').filter({ hasText: 'Revoked' }).waitFor()
  const revoked = (await keysOf('revoke')).find((key) => key.keyId === old?.keyId)
  expect(revoked?.state).toBe('revoked')
  expect(revoked?.history.at(-1)).toMatchObject({ state: 'revoked', reason: 'rotation of the quarter' })
  expect(await page.getByRole('button', { name: `Revoke key ${old?.keyId}` }).count()).toBe(0)
  expect(complaints).toEqual([])
  await close()
})

test('the last live key asks for consent besides', async () => {
  const { page, close } = await openKeys('last')
  const [only] = await keysOf('last')
  await page.getByRole('button', { name: `Revoke key ${only?.keyId}` }).click()
  const dialog = page.getByRole('dialog')
  await dialog.getByLabel('Type the key id').fill(`${only?.keyId}`)
  await dialog.getByLabel('Reason').fill('the private part leaked')
  const submit = dialog.getByRole('button', { name: `Revoke key ${only?.keyId}` })
  await submit.click()
  await dialog.getByText('Tick this, or add another key first').waitFor()
  expect((await keysOf('last'))[0]?.state).toBe('active')
  await dialog.getByLabel('This is the last live key').check()
  await submit.click()
  await dialog.waitFor({ state: 'detached' })
  expect((await keysOf('last'))[0]?.state).toBe('revoked')
  await close()
})

test('the revoke dialog can be used with the keyboard alone, and gives the focus back', async () => {
  const { page, close } = await openKeys('keyboard')
  await kit.admin('POST', '/applications/keyboard/e2e-keys', {})
  const [, old] = await keysOf('keyboard')
  await page.reload()
  await page.getByRole('row').filter({ hasText: 'Retiring' }).waitFor()
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
  await tabTo(`Revoke key ${old?.keyId}`)
  await page.keyboard.press('Enter')
  const dialog = page.getByRole('dialog')
  await dialog.getByText('Safe to revoke').waitFor()
  await page.keyboard.press('Escape')
  await dialog.waitFor({ state: 'detached' })
  await expect.poll(focused, PATIENCE).toBe(`Revoke key ${old?.keyId}`)

  await page.keyboard.press('Enter')
  await dialog.getByText('Safe to revoke').waitFor()
  await expect.poll(focused, PATIENCE).toContain('Type the key id')
  await page.keyboard.type(`${old?.keyId}`)
  await tabTo('Reason')
  await page.keyboard.type('by keyboard')
  // The focus stays within the dialog all the way round.
  for (let step = 0; step < 12; step++) {
    await page.keyboard.press('Tab')
    const inside = await page.evaluate(() => document.activeElement?.closest('[role=dialog]') !== null)
    expect(inside).toBe(true)
  }
  await tabTo(`Revoke key ${old?.keyId}`)
  await page.keyboard.press('Enter')
  await dialog.waitFor({ state: 'detached' })
  expect((await keysOf('keyboard'))[1]?.state).toBe('revoked')
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

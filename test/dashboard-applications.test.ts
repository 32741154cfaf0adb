import { signDelegation } from '@keyhaven/channel'
import { backend, type Jwk, jwkThumbprint } from '@keyhaven/crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type DashboardKit, startDashboard } from './kit/dashboard.ts'

let kit: DashboardKit
beforeAll(async () => {
  kit = await startDashboard()
})
afterAll(() => kit.close())

test('a new application proposes its id, is made with a key, and is found again', async () => {
  const { page, visit, complaints, close } = await kit.openSignedIn()
  await page.getByRole('button', { name: 'Create application' }).click()
  const dialog = page.getByRole('dialog', { name: 'Create application' })
  await dialog.getByLabel('Name').fill('Bank App')
  expect(await dialog.getByLabel('Id').inputValue()).toBe('bank-app')
  await dialog.getByLabel('Suite of its first key').selectOption('x25519')
  await dialog.getByRole('button', { name: 'Create application' }).click()
  await page.getByRole('heading', { level: 1, name: 'Bank App' }).waitFor()
  await page.getByRole('cell', { name: 'X25519' }).waitFor()

  await visit('/applications')
  await page.getByRole('searchbox', { name: 'Search applications' }).fill('bank')
  await page.getByRole('link', { name: 'Demo' }).waitFor({ state: 'detached' })
  await page.getByRole('link', { name: 'Bank App' }).waitFor()
  await page.getByRole('searchbox', { name: 'Search applications' }).fill('no such thing')
  await page.getByText('Nothing matches “no such thing”').waitFor()
  expect(complaints).toEqual([])
  await close()
})

test('an id that is taken or malformed is refused with what to do', async () => {
  const { page, close } = await kit.openSignedIn()
  await page.getByRole('button', { name: 'Create application' }).click()
  const dialog = page.getByRole('dialog', { name: 'Create application' })
  await dialog.getByLabel('Id').fill('Not An Id')
  await dialog.getByRole('button', { name: 'Create application' }).click()
  await dialog.getByText('Small letters, digits and hyphens').waitFor()
  await dialog.getByLabel('Id').fill('demo')
  await dialog.getByRole('button', { name: 'Create application' }).click()
  const refusal = dialog.getByRole('alert')
  await refusal.waitFor()
  expect(await refusal.textContent()).toContain('CONFLICT')
  await close()
})

test('an offline root: its thumbprints are typed, its delegation is signed elsewhere and installed', async () => {
  const root = await backend.signatures.generateKeyPair('EdDSA')
  const thumbprint = await jwkThumbprint(backend, root.publicKey.jwk)
  const { page, complaints, close } = await kit.openSignedIn()
  await page.getByRole('button', { name: 'Create application' }).click()
  const dialog = page.getByRole('dialog', { name: 'Create application' })
  await dialog.getByLabel('Name').fill('Offline')
  await dialog.getByLabel('Offline, with you').check()
  await dialog.getByRole('button', { name: 'Create application' }).click()
  await dialog.getByText('A thumbprint has 43 characters').waitFor()
  await dialog.getByLabel('Root thumbprint', { exact: false }).first().fill(thumbprint)
  await dialog.getByRole('button', { name: 'Create application' }).click()

  await page.getByText('No delegation yet').waitFor()
  await page.getByRole('region', { name: 'Root thumbprint' }).getByText(thumbprint).waitFor()
  await page.getByRole('button', { name: 'Install a delegation' }).click()
  const install = page.getByRole('dialog', { name: 'Install a delegation' })
  const command = await install.getByRole('region', { name: 'Command that signs' }).textContent()
  const manifestKey = JSON.parse(/--manifest-key '(.*)'/.exec(command ?? '')?.[1] ?? '') as Jwk
  const epoch = Number(/--epoch (\d+)/.exec(command ?? '')?.[1])
  expect(command).toContain('--application offline')

  await install.getByLabel('Delegation').fill('not a delegation')
  await install.getByRole('button', { name: 'Install' }).click()
  await install.getByText('one long word with two dots').waitFor()

  const now = Math.floor(Date.now() / 1_000)
  const lifetime = { issued: now, expires: now + 60 * 86_400 }
  const stranger = await backend.signatures.generateKeyPair('EdDSA')
  const claim = { application: 'offline', epoch, key: manifestKey, ...lifetime }
  await install.getByLabel('Delegation').fill(await signDelegation(backend, stranger, claim))
  await install.getByRole('button', { name: 'Install' }).click()
  await install.getByRole('alert').waitFor()

  await install.getByLabel('Delegation').fill(await signDelegation(backend, root, claim))
  await install.getByRole('button', { name: 'Install' }).click()
  await install.waitFor({ state: 'detached' })
  await page.getByText('No delegation yet').waitFor({ state: 'detached' })
  const trust = await kit.admin<{ delegationExpiresAt: string }>('GET', '/applications/offline/trust')
  expect(Date.parse(trust.delegationExpiresAt)).toBe(lifetime.expires * 1_000)
  await page.locator(`time[datetime="${trust.delegationExpiresAt}"]`).waitFor()
  expect(complaints).toEqual([])
  await close()
})

test('an application that does not exist is a clear answer, with the way back', async () => {
  const { page, close } = await kit.openSignedIn({ at: '/applications/nobody/keys' })
  const refusal = page.getByRole('alert')
  await refusal.waitFor()
  expect(await refusal.textContent()).toContain('NOT_FOUND')
  await page.getByRole('link', { name: 'All applications' }).click()
  await page.getByRole('heading', { level: 1, name: 'Applications' }).waitFor()
  await close()
})

test('a server that does not answer is said to be unreachable, and asked again on demand', async () => {
  const { page, close } = await kit.openSignedIn()
  await page.route('**/admin/v1/tokens', (route) => route.abort())
  await page.getByRole('link', { name: 'API tokens' }).click()
  await page.getByText('The server cannot be reached').waitFor()
  await page.unroute('**/admin/v1/tokens')
  await page.getByRole('button', { name: 'Try again' }).click()
  await page.getByText('No token yet').waitFor()
  await close()
})

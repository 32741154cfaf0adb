import type { Me } from '@keyhaven/sdk'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { ADMIN_TOKEN, type DashboardKit, PHONE, startDashboard } from './kit/dashboard.ts'
import { enrollMember, makeOperator } from './kit/dashboard-conversations.ts'

const APP = 'talks'
const MARKER = 'MARKER-of-what-was-written'
const LIST = `/applications/${APP}/conversations`

let kit: DashboardKit
let ann: Me
let ben: Me
beforeAll(async () => {
  kit = await startDashboard()
  await kit.admin('POST', '/applications', { id: APP, suite: 'x25519' })
  ann = await enrollMember(kit, APP, 'ann@example.com')
  ben = await enrollMember(kit, APP, 'ben')
})
afterAll(async () => {
  await ann?.close()
  await ben?.close()
  await kit.close()
})

test('an application without a conversation says how the first comes about', async () => {
  const { page, complaints, close } = await kit.openSignedIn({ at: '/applications/demo/keys' })
  await page.getByRole('link', { name: 'Conversations' }).click()
  await page.getByRole('heading', { level: 1, name: 'Conversations' }).waitFor()
  await page.getByText('No conversation yet').waitFor()
  expect(complaints).toEqual([])
  await close()
})

test('the list shows mode, members, age of the key and storage, and is searched by id and by user', async () => {
  const managed = await ann.conversations.create({ members: { ben: 'member' }, mode: 'managed' })
  const file = await managed.files.upload(new Blob([new Uint8Array(150_000)]), { name: 'a', type: 'b/c' })
  const sealed = await ann.conversations.create({ members: {}, mode: 'sealed' })
  const { page, complaints, close } = await kit.openSignedIn({ at: LIST })
  const row = (id: string) => page.getByRole('row', { name: id.slice(0, 8) })
  const shown = await row(managed.id).textContent()
  expect(shown).toMatch(/Managed2(Less than a minute|\d minutes?)/)
  expect(file.stored).toBeGreaterThan(150_000)
  expect(shown).toContain(`${Math.round(file.stored / 1_000)} kB`)
  expect(await row(sealed.id).textContent()).toMatch(/Sealed1.*0 B/)

  const search = page.getByRole('searchbox', { name: 'Search conversations' })
  const ids = () =>
    page
      .getByRole('table', { name: 'Conversations' })
      .getByRole('link')
      .evaluateAll((links) => links.map((link) => link.getAttribute('title')))
  await search.fill(sealed.id)
  await expect.poll(ids).toEqual([sealed.id])
  await search.fill('ben')
  await expect.poll(ids).toEqual([managed.id])
  // No conversation has it, and no user.
  await search.fill('AAAAAAAAAAAAAAAAAAAAAA')
  await page.getByText('No conversation matches “AAAAAAAAAAAAAAAAAAAAAA”').waitFor()
  expect(complaints).toEqual([])
  await close()
})

test('a long list and many receipts come a page at a time', async () => {
  const chats = []
  for (let made = 0; made < 3; made += 1) {
    chats.push(await ann.conversations.create({ members: {}, mode: 'managed' }))
  }
  const { page, visit, close } = await kit.openSignedIn()
  // Small pages of the real server.
  for (const path of ['**/conversations?*', '**/receipts?*']) {
    await page.route(path, (route) => {
      const url = new URL(route.request().url())
      url.searchParams.set('limit', '2')
      return route.continue({ url: url.href })
    })
  }
  await visit(LIST)
  const links = page.getByRole('table', { name: 'Conversations' }).getByRole('link')
  await expect.poll(() => links.count()).toBe(2)
  await page.getByRole('button', { name: 'Show more conversations' }).click()
  await expect.poll(() => links.count()).toBe(4)

  const [chat] = chats
  for (let turn = 0; turn < 2; turn += 1) await chat!.rotate()
  await visit(`${LIST}/${chat!.id}/receipts`)
  const numbers = () =>
    page
      .getByRole('table', { name: 'Receipts' })
      .locator('tbody [role=row] [role=cell]:first-child')
      .allTextContents()
  await expect.poll(numbers).toEqual(['2', '1'])
  await page.getByRole('button', { name: 'Show older receipts' }).click()
  await expect.poll(numbers).toEqual(['2', '1', '0'])
  expect(await page.getByRole('button', { name: 'Show older receipts' }).count()).toBe(0)
  await close()
})

test('a managed conversation shows members, rules, keys and receipts, and no content and no key', async () => {
  const chat = await ann.conversations.create({
    members: { ben: 'reader' },
    mode: 'managed',
    history: { members: 'joined', devices: 'all' },
    rotation: { maxAge: 86_400, maxMessages: 500 },
    retention: 30,
  })
  const { keyId, packet } = await chat.encrypt(MARKER)
  await ben.conversations.decrypt(keyId, packet)
  await chat.remove('ben')
  const { page, complaints, visit, close } = await kit.openSignedIn()
  const answers: Promise<string>[] = []
  page.on('response', (response) => {
    if (response.url().includes('/admin/v1/applications/')) answers.push(response.text())
  })
  await visit(LIST)
  await page.getByRole('link', { name: chat.id.slice(0, 8) }).click()
  await page.getByRole('heading', { level: 1, name: `Conversation ${chat.id.slice(0, 8)}` }).waitFor()
  await page.getByText('whoever runs it can read').waitFor()
  await page.getByText('New members read what is written after they join.').waitFor()
  await page.getByText('A new key after 1 day, after 500 messages, and when a member').waitFor()
  await page.getByText('A replaced key is erased 30 days later').waitFor()
  const people = page.getByRole('table', { name: 'Members' })
  await people.getByRole('row', { name: /ann@example\.com.*Owner.*Now a member/ }).waitFor()
  expect(await people.getByRole('row', { name: /^ben.*Reader/ }).textContent()).not.toContain('Now a member')
  // Nobody but its members can let somebody in or out.
  await page.getByText('this server cannot sign one').waitFor()
  expect(await page.getByRole('button', { name: /Remove/ }).count()).toBe(0)
  expect(await page.getByRole('link', { name: 'directory of users' }).getAttribute('href')).toContain(
    `/applications/${APP}/directory/users`,
  )

  await page.getByRole('tab', { name: 'Keys' }).click()
  const keys = page.getByRole('table', { name: 'Keys' })
  await keys.getByRole('row', { name: new RegExp(`${keyId}.*Replaced.*since.*server`) }).waitFor()
  expect(await keys.getByText('Current').count()).toBe(1)
  await page.getByRole('tab', { name: 'Receipts' }).click()
  const receipts = page.getByRole('table', { name: 'Receipts' })
  await receipts
    .getByRole('row', { name: new RegExp(`Key ben.*A member when it was made.*${keyId}`) })
    .waitFor()
  await receipts
    .getByRole('row', { name: /ann@example\.com.*Made it, or had it made/ })
    .first()
    .waitFor()
  await page.reload()
  await receipts.waitFor()
  const seen = (await Promise.all(answers)).join('')
  expect(seen).toContain(keyId)
  for (const secret of [MARKER, packet]) expect(seen).not.toContain(secret)
  expect(seen).not.toMatch(/"(key|wrapped|secret|announcement)":"/)
  expect(complaints).toEqual([])
  await close()
})

test('an operator rotates a managed conversation, and members write under the new key', async () => {
  const chat = await ann.conversations.create({ members: { ben: 'member' }, mode: 'managed' })
  const { keyId } = await chat.encrypt('before')
  const { page, complaints, close } = await kit.openSignedIn({ at: `${LIST}/${chat.id}/keys` })
  const keys = page.getByRole('table', { name: 'Keys' })
  await keys.getByRole('row', { name: new RegExp(`${keyId}.*Current`) }).waitFor()
  const sent = changes(page)
  await page.getByRole('button', { name: 'Rotate key' }).click()
  const dialog = page.getByRole('dialog', { name: 'Rotate key' })
  await dialog.getByRole('button', { name: 'Cancel' }).click()
  await dialog.waitFor({ state: 'detached' })
  expect(sent).toEqual([])
  await page.getByRole('button', { name: 'Rotate key' }).click()
  await dialog.getByRole('button', { name: 'Rotate key' }).click()
  await dialog.waitFor({ state: 'detached' })
  await keys.getByRole('row', { name: new RegExp(`${keyId}.*Replaced`) }).waitFor()
  const newest = await keys.getByRole('row', { name: /Current/ }).textContent()
  const opened = await ben.conversations.open(chat.id)
  const after = await opened.encrypt('after')
  expect(after.keyId).not.toBe(keyId)
  expect(newest).toContain(after.keyId)
  expect(complaints).toEqual([])
  await close()
})

test('a sealed conversation is rotated by its members’ devices, and there is no export of it', async () => {
  const chat = await ann.conversations.create({ members: { ben: 'member' }, mode: 'sealed' })
  const { keyId } = await chat.encrypt(MARKER)
  const { page, close } = await kit.openSignedIn({ at: `${LIST}/${chat.id}/keys` })
  await page.getByText('The server cannot read the conversation').waitFor()
  await page.getByText('The members’ devices rotate').waitFor()
  const key = page.getByRole('row', { name: new RegExp(`${keyId}.*Current`) })
  expect(await key.textContent()).toMatch(new RegExp(`ann@example\\.com/${ann.device}2$`))
  await page.getByRole('tab', { name: 'Export' }).click()
  await page.getByText('A sealed conversation has no export').waitFor()
  expect(await page.getByRole('button', { name: /Rotate|Request/ }).count()).toBe(0)
  await close()
})

test('an export takes a reason and two operators, and is downloaded elsewhere', async () => {
  const chat = await ann.conversations.create({ members: { ben: 'member' }, mode: 'managed' })
  const route = `${LIST}/${chat.id}/export`
  const [one, two] = [await makeOperator(kit, 'one'), await makeOperator(kit, 'two')]
  const first = await kit.openSignedIn({ at: route, token: one })
  await first.page.getByText('No export was asked for').waitFor()
  await first.page.getByRole('button', { name: 'Request export' }).click()
  const asking = first.page.getByRole('dialog', { name: 'Request export' })
  const sent = changes(first.page)
  await asking.getByLabel('Keys in use after').fill('2026-03-02T10:00')
  await asking.getByLabel('Keys made before').fill('2026-03-01T10:00')
  await asking.getByRole('button', { name: 'Request export' }).click()
  await asking.getByText('Say why, in a few words').waitFor()
  await asking.getByText('Choose a time after the first one').waitFor()
  expect(sent).toEqual([])
  await asking.getByLabel('Reason').fill('order 7')
  await asking.getByLabel('Keys made before').fill('')
  await asking.getByRole('button', { name: 'Request export' }).click()
  await asking.waitFor({ state: 'detached' })
  const waiting = first.page.getByRole('row', { name: /order 7.*Waits for approval/ })
  await waiting.getByText('Another operator approves it').waitFor()
  expect(await first.page.getByRole('button', { name: /^Approve/ }).count()).toBe(0)

  const second = await kit.openSignedIn({ at: route, token: two })
  await second.page.getByRole('button', { name: 'Approve the export that token:one asked for' }).click()
  const approving = second.page.getByRole('dialog', { name: 'Approve export' })
  const approved = changes(second.page)
  await approving.getByRole('button', { name: 'Approve export' }).click()
  await approving.getByText('Check it first').waitFor()
  expect(approved).toEqual([])
  await approving.getByLabel('I have checked the reason').check()
  await approving.getByRole('button', { name: 'Approve export' }).click()
  await approving.waitFor({ state: 'detached' })
  await second.page.getByRole('row', { name: /order 7.*Approved.*token:one.*token:two/ }).waitFor()
  await second.page.getByText(`keyhaven conversations export download --json -- ${APP} ${chat.id}`).waitFor()
  expect([...first.complaints, ...second.complaints]).toEqual([])

  const { exports } = await kit.admin<{ exports: { id: string }[] }>(
    'GET',
    `/applications/${APP}/conversations/${chat.id}`,
  )
  const download = await fetch(
    `${kit.server.adminUrl}/admin/v1/applications/${APP}/conversations/${chat.id}/exports/${exports[0]!.id}/keys`,
    { headers: { authorization: `Bearer ${one}` } },
  )
  expect(download.status).toBe(200)
  await second.visit(route)
  await second.page.getByRole('row', { name: /order 7.*Downloaded/ }).waitFor()
  expect(await second.page.getByText('keyhaven conversations export download').count()).toBe(0)
  await second.page.getByRole('tab', { name: 'Receipts' }).click()
  await second.page.getByRole('row', { name: /Export.*token:one.*token:two.*by two operators/ }).waitFor()
  await first.close()
  await second.close()
})

test('an operator who may be the same person is refused, in words', async () => {
  const chat = await ann.conversations.create({ members: {}, mode: 'managed' })
  const path = `/applications/${APP}/conversations/${chat.id}/exports`
  await kit.admin('POST', path, { reason: 'order 8' })
  // The admin token made it, so that whoever holds the one may hold the other.
  const spare = await makeOperator(kit, 'spare')
  const { page, close } = await kit.openSignedIn({ at: `${LIST}/${chat.id}/export`, token: spare })
  await page.getByRole('button', { name: /^Approve the export/ }).click()
  const dialog = page.getByRole('dialog', { name: 'Approve export' })
  await dialog.getByLabel('I have checked the reason').check()
  await dialog.getByRole('button', { name: 'Approve export' }).click()
  await dialog.getByRole('alert').getByText('token:admin made token:spare').waitFor()
  await close()
})

test('an auditor reads everything and is offered no change; a key manager is told no', async () => {
  const chat = await ann.conversations.create({ members: {}, mode: 'managed' })
  await kit.admin('POST', `/applications/${APP}/conversations/${chat.id}/exports`, { reason: 'order 9' })
  const tokenOf = async (name: string, role: string) =>
    (await kit.admin<{ token: string }>('POST', '/tokens', { name, roles: [role] })).token
  const auditor = await kit.openSignedIn({
    at: `${LIST}/${chat.id}/export`,
    token: await tokenOf('aud', 'auditor'),
  })
  await auditor.page.getByRole('row', { name: /order 9/ }).waitFor()
  expect(await auditor.page.getByRole('button', { name: /Rotate|Request|Approve/ }).count()).toBe(0)
  expect(auditor.complaints).toEqual([])
  await auditor.close()

  const token = await tokenOf('man', 'key-manager')
  expect(token).not.toBe(ADMIN_TOKEN)
  const manager = await kit.openSignedIn({ at: `/applications/${APP}/keys`, token })
  await manager.page.getByRole('link', { name: 'Directory' }).waitFor()
  expect(await manager.page.getByRole('link', { name: 'Conversations' }).count()).toBe(0)
  for (const route of [LIST, `${LIST}/${chat.id}`]) {
    await manager.visit(route)
    await manager.page.getByRole('alert').getByText('ACCESS_DENIED').waitFor()
  }
  await manager.close()
})

test('on a phone the open tab shows, and the page stays at its top', async () => {
  const chat = await ann.conversations.create({ members: {}, mode: 'managed' })
  const { page, close } = await kit.openSignedIn({ at: `${LIST}/${chat.id}/export`, viewport: PHONE })
  await page.getByText('No export was asked for').waitFor()
  const box = await page.getByRole('tab', { name: 'Export' }).boundingBox()
  expect(box!.x + box!.width).toBeLessThanOrEqual(PHONE.width)
  expect(await page.evaluate(() => window.scrollY)).toBe(0)
  await close()
})

test('a conversation that does not exist is called so, and a failure can be tried again', async () => {
  const chat = await ann.conversations.create({ members: {}, mode: 'managed' })
  const { page, visit, close } = await kit.openSignedIn({ at: `${LIST}/AAAAAAAAAAAAAAAAAAAAAA` })
  await page.getByRole('alert').getByText('NOT_FOUND').waitFor()
  await visit(`${LIST}/${chat.id}/nothing`)
  await page.getByText('There is no such part here').waitFor()
  // Once the browser is through with its own attempts, the person has one.
  let broken = true
  await page.route('**/receipts?*', (route) => (broken ? route.abort() : route.continue()))
  await page.getByRole('tab', { name: 'Receipts' }).click()
  await page.getByText('The server cannot be reached').waitFor()
  broken = false
  await page.getByRole('button', { name: 'Try again' }).click()
  await page.getByRole('table', { name: 'Receipts' }).getByRole('link', { name: 'ann@example.com' }).waitFor()
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

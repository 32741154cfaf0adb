import type { Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { DESKTOP, overflow, PHONE, seriousFaults, settle } from './kit/dashboard.ts'
import { enrollMember } from './kit/dashboard-conversations.ts'
import { addDevice, enroll, issueToken as issueSignUpToken } from './kit/dashboard-directory.ts'
import { type IdentityDashboard, startIdentityDashboard } from './kit/dashboard-identity.ts'
import { IDENTITY_SCREENS } from './kit/dashboard-identity-screens.ts'
import { click, type Screen } from './kit/dashboard-screen.ts'

const USER = '/applications/demo/directory/users/ann~40example.com'
const CONVERSATION = '/applications/demo/conversations/MANAGED'
const SEALED = '/applications/demo/conversations/SEALED'
const TOKENS = '/applications/demo/directory/sign-up-tokens'

/** Up to the token, which is shown once. */
async function issueToken(page: Page): Promise<void> {
  await page.getByRole('button', { name: 'Issue token' }).click()
  const dialog = page.getByRole('dialog')
  await dialog.getByRole('textbox', { name: 'Username' }).fill('dan@example.com')
  await dialog.getByRole('button', { name: 'Issue token' }).click()
  await dialog.getByText('Copy it now').waitFor()
}

const SCREENS: readonly Screen[] = [
  { name: 'applications', route: '/applications', heading: 'Applications' },
  {
    name: 'create application',
    route: '/applications',
    heading: 'Applications',
    open: click('Create application'),
  },
  { name: 'E2E keys', route: '/applications/demo/keys', heading: 'Demo' },
  { name: 'add key', route: '/applications/demo/keys', heading: 'Demo', open: click('Add key') },
  {
    name: 'public key',
    route: '/applications/demo/keys',
    heading: 'Demo',
    open: click(/^Public key and details/),
  },
  { name: 'schedule', route: '/applications/demo/keys', heading: 'Demo', open: click(/^Schedule key/) },
  { name: 'revoke', route: '/applications/demo/keys', heading: 'Demo', open: click(/^Revoke key/) },
  { name: 'adoption', route: '/applications/demo/adoption', heading: 'Demo' },
  { name: 'trust', route: '/applications/demo/trust', heading: 'Demo' },
  {
    name: 'switch to the spare root',
    route: '/applications/demo/trust',
    heading: 'Demo',
    open: click('Switch to the spare root'),
  },
  { name: 'trust with an offline root', route: '/applications/offline-root/trust', heading: 'offline-root' },
  {
    name: 'install a delegation',
    route: '/applications/offline-root/trust',
    heading: 'offline-root',
    open: click('Install a delegation'),
  },
  { name: 'no such application', route: '/applications/nobody/keys', heading: 'nobody' },
  { name: 'users', route: '/applications/demo/directory/users', heading: 'Directory' },
  { name: 'no user', route: '/applications/offline-root/directory/users', heading: 'Directory' },
  { name: 'user', route: USER, heading: 'ann@example.com' },
  { name: 'revoke device', route: USER, heading: 'ann@example.com', open: click('Revoke the device Laptop') },
  {
    name: 'revoke the last device',
    route: '/applications/demo/directory/users/ben',
    heading: 'ben',
    open: click(/^Revoke the device/),
  },
  { name: 'reset user', route: USER, heading: 'ann@example.com', open: click('Reset user') },
  { name: 'user who was reset', route: '/applications/demo/directory/users/cat', heading: 'cat' },
  { name: 'expiring soon', route: '/applications/demo/directory/expiring', heading: 'Directory' },
  { name: 'sign-up tokens', route: TOKENS, heading: 'Directory' },
  { name: 'issue sign-up token', route: TOKENS, heading: 'Directory', open: click('Issue token') },
  { name: 'sign-up token issued', route: TOKENS, heading: 'Directory', open: issueToken },
  { name: 'revoke sign-up token', route: TOKENS, heading: 'Directory', open: click(/^Revoke the token/) },
  { name: 'log', route: '/applications/demo/directory/log', heading: 'Directory' },
  {
    name: 'check the log',
    route: '/applications/demo/directory/log',
    heading: 'Directory',
    open: click('Check the log'),
  },
  {
    name: 'conversations',
    route: '/applications/demo/conversations',
    heading: 'Conversations',
    shows: 'Key age',
  },
  {
    name: 'no conversation',
    route: '/applications/offline-root/conversations',
    heading: 'Conversations',
    shows: 'No conversation yet',
  },
  {
    name: 'members of a conversation',
    route: `${CONVERSATION}/members`,
    heading: 'Conversation',
    shows: 'Remove a member',
  },
  {
    name: 'rotate a conversation',
    route: `${CONVERSATION}/keys`,
    heading: 'Conversation',
    shows: 'when an operator does',
    open: click('Rotate key'),
  },
  {
    name: 'keys of a conversation',
    route: `${CONVERSATION}/keys`,
    heading: 'Conversation',
    shows: 'when an operator does',
  },
  {
    name: 'receipts',
    route: `${CONVERSATION}/receipts`,
    heading: 'Conversation',
    shows: 'a receipt is written first',
  },
  { name: 'exports', route: `${CONVERSATION}/export`, heading: 'Conversation', shows: 'Waits for approval' },
  {
    name: 'request an export',
    route: `${CONVERSATION}/export`,
    heading: 'Conversation',
    shows: 'Waits for approval',
    open: click('Request export'),
  },
  {
    name: 'approve an export',
    route: `${CONVERSATION}/export`,
    heading: 'Conversation',
    shows: 'Waits for approval',
    open: click(/^Approve the export/),
  },
  {
    name: 'keys of a sealed conversation',
    route: `${SEALED}/keys`,
    heading: 'Conversation',
    shows: 'The members’ devices rotate',
  },
  {
    name: 'no export of a sealed conversation',
    route: `${SEALED}/export`,
    heading: 'Conversation',
    shows: 'A sealed conversation has no export',
  },
  {
    name: 'no such conversation',
    route: '/applications/demo/conversations/AAAAAAAAAAAAAAAAAAAAAA',
    heading: 'Conversation',
    shows: 'NOT_FOUND',
  },
  ...IDENTITY_SCREENS,
  { name: 'audit log', route: '/audit', heading: 'Audit log' },
  { name: 'verify the log', route: '/audit', heading: 'Audit log', open: click('Verify the log') },
  { name: 'API tokens', route: '/tokens', heading: 'API tokens' },
  { name: 'create token', route: '/tokens', heading: 'API tokens', open: click('Create token') },
  { name: 'delete token', route: '/tokens', heading: 'API tokens', open: click(/^Delete the token/) },
  { name: 'no such page', route: '/nothing', heading: 'No such page' },
]

let kit: IdentityDashboard
let managed: string
let sealed: string
beforeAll(async () => {
  kit = await startIdentityDashboard()
  const rootThumbprints = ['A'.repeat(43), 'B'.repeat(43)]
  await kit.admin('POST', '/applications', { id: 'offline-root', rootThumbprints })
  await kit.admin('POST', '/applications', {
    id: 'x'.repeat(63),
    name: 'A name without a space '.repeat(4).trim(),
  })
  await kit.admin('POST', '/applications/demo/e2e-keys', { suite: 'x25519' })
  await kit.admin('POST', '/tokens', {
    name: 'a-token-with-a-rather-long-name',
    roles: ['key-manager', 'auditor'],
  })
  const phone = await enroll(kit, 'demo', 'ann@example.com')
  const laptop = { name: 'Laptop', profile: 'rsa3072', days: 9 } as const
  await addDevice(kit, 'demo', 'ann@example.com', phone, laptop)
  await enroll(kit, 'demo', 'ben', { name: 'A device whose name is a good deal longer than any ought to be' })
  await enroll(kit, 'demo', 'cat')
  await kit.admin('POST', '/applications/demo/directory/users/cat/reset', { reason: 'every device was lost' })
  await enroll(kit, 'demo', 'x'.repeat(128))
  await issueSignUpToken(kit, 'demo', 'waits@example.com')
  await startConversations()
})
afterAll(() => kit.close())

/** One of each mode, with a member of a long name, two keys, receipts, and an export in each state. */
async function startConversations(): Promise<void> {
  const eve = await enrollMember(kit, 'demo', 'eve@example.com')
  const chat = await eve.conversations.create({
    members: { ben: 'reader', ['x'.repeat(128)]: 'admin' },
    mode: 'managed',
    retention: 30,
  })
  await chat.remove('ben')
  managed = chat.id
  sealed = (await eve.conversations.create({ members: { ben: 'member' }, mode: 'sealed' })).id
  await eve.close()
  const path = `/applications/demo/conversations/${managed}/exports`
  const { token } = await kit.admin<{ token: string }>('POST', '/tokens', { name: 'other', roles: ['admin'] })
  const { token: second } = await kit.admin<{ token: string }>('POST', '/tokens', {
    name: 'second-operator-with-a-rather-long-name',
    roles: ['admin'],
  })
  const call = async (by: string, at: string, body?: unknown) => {
    const answer = await fetch(`${kit.server.adminUrl}/admin/v1${at}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${by}`, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    if (!answer.ok) throw new Error(`${at}: ${answer.status}`)
    return (await answer.json()) as { id: string }
  }
  const asked = await call(token, path, { reason: 'order 7', from: '2026-03-01T00:00:00Z' })
  await call(second, `${path}/${asked.id}/approve`)
  await call(token, path, { reason: `order 8, ${'which has a long reason '.repeat(4)}` })
}

test('at 375 px no page or dialog is too wide, and axe finds nothing serious in light and dark', {
  timeout: 300_000,
}, async () => {
  const first = await kit.open({ viewport: PHONE, colorScheme: 'light' })
  await settle(first.page)
  await inspect(first.page, 'sign-in')
  const { page, complaints, close } = await kit.openSignedIn({ viewport: PHONE, colorScheme: 'light' })
  for (const screen of SCREENS) {
    await show(page, screen)
    await inspect(page, screen.name)
  }
  expect([...first.complaints, ...complaints]).toEqual([])
  await first.close()
  await close()
})

test('whoever asks for less motion has no element that takes time to change', async () => {
  const { page, close } = await kit.openSignedIn({ at: '/audit' })
  const moving = () =>
    page.evaluate(() => {
      const durations = [...document.querySelectorAll('*')].flatMap((element) =>
        getComputedStyle(element).transitionDuration.split(', '),
      )
      return [...new Set(durations)]
    })
  expect(await moving()).toEqual(['0s'])
  await page.emulateMedia({ reducedMotion: 'no-preference' })
  expect((await moving()).length).toBeGreaterThan(1)
  await close()
})

test('the API page reads well on a phone: no table scrolls sideways, and axe finds nothing serious', async () => {
  const { page, complaints, close } = await kit.open({ viewport: PHONE })
  await page.goto(`${kit.server.publicUrl}/docs`)
  expect(await overflow(page)).toBe(0)
  const scrolling = await page
    .locator('.table')
    .evaluateAll((tables) => tables.filter((table) => table.scrollWidth > table.clientWidth).length)
  expect(scrolling).toBe(0)
  expect(await seriousFaults(page)).toEqual([])
  expect(complaints).toEqual([])
  await close()
})

test('on a phone the navigation opens, leads on and closes again', async () => {
  const { page, close } = await kit.openSignedIn({ viewport: PHONE })
  await page.getByRole('button', { name: 'Open the navigation' }).click()
  await page.getByRole('link', { name: 'Audit log' }).click()
  await page.getByRole('heading', { level: 1, name: 'Audit log' }).waitFor()
  await page.getByRole('button', { name: 'Open the navigation' }).waitFor()
  await close()
})

test('the first Tab offers the content, and a new page takes the focus to its heading', async () => {
  const { page, close } = await kit.openSignedIn()
  const focused = () => page.evaluate(() => document.activeElement?.textContent)
  await page.keyboard.press('Tab')
  expect(await focused()).toBe('Skip to the content')
  await page.keyboard.press('Enter')
  expect(await page.evaluate(() => document.activeElement?.tagName)).toBe('MAIN')
  await page.getByRole('link', { name: 'Audit log' }).click()
  await expect.poll(focused).toBe('Audit log')
  expect(await page.title()).toBe('Audit log · Keyhaven')
  await close()
})

/** What is shown: on a phone, then light and dark on a desk. It ends as it began. */
async function inspect(page: Page, name: string): Promise<void> {
  expect(await overflow(page), `${name}, width on a phone`).toBe(0)
  await page.setViewportSize(DESKTOP)
  expect(await schemeDrawn(page), name).toBe('light')
  expect(await seriousFaults(page), `${name}, light`).toEqual([])
  // The schemes differ in colours, and in nothing else.
  await page.emulateMedia({ colorScheme: 'dark' })
  expect(await schemeDrawn(page), name).toBe('dark')
  expect(await seriousFaults(page, 'colours'), `${name}, dark`).toEqual([])
  await page.emulateMedia({ colorScheme: 'light' })
  await page.setViewportSize(PHONE)
  expect(await schemeDrawn(page), name).toBe('light')
}

/** Lets the page draw what was changed about its window. @returns the colours that it has now. */
function schemeDrawn(page: Page): Promise<string | undefined> {
  return page.evaluate(async () => {
    for (let frame = 0; frame < 2; frame += 1) await new Promise(requestAnimationFrame)
    return document.documentElement.dataset.mantineColorScheme
  })
}

/** Goes on without loading the page anew; a dialog left open is closed first. */
async function show(page: Page, screen: Screen): Promise<void> {
  const dialog = page.getByRole('dialog')
  if ((await dialog.count()) > 0) {
    // What is shown once stays open on Escape.
    const stored = dialog.getByRole('button', { name: 'I have stored it' })
    if ((await stored.count()) > 0) await stored.click()
    else await page.keyboard.press('Escape')
    await dialog.waitFor({ state: 'detached' })
  }
  await page.evaluate(
    (route) => {
      location.hash = route
    },
    screen.route
      .replace('MANAGED', managed)
      .replace('SEALED', sealed)
      .replace('REJECTED', kit.registrations.rejected),
  )
  await page.getByRole('heading', { level: 1, name: screen.heading }).waitFor()
  if (screen.shows !== undefined) await page.getByText(screen.shows).first().waitFor()
  await settle(page)
  if (screen.open === undefined) return
  await screen.open(page)
  await dialog.waitFor()
  await settle(page)
}

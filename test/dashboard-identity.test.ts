import type { Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import {
  type DashboardKit,
  type DashboardPage,
  overflow,
  PHONE,
  seriousFaults,
  settle,
} from './kit/dashboard.ts'
import {
  APP,
  IDA_PARTNER,
  type IdentityDashboard,
  ORGANISATION,
  PARTNER,
  SHARE_POLICY,
  startIdaDashboard,
  startIdentityDashboard,
  WAITING_PARTNER,
} from './kit/dashboard-identity.ts'

const IDENTITY = `/applications/${APP}/identity`

let kit: IdentityDashboard
let ida: DashboardKit
let open: DashboardPage
/** One page for all tests: the order of the tests is the order of what is done on it. */
let page: Page
/** Everything that the admin API answered to it. */
const answers: Promise<string>[] = []
beforeAll(async () => {
  ;[kit, ida] = await Promise.all([startIdentityDashboard(), startIdaDashboard()])
  open = await kit.openSignedIn()
  page = open.page
  page.on('response', (response) => {
    if (response.url().includes('/admin/v1/')) answers.push(response.text().catch(() => ''))
  })
  await open.visit('/')
})
afterAll(async () => {
  await Promise.all([kit?.close(), ida?.close()])
})

async function show(part: string): Promise<void> {
  await page.evaluate((hash) => {
    location.hash = hash
  }, `/identity/${part}`)
  await settle(page)
}

const dialog = (name: string) => page.getByRole('dialog', { name })
const table = (name: string) => page.getByRole('table', { name, exact: true })

test('the entry leads to the registrations, by stage with counts', async () => {
  await page.getByRole('link', { name: 'Identity' }).click()
  await page.getByRole('heading', { level: 1, name: 'Identity' }).waitFor()
  await page.getByText('Biometrics are compared by: simulated').waitFor()
  const { complete, rejected } = kit.registrations
  await table('Registrations')
    .getByRole('row', { name: new RegExp(`${complete}.*Complete`) })
    .waitFor()
  await page.getByRole('button', { name: 'Rejected 1' }).click()
  await page.getByRole('row', { name: new RegExp(`${rejected}.*Rejected.*operator`) }).waitFor()
  await table('Registrations').getByRole('row', { name: complete }).waitFor({ state: 'detached' })
  await page.getByRole('button', { name: 'Stored 0' }).click()
  await page.getByText('No registration is “Stored” now').waitFor()
})

test('a registration shows its stages, and why it was rejected and what to do', async () => {
  await show(`registrations/${kit.registrations.rejected}`)
  await page.getByText('not a registration officer at that time').first().waitFor()
  await page.getByText('Add the officer with keyhaven identity').waitFor()
  await show(`registrations/${kit.registrations.complete}`)
  for (const stage of ['Received', 'Verified', 'Deduplicated', 'Number given', 'Stored', 'Complete']) {
    await page.getByText(stage, { exact: true }).first().waitFor()
  }
  await show('stations')
  await table('Centres')
    .getByRole('row', { name: /A closed town hall.*Closed/ })
    .waitFor()
  await table('Machines')
    .getByRole('row', { name: /10001_10077.*In use.*([0-9a-f]{2}:){31}/i })
    .waitFor()
})

test('partners are listed by state and type, and what waits is decided with a reason', async () => {
  await show('partners')
  await page.getByRole('combobox', { name: 'Type' }).selectOption('Print_Partner')
  await table('Partners').getByRole('row', { name: WAITING_PARTNER }).waitFor({ state: 'detached' })
  await table('Partners')
    .getByRole('row', { name: new RegExp(`${PARTNER}.*${ORGANISATION}.*Active`) })
    .waitFor()
  await page.getByRole('combobox', { name: 'State', exact: true }).selectOption('inactive')
  await page.getByText('No partner is so').waitFor()

  await page.getByRole('button', { name: `Approve ${SHARE_POLICY} for ${WAITING_PARTNER}` }).click()
  const approve = dialog('Approve subscription')
  await approve.getByRole('button', { name: 'Approve' }).click()
  await approve.getByText('Say why, in a few words').waitFor()
  await approve.getByLabel('Reason').fill('too early')
  await approve.getByRole('button', { name: 'Approve' }).click()
  await approve.getByText('has no certificate that is not revoked').waitFor()
  await approve.getByRole('button', { name: 'Cancel' }).click()
  await page.getByRole('button', { name: `Refuse ${SHARE_POLICY} for ${WAITING_PARTNER}` }).click()
  const refuse = dialog('Refuse subscription')
  await refuse.getByLabel('Reason').fill('no certificate yet')
  await refuse.getByRole('button', { name: 'Refuse' }).click()
  await page.getByText('None: every partner that asked for a policy has an answer.').waitFor()
  await show(`partners/${WAITING_PARTNER}`)
  await page.getByRole('row', { name: /Refused.*no certificate yet/ }).waitFor()
  await page.getByText('No certificate yet', { exact: true }).waitFor()
})

test('an API key is shown once, and revoked', async () => {
  await show(`partners/${PARTNER}`)
  await table('Certificates')
    .getByRole('row', { name: /In use/ })
    .waitFor()
  await page.getByRole('button', { name: 'Issue API key' }).click()
  const issue = dialog('Issue API key')
  await issue.getByLabel('Days until it expires').fill('0')
  await issue.getByRole('button', { name: 'Issue API key' }).click()
  await issue.getByText('Give it a name').waitFor()
  await issue.getByText('A whole number from 1').waitFor()
  await issue.getByLabel('Label').fill('second branch')
  await issue.getByLabel('Days until it expires').fill('30')
  await issue.getByRole('button', { name: 'Issue API key' }).click()
  const issued = dialog('API key second branch')
  const key = (await issued.locator('pre').textContent()) ?? ''
  expect(key).toMatch(/^[A-Za-z0-9_-]{43}$/)
  await page.keyboard.press('Escape')
  await issued.getByRole('button', { name: 'I have stored it' }).click()
  await issued.waitFor({ state: 'detached' })
  await page
    .getByRole('row', { name: /second branch.*Active/ })
    .getByRole('button')
    .click()
  await dialog('Revoke API key').getByLabel('Reason').fill('lost')
  await dialog('Revoke API key').getByRole('button', { name: 'Revoke API key' }).click()
  await page.getByRole('row', { name: /second branch.*Revoked/ }).waitFor()
  expect(await page.content()).not.toContain(key)
})

test('a policy shows its JSON, and a wrong one is refused at its path', async () => {
  await show(`policies/${SHARE_POLICY}`)
  const shown = JSON.parse((await page.locator('pre').textContent()) ?? '')
  expect(shown.dataSharePolicies.transactionsAllowed).toBe('2')
  await show('policies')
  await page.getByRole('button', { name: 'Upload policy' }).click()
  const upload = dialog('Upload policy')
  const submit = upload.getByRole('button', { name: 'Upload as a draft' })
  const text = upload.getByLabel('MOSIP’s JSON')
  await upload.getByLabel('Policy id').fill('not an id')
  await text.fill('{ "dataSharePolicies": ')
  await submit.click()
  await upload.getByText('Letters, digits').waitFor()
  await upload.getByText('This is no JSON.').waitFor()
  await upload.getByLabel('Policy id').fill('cards')
  const wrong = structuredClone(shown)
  wrong.dataSharePolicies.transactionsAllowed = 'many'
  await text.fill(JSON.stringify(wrong))
  await submit.click()
  await upload.getByText('/dataSharePolicies/transactionsAllowed').waitFor()
  await page.locator('input[type=file]').setInputFiles({
    name: 'cards.json',
    mimeType: 'application/json',
    buffer: Buffer.from(JSON.stringify(shown)),
  })
  await submit.click()
  await page.getByRole('row', { name: /cards.*Draft/ }).waitFor()
})

test('a policy is published, and deactivated', async () => {
  await show('policies/cards')
  await page.getByRole('button', { name: 'Publish draft' }).click()
  const publish = dialog('Publish draft')
  await publish.getByLabel('Ends, your local time').fill('2020-01-01T10:00')
  await publish.getByRole('button', { name: 'Publish' }).click()
  await publish.getByText('Choose a time that is still to come').waitFor()
  await publish.getByLabel('Ends, your local time').fill('')
  await publish.getByRole('button', { name: 'Publish' }).click()
  await page.getByText('Published version 1').waitFor()
  await page.getByRole('button', { name: 'Deactivate' }).click()
  await dialog('Deactivate policy').getByRole('button', { name: 'Deactivate' }).click()
  await dialog('Deactivate policy').waitFor({ state: 'detached' })
  await page.getByRole('button', { name: 'Activate', exact: true }).waitFor()
  await page.getByRole('button', { name: 'Upload next version' }).click()
  await dialog('Upload the next version').getByRole('button', { name: 'Upload as a draft' }).click()
  await page.getByText('A draft waits').waitFor()
})

test('a share shows its reads until it is spent, and refusals with their reason', async () => {
  await show('shares')
  await page.getByRole('row', { name: new RegExp(`${PARTNER}.*Live.*0 of 2.*${SHARE_POLICY} v1`) }).waitFor()
  await page.getByRole('row', { name: new RegExp(`${WAITING_PARTNER} is not active`) }).waitFor()

  for (let read = 0; read < 2; read += 1) expect((await kit.readShare()).status).toBe(200)
  await show('events')
  await page.reload()
  await show('shares')
  await page.getByRole('row', { name: /Spent.*2 of 2/ }).waitFor()
})

test('a reason without spaces breaks, and pushes no column out of the page', async () => {
  const own = await kit.openSignedIn({ viewport: { width: 1280, height: 800 } })
  await own.page.route(/\/identity\/registrations\?/, async (route) => {
    const response = await route.fetch()
    const body = (await response.json()) as { items: { rid: string; stage: string; reason: string | null }[] }
    for (const item of body.items) {
      Object.assign(item, { stage: 'UIN_GIVEN', reason: `DUPLICATE: biometrics of ${item.rid}` })
    }
    await route.fulfill({ response, json: body })
  })
  await own.visit('/identity/registrations')
  await own.page.getByText('DUPLICATE: biometrics of').first().waitFor()
  expect(await overflow(own.page)).toBe(0)
  await own.close()
})

test('the vault shows how far an IDA that came later has caught up', async () => {
  const own = await kit.openSignedIn({ viewport: PHONE })
  await own.page.route(/\/identity\/vault$/, async (route) => {
    const response = await route.fetch()
    const body = (await response.json()) as object
    const backfill = {
      ...{ partner: IDA_PARTNER, policyId: SHARE_POLICY, state: 'running', people: 4_200, total: 100_000 },
      ...{ issued: 4_100, waiting: 99, failed: 1, changedAt: new Date().toISOString() },
    }
    await route.fulfill({ response, json: { ...body, backfills: [backfill] } })
  })
  await own.visit('/identity/vault')
  await own.page.getByRole('row', { name: /ida-1.*Goes on.*4,200 of 100,000.*4,100.*99.*1/ }).waitFor()
  expect(await overflow(own.page)).toBe(0)
  expect(await seriousFaults(own.page)).toEqual([])
  await own.close()
})

test('a dead event is replayed', async () => {
  await show('events')
  await page.getByRole('combobox', { name: 'State', exact: true }).selectOption('dead')
  await page.getByRole('row', { name: new RegExp(`${IDA_PARTNER}.*Dead.*answered 503`) }).waitFor()
  await page.getByRole('button', { name: new RegExp(`Replay event [0-9]+ of ${IDA_PARTNER}`) }).click()
  await page.getByText('No event is so').waitFor()
  await page.getByRole('combobox', { name: 'State', exact: true }).selectOption('')
  await page.getByRole('row', { name: new RegExp(`${IDA_PARTNER}.*(Waits|Kept)`) }).waitFor()
})

test('the vault shows pool, generation and conflicts, which are closed with a reason', async () => {
  await show('vault')
  await page.getByRole('row', { name: /^0 0 to 9,999 10,000/ }).waitFor()
  await page.getByRole('button', { name: 'Close the conflict of index 4711' }).click()
  await dialog('Close conflict').getByLabel('Reason').fill('two machines made the pool at once')
  await dialog('Close conflict').getByRole('button', { name: 'Close conflict' }).click()
  await page.getByRole('row', { name: /4,711.*Closed.*token:admin/ }).waitFor()
  await page.getByText('A second, different key came').waitFor({ state: 'detached' })
})

test('a partner is revoked only once its id was typed', async () => {
  await show(`partners/${PARTNER}`)
  await page.getByRole('button', { name: 'Deactivate partner' }).click()
  const revoke = dialog('Deactivate partner')
  await revoke.getByLabel('Reason').fill('contract ended')
  await revoke.getByRole('button', { name: 'Deactivate partner' }).click()
  await revoke.getByText(`Type ${PARTNER}, the id of this partner`).waitFor()
  const still = await kit.admin<{ state: string }>('GET', `${IDENTITY}/partners/${PARTNER}`)
  expect(still.state).toBe('active')
  await revoke.getByLabel('Type the partner id').fill(PARTNER)
  await revoke.getByRole('button', { name: 'Deactivate partner' }).click()
  await revoke.waitFor({ state: 'detached' })
  await page.getByRole('button', { name: 'Activate partner' }).waitFor()
  const after = await kit.admin<{ state: string }>('GET', `${IDENTITY}/partners/${PARTNER}`)
  expect(after.state).toBe('inactive')
})

test('no page was given anything of a person, and the browser complained of nothing', async () => {
  const seen = (await Promise.all(answers)).join('')
  expect(seen).toContain(kit.registrations.complete)
  expect(kit.personal.length).toBeGreaterThan(4)
  for (const text of kit.personal) expect(seen).not.toContain(text)
  expect(open.complaints).toEqual([])
})

test('each role sees its parts, and an auditor changes nothing', async () => {
  const tabsOf = async (role: keyof IdentityDashboard['tokens'], look: (as: Page) => Promise<void>) => {
    const opened = await kit.openSignedIn({ token: kit.tokens[role] })
    await opened.page.getByRole('link', { name: 'Identity' }).click()
    await opened.page.getByRole('tab').first().waitFor()
    const tabs = await opened.page.getByRole('tab').allTextContents()
    await look(opened.page)
    expect(opened.complaints).toEqual([])
    await opened.close()
    return tabs
  }
  const managed = await tabsOf('partner-manager', async (as) => {
    await as.getByRole('tab', { name: 'Shares' }).click()
    await as.getByText('Refusals are in the audit log').waitFor()
  })
  expect(managed).toEqual(['Partners', 'Policies', 'Shares', 'Events'])
  const audited = await tabsOf('auditor', async (as) => {
    for (const tab of ['Partners', 'Policies', 'Events', 'Vault']) {
      await as.getByRole('tab', { name: tab }).click()
      await settle(as)
      expect(await as.getByRole('main').getByRole('button').count(), tab).toBe(0)
    }
  })
  expect(audited).toHaveLength(7)
})

test('an IDA’s own dashboard shows when who asked and what was answered, and its vault', async () => {
  const opened = await ida.openSignedIn()
  await opened.page.getByRole('link', { name: 'Identity' }).click()
  await opened.page.getByRole('row', { name: /bank-1 Authentication Yes Demographics, Biometrics/ }).waitFor()
  await opened.page.getByRole('row', { name: /shop-2 One-time password Refused.*IDA-MPA-003/ }).waitFor()
  await opened.page.getByRole('searchbox', { name: 'Partner' }).fill('bank-1')
  await opened.page
    .getByRole('row', { name: /shop-2/ })
    .first()
    .waitFor({ state: 'detached' })
  expect(await opened.page.getByRole('tab').allTextContents()).toEqual(['Authentications', 'Vault'])
  await opened.page.getByRole('tab', { name: 'Vault' }).click()
  await opened.page.getByText('The keys come from the issuer').waitFor()
  expect(await seriousFaults(opened.page)).toEqual([])
  await opened.page.getByRole('tab', { name: 'Authentications' }).click()
  await opened.page.setViewportSize(PHONE)
  await settle(opened.page)
  expect(await seriousFaults(opened.page)).toEqual([])
  expect(await overflow(opened.page)).toBe(0)
  expect(opened.complaints).toEqual([])
  await opened.close()
})

test('a server without the capability has no entry, and says so at the address', async () => {
  const opened = await kit.openSignedIn()
  await opened.page.route('**/admin/v1/status', async (route) => {
    const answer = await route.fetch()
    await route.fulfill({ response: answer, json: { ...(await answer.json()), identity: null } })
  })
  await opened.visit('/identity')
  await opened.page.getByText('Nothing of it is here for you').waitFor()
  expect(await opened.page.getByRole('link', { name: 'Identity' }).count()).toBe(0)
  expect(opened.complaints).toEqual([])
  await opened.close()
})

import { connect } from '@keyhaven/sdk'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type DashboardKit, startDashboard } from './kit/dashboard.ts'

interface Key {
  readonly keyId: number
  readonly publicKey: string
}

let kit: DashboardKit
beforeAll(async () => {
  kit = await startDashboard()
})
afterAll(() => kit.close())

/** Calls through the sealed channel as an installed app does. */
async function call(appVersion: string, trust: Parameters<typeof connect>[0]['trust']): Promise<void> {
  const app = connect({ url: kit.server.publicUrl, applicationId: 'demo', appVersion, trust })
  const response = await app.fetch('/v1/echo', { method: 'POST', body: 'hello' })
  expect(response.status).toBe(200)
  app.close()
}

test('real calls show by key and by version, and the verdict names who would break', async () => {
  const path = '/applications/demo/e2e-keys'
  const [key] = (await kit.admin<{ items: Key[] }>('GET', path)).items
  if (key === undefined) throw new Error('the demo application has no key')
  const rootThumbprints = kit.server.defaultApplication?.rootThumbprints as [string, string]
  await call('2.0.0', { rootThumbprints })
  await call('1.9.0', { pinnedKeys: [key] })
  await call('1.9.0', { pinnedKeys: [key] })

  const { page, complaints, close } = await kit.openSignedIn({ at: '/applications/demo/keys' })
  const row = page.getByRole('row').filter({ hasText: 'Active' })
  await row.getByText('100 %').waitFor()
  expect(await row.locator('time').count()).toBe(2)

  await page.getByRole('button', { name: `Revoke key ${key.keyId}` }).click()
  const dialog = page.getByRole('dialog')
  await dialog.getByText('Not safe yet').waitFor()
  const { keys } = await kit.admin<{ keys: { verdict: { text: string } }[] }>(
    'GET',
    `${path}/usage?window=7d`,
  )
  await dialog.getByText(keys[0]?.verdict.text ?? 'no verdict').waitFor()
  await dialog.getByText('Version 1.9.0: 2 installations').waitFor()
  await dialog.getByRole('button', { name: 'Cancel' }).click()
  await dialog.waitFor({ state: 'detached' })

  await page.getByRole('tab', { name: 'Adoption' }).click()
  await page.getByRole('img', { name: 'Requests over time by key' }).waitFor()
  await page.getByText(`Key ${key.keyId}`, { exact: true }).waitFor()
  expect(await page.locator('.recharts-bar-rectangle path').count()).toBeGreaterThan(0)
  await page.getByText('By app version').click()
  await page.getByRole('img', { name: 'Requests over time by app version' }).waitFor()
  await page.getByText('Table', { exact: true }).click()
  const table = page.getByRole('table', { name: 'Requests over time by app version' })
  expect(await table.getByRole('columnheader').allInnerTexts()).toEqual(['From', '1.9.0', '2.0.0'])
  expect(await table.getByRole('cell').allInnerTexts()).toEqual(['2', '1'])
  await page.getByText('30 days').click()
  await expect.poll(() => table.getByRole('cell').allInnerTexts()).toEqual(['2', '1'])
  await page.getByRole('table', { name: 'Verdict for each key' }).getByText('Not yet').waitFor()
  expect(complaints).toEqual([])
  await close()
})

test('the chart’s code is not loaded before it is looked at', async () => {
  const { page, visit, close } = await kit.openSignedIn()
  const scripts: string[] = []
  page.on('request', (request) => {
    if (request.resourceType() === 'script') scripts.push(request.url())
  })
  await visit('/applications/demo/keys')
  expect(scripts.filter((url) => url.includes('chart'))).toEqual([])
  await page.getByRole('tab', { name: 'Adoption' }).click()
  await page.getByRole('img', { name: 'Requests over time by key' }).waitFor()
  expect(scripts.filter((url) => url.includes('adoption-chart'))).toHaveLength(1)
  expect(new Set(scripts.map((url) => new URL(url).origin))).toEqual(new Set([kit.server.adminUrl]))
  await close()
})

test('installations that were left out of the count are named', async () => {
  const { page, visit, close } = await kit.openSignedIn()
  await page.route('**/e2e-keys/usage?*', async (route) => {
    const answer = await route.fetch()
    await route.fulfill({ response: answer, json: { ...(await answer.json()), installationsLeftOut: 1_234 } })
  })
  await visit('/applications/demo/adoption')
  await page.getByText('and up to 1,234 more, left out').waitFor()
  await close()
})

test('an application without calls says what to do', async () => {
  await kit.admin('POST', '/applications', { id: 'quiet' })
  const { page, close } = await kit.openSignedIn({ at: '/applications/quiet/adoption' })
  await page.getByText('No sealed call in this time').waitFor()
  await close()
})

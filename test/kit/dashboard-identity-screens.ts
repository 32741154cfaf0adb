import type { Page } from 'playwright-core'
import { PARTNER, SHARE_POLICY, WAITING_PARTNER } from './dashboard-identity.ts'
import { click, type Screen } from './dashboard-screen.ts'

/** Up to the key, which is shown once. */
async function issueApiKey(page: Page): Promise<void> {
  await page.getByRole('button', { name: 'Issue API key' }).click()
  const dialog = page.getByRole('dialog')
  await dialog.getByLabel('Label').fill(crypto.randomUUID())
  await dialog.getByRole('button', { name: 'Issue API key' }).click()
  await dialog.getByText('Copy it now').waitFor()
}

/** Up to a refusal of the server, at the path that is wrong. */
async function uploadPolicy(page: Page): Promise<void> {
  await page.getByRole('button', { name: 'Upload policy' }).click()
  const dialog = page.getByRole('dialog')
  await dialog.getByLabel('Policy id').fill('wrong')
  await dialog.getByLabel('MOSIP’s JSON').fill('{ "dataSharePolicies": {} }')
  await dialog.getByRole('button', { name: 'Upload as a draft' }).click()
  await dialog.getByRole('alert').waitFor()
}

/** Of the identity capability, on an issuer with something of everything. */
export const IDENTITY_SCREENS: readonly Screen[] = [
  { name: 'registrations', route: '/identity/registrations', heading: 'Identity', shows: 'Number given' },
  {
    name: 'rejected registration',
    route: '/identity/registrations/REJECTED',
    heading: 'Registration',
    shows: 'not a registration officer',
  },
  { name: 'centres and machines', route: '/identity/stations', heading: 'Identity', shows: '10001_10077' },
  { name: 'partners', route: '/identity/partners', heading: 'Identity', shows: 'All partners' },
  {
    name: 'refuse a subscription',
    route: '/identity/partners',
    heading: 'Identity',
    shows: 'All partners',
    open: click(/^Refuse/),
  },
  { name: 'partner', route: `/identity/partners/${PARTNER}`, heading: PARTNER },
  {
    name: 'API key issued',
    route: `/identity/partners/${PARTNER}`,
    heading: PARTNER,
    open: issueApiKey,
  },
  {
    name: 'revoke API key',
    route: `/identity/partners/${PARTNER}`,
    heading: PARTNER,
    open: click(/^Revoke the API key/),
  },
  {
    name: 'deactivate partner',
    route: `/identity/partners/${PARTNER}`,
    heading: PARTNER,
    open: click('Deactivate partner'),
  },
  {
    name: 'partner that waits',
    route: `/identity/partners/${WAITING_PARTNER}`,
    heading: WAITING_PARTNER,
  },
  { name: 'policies', route: '/identity/policies', heading: 'Identity', shows: SHARE_POLICY },
  {
    name: 'upload a wrong policy',
    route: '/identity/policies',
    heading: 'Identity',
    shows: SHARE_POLICY,
    open: uploadPolicy,
  },
  { name: 'policy', route: `/identity/policies/${SHARE_POLICY}`, heading: SHARE_POLICY },
  { name: 'shares', route: '/identity/shares', heading: 'Identity', shows: 'is not active' },
  { name: 'events', route: '/identity/events', heading: 'Identity', shows: 'answered 503' },
  { name: 'vault', route: '/identity/vault', heading: 'Identity', shows: '0 to 9,999' },
  {
    name: 'close a conflict',
    route: '/identity/vault',
    heading: 'Identity',
    shows: '0 to 9,999',
    open: click(/^Close the conflict/),
  },
  {
    name: 'no such part',
    route: '/identity/nothing',
    heading: 'Identity',
    shows: 'There is no such part here',
  },
]

import type { DashboardKit, DashboardPage } from './dashboard.ts'

/** An E2E key as the admin API answers it, as far as the dashboard's tests look. */
export interface ShownKey {
  readonly keyId: number
  readonly state: string
  readonly publicKey: string
  readonly jwk: Readonly<Record<string, string>>
  readonly endAt: string | null
  readonly activateAt: string | null
  readonly history: readonly { readonly state: string; readonly reason: string | null }[]
}

/** Makes an application with one X25519 key and opens the page of its keys. */
export async function openKeys(kit: DashboardKit, id: string): Promise<DashboardPage> {
  await kit.admin('POST', '/applications', { id, suite: 'x25519' })
  const opened = await kit.openSignedIn({
    at: `/applications/${id}/keys`,
    permissions: ['clipboard-read', 'clipboard-write'],
  })
  return opened
}

/** The same, with a second key that has taken over from the first. Answers the first. */
export async function openRotatedKeys(
  kit: DashboardKit,
  id: string,
): Promise<DashboardPage & { readonly old: ShownKey }> {
  const opened = await openKeys(kit, id)
  await kit.admin('POST', `/applications/${id}/e2e-keys`, {})
  await opened.page.reload()
  await opened.page.getByRole('row').filter({ hasText: 'Retiring' }).waitFor()
  const old = (await keysOf(kit, id)).at(-1)
  if (old === undefined) throw new Error('the application has no key')
  return { ...opened, old }
}

/** Newest first. */
export async function keysOf(kit: DashboardKit, id: string): Promise<readonly ShownKey[]> {
  return (await kit.admin<{ items: ShownKey[] }>('GET', `/applications/${id}/e2e-keys`)).items
}

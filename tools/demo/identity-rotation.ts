import { claimsOf, type Desk, said } from './identity-authentication.ts'
import { type IdentityScene, until } from './identity-scene.ts'
import type { Numbered, VaultStatus } from './identity-shares.ts'

/** A new pool: new numbers, and everybody's data moves over. */
export async function rotatePool(
  { tour, profile, main, ida }: IdentityScene,
  { party }: Desk,
  people: readonly Numbered[],
): Promise<void> {
  tour.chapter(`${profile} 4. The pool of keys is rotated`)
  const made = await main.admin<{ generation: number; keys: number }>('POST', '/identity/vault/rotation')
  const [{ uin, person }] = people as readonly [Numbered]
  const meanwhile = await party.authenticate({ id: uin, demographics: claimsOf(person) })
  let planned = 0
  await until(
    async () => {
      const now = await main.admin<{ planned: number; left: number }>(
        'POST',
        '/identity/vault/reencryption',
        {},
      )
      planned += now.planned
      return now
    },
    ({ left }) => left === 0,
  )
  const vault = () => ida.admin<VaultStatus>('GET', '/identity/vault')
  const moved = await until(vault, (now) => now.recordsOfOldGenerations === 0)
  const after = await party.authenticate({ id: uin, demographics: claimsOf(person) })
  tour.claim(
    made.generation === 1 && meanwhile.authenticated && moved !== undefined && after.authenticated,
    `generation ${made.generation} has ${made.keys} keys of other numbers; ${planned} credentials were made ` +
      `anew, ${moved?.recordsOfOldGenerations ?? 'some'} are left under the old one; before and after: ` +
      `${said(meanwhile)}, ${said(after)}`,
  )
}

import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { backend, toBase64url, utf8 } from '../packages/crypto/src/node/index.ts'
import { keyName } from '../packages/identity/src/index.ts'
import { blindInput } from '../packages/identity/src/oprf/voprf.ts'
import { createServerIdaVault } from '../packages/server/src/identity/vault/create-server-ida-vault.ts'
import { bytesOf, changesOf, OPEN_FAILED, saidBy } from './kit/changed-bytes.ts'
import { ENGINES } from './kit/engines.ts'
import {
  APPLICATION,
  AUTH_POLICY,
  IDA_PARTNER,
  openVaultWorld,
  type VaultWorld,
} from './kit/identity-vault.ts'

// What an IDA imports, and what the oblivious PRF keeps: no failure to open can be told from another, and nothing of
// one person, IDA, row or version passes for another's.

const UIN = '7193064825'
const BOB = '4850716392'

describe.each(['mosip', 'keyhaven'] as const)('the import of an IDA, profile %s', (profile) => {
  let vault: VaultWorld
  beforeAll(async () => {
    vault = await openVaultWorld(ENGINES[0]!, profile)
    await vault.issuer.vault.createPool('test')
  })
  afterAll(() => vault.dispose())
  const records = async () => (await vault.idaVault.status()).records

  test('shares (PK8): changed, cut, or another’s', async () => {
    const { event, share } = await vault.issue(UIN)
    const bytes = profile === 'mosip' ? bytesOf(new TextDecoder().decode(share)) : share.slice(1)
    const asShare = (changed: Uint8Array) =>
      profile === 'mosip' ? utf8(toBase64url(changed)) : Uint8Array.of(1, ...changed)
    const said = new Set<string>()
    for (const changed of changesOf(bytes, 40)) {
      // Shorter than an encapsulated key it is no share at all.
      if (profile === 'keyhaven' && changed.length < 1_120) continue
      said.add(await saidBy(vault.idaVault.importCredential(event, asShare(changed))))
    }
    expect([...said]).toEqual([OPEN_FAILED])
    expect(await records()).toBe(0)
  })

  test('pool keys (K22): changed, cut, of another length or for another key', async () => {
    const { event, share } = await vault.issue(UIN)
    const said = new Set<string>()
    const importWith = async (random: string) => {
      const json = JSON.parse(new TextDecoder().decode(event.body))
      json.event.data.demoEncryptedRandomKey = random
      return saidBy(vault.idaVault.importCredential(await vault.sign(utf8(JSON.stringify(json))), share))
    }
    const { data } = JSON.parse(new TextDecoder().decode(event.body)).event
    const right = bytesOf(data.demoEncryptedRandomKey)
    const k22 = await vault.keys.ida.recipient(keyName('IDA', 'CRED_SERVICE'))
    const k20 = await vault.keys.ida.recipient(keyName('IDA', 'PARTNER'))
    const wrap = (length: number, to = k22) =>
      backend.rsa.encryptOaep(to.publicKey, backend.randomBytes(length))
    for (const changed of [
      ...changesOf(right, 20),
      Uint8Array.of(...k22.thumbprint, ...(await wrap(16))),
      Uint8Array.of(...k22.thumbprint, ...(await wrap(33))),
      Uint8Array.of(...k20.thumbprint, ...(await wrap(32, k20))),
      Uint8Array.of(...k22.thumbprint, ...(await wrap(32, k20))),
      new Uint8Array(),
    ]) {
      said.add(await importWith(toBase64url(changed)))
    }
    expect([...said]).toEqual([OPEN_FAILED])
    expect(await records()).toBe(0)
    expect(await saidBy(vault.idaVault.importCredential(event, share))).toBe('opened')
    expect(await records()).toBe(1)
  })

  test('one person’s event with another’s share, and any changed bit of an event', async () => {
    const alice = await vault.issue(UIN)
    const bob = await vault.issue(BOB)
    const before = await records()
    expect(await saidBy(vault.idaVault.importCredential(alice.event, bob.share))).toMatch(
      /^SIGNATURE_INVALID/,
    )
    const { body, signature } = alice.event
    const said = new Set<string>()
    for (const changed of changesOf(body, 40)) {
      said.add(
        (await saidBy(vault.idaVault.importCredential({ body: changed, signature }, alice.share))).split(
          ' ',
        )[0]!,
      )
    }
    said.add(
      (
        await saidBy(vault.idaVault.importCredential({ body, signature: bob.event.signature }, alice.share))
      ).split(' ')[0]!,
    )
    expect([...said]).toEqual(['SIGNATURE_INVALID'])
    expect(await records()).toBe(before)
  })

  test('a credential that was issued to another IDA, in an event to this one', async () => {
    const { event, share } = await vault.issue(UIN)
    const { ida, keys, oprf, now: clock, openShare } = vault
    const other = createServerIdaVault({
      ...{
        state: ida,
        applicationId: APPLICATION,
        profile,
        partner: 'ida-2',
        keys: keys.ida,
        clock,
        openShare,
      },
      ...{ issuer: { trust: () => {} }, onError: () => {}, ...(oprf && { oprf: oprf.client(ida) }) },
    })
    const json = JSON.parse(new TextDecoder().decode(event.body))
    const told = await vault.sign(utf8(JSON.stringify({ ...json, topic: 'ida-2/CREDENTIAL_ISSUED' })))
    expect(await saidBy(other.importCredential(told, share))).toMatch(/^WIRE_MALFORMED .*somebody else/)
    expect(await saidBy(vault.idaVault.importCredential(told, share))).toMatch(
      /^WIRE_MALFORMED .*not one of ours/,
    )
  })

  test('orders of two credentials that were exchanged in the issuer’s database', async () => {
    const { main, credentials } = vault
    const order = {
      idType: 'UIN',
      partner: IDA_PARTNER,
      policyId: AUTH_POLICY,
      credentialType: 'auth',
    } as const
    const ids = { alice: UIN, bob: BOB }
    for (const [requestId, id] of Object.entries(ids)) await credentials.request({ ...order, requestId, id })
    const table = main.db.selectFrom('identity_credentials').select('sealed_order')
    const { sealed_order } = await table.where('request_id', '=', 'bob').executeTakeFirstOrThrow()
    await main.db
      .updateTable('identity_credentials')
      .set({ sealed_order })
      .where('request_id', '=', 'alice')
      .execute()
    expect(await saidBy(credentials.issue('alice'))).toBe(OPEN_FAILED)
    expect(await saidBy(credentials.issue('bob'))).toBe('opened')
  })

  if (profile === 'keyhaven') {
    test('the key of the oblivious PRF as it is kept: changed, or of another version', async () => {
      const { server, state } = vault.oprf!
      await server.rotate('test')
      const [newest, older] = await state.db
        .selectFrom('identity_oprf_keys')
        .selectAll()
        .orderBy('version', 'desc')
        .execute()
      const { version } = newest!
      const put = (wrapped: Uint8Array) =>
        state.db.updateTable('identity_oprf_keys').set({ wrapped }).where('version', '=', version).execute()
      const evaluate = async () => {
        const { blinded } = await blindInput(utf8('id'))
        const reason = { kind: 'authentication', ...(await vault.partnerRequest()) } as const
        return saidBy(server.evaluate('token:test', version, [{ element: blinded, reason }]))
      }
      const said = new Set<string>()
      for (const wrapped of [older!.wrapped, ...changesOf(newest!.wrapped)]) {
        await put(wrapped)
        said.add(await evaluate())
      }
      expect([...said]).toEqual([OPEN_FAILED])
      await put(newest!.wrapped)
      expect(await evaluate()).toBe('opened')
    })
  }
})

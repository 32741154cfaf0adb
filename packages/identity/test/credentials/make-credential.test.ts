import { backend, fromUtf8 } from '@keyhaven/crypto'
import { describe, expect, test } from 'vitest'
import type { Profile } from '../../src/index.ts'
import { makeCredential } from '../../src/service/credentials/make-credential.ts'
import type { CredentialServiceOptions } from '../../src/service/credentials/ports.ts'

const ATTRIBUTES = { fullName: 'Invented Person', preferredLang: 'eng' }

/** A credential of two attributes, of which the policy has one encrypted, and what its share holds. */
async function made(profile: Profile, credentialType: string) {
  let shared: Record<string, unknown> = {}
  const sealedNames: string[] = []
  const options = {
    ...{ backend, issuer: 'Invented Country', clock: () => 0, newId: () => 'id' },
    sign: async () => 'signature',
    token: async () => 'token',
    person: async () => ({ identity: ATTRIBUTES, biometrics: {} }),
    decisions: {
      decide: async () => ({
        policy: { type: 'DataShare', body: {}, id: 'p', version: 1 },
        partner: { type: credentialType === 'auth' ? 'Online_Verification_Partner' : 'Print_Partner' },
      }),
    },
    datashare: {
      filter: async () => ({ attributes: ATTRIBUTES, biometrics: {}, encrypted: ['fullName'] }),
      create: async ({ data }: { data: Uint8Array }) => {
        shared = JSON.parse(fromUtf8(data))
        return { url: 'https://issuer.example/share' }
      },
    },
    vault: {
      profile,
      subject: async () => ({
        identifier: { idHash: 'hash' },
        seal: async (_place: object, values: ReadonlyMap<string, string>) => {
          sealedNames.push(...values.keys())
          const sealed = new Map([...values.keys()].map((name) => [name, `sealed ${name}`]))
          return { values: sealed, encryptedRandomKey: 'key', index: 1 }
        },
        close() {},
      }),
    },
  } as unknown as CredentialServiceOptions<unknown>
  const order = {
    requestId: 'r',
    id: '1',
    idType: 'UIN',
    partner: 'partner',
    policyId: 'p',
    credentialType,
  } as const
  const { event } = await makeCredential(options, order, 'test')
  return { shared, sealedNames, event }
}

describe('what a credential encrypts for each person', () => {
  test('mosip: what the policy says', async () => {
    const { shared, sealedNames } = await made('mosip', 'auth')
    expect(sealedNames).toEqual(['fullName'])
    expect(shared.credentialSubject).toEqual({ fullName: 'sealed fullName', preferredLang: 'eng' })
    expect(shared.protectedAttributes).toEqual(['fullName'])
  })

  test('keyhaven: everything, whatever the policy says', async () => {
    const { shared, sealedNames } = await made('keyhaven', 'auth')
    expect(sealedNames).toEqual(['fullName', 'preferredLang'])
    expect(JSON.stringify(shared)).not.toMatch(/Invented Person|"eng"/)
    expect(shared).toMatchObject({ protectedAttributes: ['fullName', 'preferredLang'], policy: 'p' })
  })

  test('for print nothing by itself, and its event names neither hash nor key', async () => {
    for (const profile of ['mosip', 'keyhaven'] as const) {
      const { shared, sealedNames, event } = await made(profile, 'print')
      expect([sealedNames, shared.credentialSubject]).toEqual([[], ATTRIBUTES])
      expect(shared.protectedAttributes).toEqual([])
      expect(event).not.toHaveProperty('identifier')
      expect(event).not.toHaveProperty('demographics')
    }
  })
})

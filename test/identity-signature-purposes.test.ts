import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { backend, utf8 } from '../packages/crypto/src/node/index.ts'
import {
  type IdentityKeys,
  type JwsSigner,
  KERNEL_SIGN,
  type KeyName,
  keyName,
  signEvent,
} from '../packages/identity/src/index.ts'
import { createKeymanager, issuerTrust, type Keymanager } from '../packages/identity/src/service/index.ts'
import { useTestKeys } from '../packages/identity/test/kit/use-test-keys.ts'
import { importEvent } from '../packages/server/src/identity/ida/import-event.ts'
import { createIdentityKeys } from '../packages/server/src/identity/keys/create-identity-keys.ts'
import { createStateFixture, ENGINES, type StateFixture } from './kit/engines.ts'

// A signature that was made for one purpose must not be taken for another.

const IDA = 'mpartner-default-auth'
const SERVICE = 'token:some-service'
/** Keys that a service may sign with through the key manager, all of them under the issuer's root. */
const MODULES: readonly KeyName[] = [
  KERNEL_SIGN,
  keyName('REGISTRATION_PROCESSOR'),
  keyName('RESIDENT'),
  keyName('PMS'),
]

let fixture: StateFixture
let keys: IdentityKeys
let keymanager: Keymanager
let restore: () => void
beforeAll(async () => {
  restore = useTestKeys()
  fixture = await createStateFixture(ENGINES[0]!)
  const state = await fixture.open({ schedule: false })
  const place = { applicationId: 'demo', profile: 'mosip', role: 'main', clock: Date.now } as const
  keys = createIdentityKeys({ state, ...place })
  keymanager = createKeymanager({
    ...{ backend, keys, clock: Date.now, pinIterations: 1, trust: () => {} },
    policies: { allows: () => true },
  })
})
afterAll(async () => {
  restore()
  await fixture.dispose()
})

/** Makes a partner of the attacker's own, with all that an IDA asks for. */
const body = utf8(
  JSON.stringify({
    ...{ publisher: 'PARTNER_MANAGEMENT', topic: `${IDA}/PARTNER_UPDATED`, publishedOn: '' },
    event: {
      ...{ id: 'e', timestamp: '' },
      data: {
        ...{ sequence: 9, partner: { id: 'mallory', active: true } },
        ...{ policies: [], apiKeys: [], licences: [] },
      },
    },
  }),
)

async function arrives(signature: string): Promise<string> {
  const saved = { savePartner: async () => true, saveAuthorities: async () => true }
  const issuer = issuerTrust(() => keys.certificate(keyName('ROOT')), Date.now)
  const parts = { partnerId: IDA, issuer, store: saved, people: undefined }
  return importEvent(parts, { body, signature }).catch(({ code }: { code: string }) => code)
}

async function signerOf(name: KeyName): Promise<JwsSigner> {
  const [certificate, ...chain] = await keys.chain(name)
  const sign = async (data: Uint8Array) => (await keys.sign(name, data)).signature
  return { certificate: certificate!, chain, sign }
}

describe('an event to an IDA', () => {
  test('of the issuer itself is taken', async () => {
    expect(await arrives(await signEvent(await signerOf(KERNEL_SIGN), body))).toBe('imported')
  })

  test.each(MODULES)(
    'is nothing that a service had signed by the key manager: $appId $refId',
    async (name) => {
      for (const includePayload of [true, false]) {
        const jws = await keymanager.sign(
          {
            ...{ name, data: body, includePayload, includeCertificate: true },
            ...{ includeCertificateHash: true, certificateUrl: undefined },
          },
          SERVICE,
        )
        expect(await arrives(jws.replace(/\.[^.]*\./, '..'))).toMatch(/^(SIGNATURE|CERTIFICATE)_INVALID$/)
      }
    },
  )

  test.each(MODULES.slice(1))(
    'is nothing that another key under the root has signed: $appId',
    async (name) => {
      expect(await arrives(await signEvent(await signerOf(name), body))).toBe('CERTIFICATE_INVALID')
    },
  )
})

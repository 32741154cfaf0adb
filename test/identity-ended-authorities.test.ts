import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { toBase64url, utf8 } from '../packages/crypto/src/node/index.ts'
import { type Certificate, keyName } from '../packages/identity/src/index.ts'
import { blindInput } from '../packages/identity/src/oprf/voprf.ts'
import { createPartnerView } from '../packages/identity/src/service/index.ts'
import { testHolder } from '../packages/identity/test/kit/test-keys.ts'
import { createLocalModuleKeys } from '../packages/server/src/identity/keys/local-module-keys.ts'
import { createServedOprf } from '../packages/server/src/identity/oprf/create-oprf.ts'
import { ENGINES } from './kit/engines.ts'
import { UIN } from './kit/hand-made-auth-requests.ts'
import { type AuthWorld, DOMAIN_URI, ENV, openAuthWorld, PARTNER_ID } from './kit/identity-authentication.ts'
import { APPLICATION } from './kit/identity-vault.ts'

// Who is below an authority, or a partner, that has ended.

let sequence = 1_000
const listed = (domain: 'AUTH' | 'DEVICE' | 'FTM', { der }: Certificate, active = true) => ({
  ...{ domain, der: toBase64url(der), active },
})

describe('devices at an IDA', () => {
  let world: AuthWorld
  beforeAll(async () => {
    world = await openAuthWorld(ENGINES[0]!, 'mosip')
    await world.vault.enrol(UIN)
  })
  afterAll(() => world.dispose())
  afterEach(() => tellOf(true))

  /** The authority of devices, and its provider below it, which is known as an authority too. */
  async function tellOf(root: boolean): Promise<void> {
    const { deviceProvider, anchors } = world.devices
    await world.store.saveAuthorities({
      sequence: sequence++,
      authorities: [
        listed('AUTH', world.authority.certificate),
        listed('DEVICE', anchors.device[0]!, root),
        listed('DEVICE', deviceProvider.certificate),
        listed('FTM', anchors.ftm[0]!),
      ],
      revoked: [],
    })
  }

  async function ask(): Promise<true | string[]> {
    const bank = await world.relyingParty()
    const transactionId = bank.newTransactionId()
    const device = await world.device('Face')
    const recipient = await world.vault.keys.ida.recipient(keyName('IDA', 'FIR'))
    const { biometrics } = await device.capture({
      request: {
        ...{ purpose: 'Auth', transactionId, env: ENV, domainUri: DOMAIN_URI },
        requestedAt: world.vault.now(),
      },
      ...{ person: UIN, parts: [{ type: 'Face', subtype: '' }], recipient },
    })
    const { authenticated, errors } = await bank.authenticate({ id: UIN, transactionId, biometrics })
    return authenticated || errors.map(({ errorCode }) => errorCode)
  }

  test('count no more when the authority above their provider is revoked, whoever stands between', async () => {
    await tellOf(true)
    expect(await ask()).toBe(true)
    await tellOf(false)
    expect(await ask()).toEqual(['IDA-BIA-004'])
  })

  test('count no more when their provider is made inactive as a partner, until it is active again', async () => {
    const provider = (active: boolean) =>
      world.store.savePartner({
        sequence: sequence++,
        partner: {
          ...{ id: 'maker-1', type: 'Device_Provider', organisation: 'Keyhaven simulator', profile: 'mosip' },
          active,
        },
        ...{ certificate: null, encryptionKey: null, policies: [], apiKeys: [], licences: [] },
      })
    await provider(true)
    expect(await ask()).toBe(true)
    await provider(false)
    expect(await ask()).toEqual(['IDA-BIA-004'])
    await provider(true)
    expect(await ask()).toBe(true)
  })
})

describe('the oblivious PRF answers for a request', () => {
  let world: AuthWorld
  let oprf: ReturnType<typeof createServedOprf>
  beforeAll(async () => {
    world = await openAuthWorld(ENGINES[0]!, 'keyhaven')
    const { state } = world.vault.oprf!
    const view = createPartnerView(world.store)
    oprf = createServedOprf({
      ...{ state, applicationId: APPLICATION, clock: world.vault.now, issuer: { trust: () => {} } },
      moduleKeys: createLocalModuleKeys(state, APPLICATION, 'keyhaven'),
      partners: () => view.current(),
    })
    await oprf.keys()
  })
  afterAll(() => world.dispose())

  async function ask(holder: Awaited<ReturnType<typeof testHolder>>): Promise<string> {
    const request = await world.vault.partnerRequest(holder.signer)
    const { blinded } = await blindInput(utf8('a number'))
    const order = { element: blinded, reason: { kind: 'authentication', ...request } } as const
    return oprf.evaluate('token:ida', 1, [order]).then(
      () => 'evaluated',
      ({ code }: { code: string }) => code,
    )
  }
  const below = (commonName: string, key: number) =>
    testHolder(key, { issuedBy: world.authority, subject: { commonName, organisation: 'Keyhaven identity' } })

  test('that a relying party has signed', async () => {
    expect(await ask(world.partner)).toBe('evaluated')
  })

  test('not for one that an IDA signs itself, though it is a partner under the same authorities', async () => {
    const ida = await below('mpartner-default-auth', 6)
    await world.store.savePartner({
      sequence: sequence++,
      partner: {
        ...{ id: 'mpartner-default-auth', type: 'Online_Verification_Partner' },
        ...{ organisation: 'Keyhaven identity', profile: 'keyhaven', active: true },
      },
      certificate: { der: toBase64url(ida.certificate.der), chain: [] },
      ...{ encryptionKey: null, policies: [], apiKeys: [], licences: [] },
    })
    expect(await ask(ida)).toBe('ACCESS_DENIED')
    expect(await ask(await below('never registered', 7))).toBe('ACCESS_DENIED')
  })

  test('nor for one of a partner that was made inactive', async () => {
    const { certificate, ...rest } = (await world.store.partners()).find(
      ({ partner }) => partner.id === PARTNER_ID,
    )!
    const inactive = { ...rest, certificate, partner: { ...rest.partner, active: false } }
    await world.store.savePartner({ ...inactive, sequence: sequence++ })
    expect(await ask(world.partner)).toBe('ACCESS_DENIED')
    await world.store.savePartner({ ...inactive, partner: rest.partner, sequence: sequence++ })
    expect(await ask(world.partner)).toBe('evaluated')
  })
})

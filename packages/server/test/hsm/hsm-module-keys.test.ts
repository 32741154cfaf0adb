import { backend, utf8 } from '@keyhaven/crypto'
import { IDENTITY_CACHE, KERNEL_SIGN, keyName, openHybrid, sealLayoutC } from '@keyhaven/identity'
import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest'
import { createStateFixture, ENGINES, type StateFixture } from '../../../../test/kit/engines.ts'
import { createSoftHsm } from '../../../../test/kit/softhsm.ts'
import { createIdentityKeys } from '../../src/identity/keys/create-identity-keys.ts'
import { createHsmModuleKeys } from '../../src/identity/keys/hsm-module-keys.ts'
import { describeHsm } from '../../src/platform/hsm/describe-hsm.ts'
import { openHsmToken } from '../../src/platform/hsm/open-hsm-token.ts'
import type { State } from '../../src/platform/state/state.ts'

const hsm = createSoftHsm()
const token = openHsmToken(hsm.location)
afterAll(() => {
  token.close()
  hsm.remove()
})

const UIN_KEY = keyName('ID_REPO', 'uin')

describe.each(ENGINES)('module keys in an HSM, on $name', (engine) => {
  let fixture: StateFixture
  beforeEach(async () => {
    fixture = await createStateFixture(engine)
  })
  afterEach(() => fixture.dispose())

  const application = `of-${engine.name.toLowerCase()}`
  const openState = () => fixture.open({ schedule: false })
  const moduleKeysOf = (state: State) => createHsmModuleKeys(state, token, application, 'mosip')
  const keysOf = (state: State) =>
    createIdentityKeys({
      ...{ state, applicationId: application, profile: 'mosip', role: 'main', clock: Date.now },
      moduleKeys: moduleKeysOf(state),
    })

  test('a base key is wrapped and signed by a module key of the HSM; nothing of that lies in the database', async () => {
    const state = await openState()
    const keys = keysOf(state)
    const sealed = await sealLayoutC(backend, await keys.recipient(UIN_KEY), utf8('made up'))
    // Another process: it finds the same keys in the token, and unwraps the base key there.
    expect(await openHybrid(backend, keysOf(state).opener(UIN_KEY), sealed)).toEqual(utf8('made up'))
    expect(await state.db.selectFrom('identity_module_keys_mosip').selectAll().execute()).toEqual([])
    const { signature, certificate } = await keys.sign(KERNEL_SIGN, utf8('data'))
    expect(await backend.rsa.verifyPkcs1(certificate.publicKey, signature, utf8('data'))).toBe(true)
  })

  test('two that ask for a new key at once get the same', async () => {
    const state = await openState()
    const name = keyName('RESIDENT')
    const asked = [1, 2, 3, 4].map(() => moduleKeysOf(state).ensure(name, 'rsa-2048', 1))
    const spkis = (await Promise.all(asked)).map(({ publicKey }) =>
      Buffer.from(publicKey.spki).toString('hex'),
    )
    expect(new Set(spkis).size).toBe(1)
  })

  test('the master key of the pool wraps in both ways, and the first way is as MOSIP has it', async () => {
    const state = await openState()
    const master = await keysOf(state).masterKey(IDENTITY_CACHE.main)
    const key = backend.randomBytes(32)
    const wrapped = await master.wrapEcb(key)
    const again = await keysOf(state).masterKey(IDENTITY_CACHE.main)
    expect(await again.unwrapEcb(wrapped)).toEqual(key)
    const sealed = await master.wrap(key, utf8('pool key 7'))
    expect(await again.unwrap(sealed, utf8('pool key 7'))).toEqual(key)
    const other = again.unwrap(sealed, utf8('pool key 8'))
    await expect(other).rejects.toMatchObject({ code: 'OPEN_FAILED' })
  })
})

test('what the HSM can do is told, with what is done in place of what it cannot', async () => {
  expect(await describeHsm(hsm.location)).toEqual({
    token: 'SoftHSM project, SoftHSM v2, keyhaven',
    can: ['make RSA-2048 keys', 'sign with RSASSA-PKCS1-v1_5', 'make AES-256 keys', 'AES-GCM', 'AES-ECB'],
    instead: ['no RSA-OAEP with SHA-256: the raw operation, unpadded here in constant time'],
    lacks: [],
  })
})

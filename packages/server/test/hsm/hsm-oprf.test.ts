import { backend, utf8 } from '@keyhaven/crypto'
import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest'
import { createStateFixture, ENGINES, type StateFixture } from '../../../../test/kit/engines.ts'
import { createSoftHsm } from '../../../../test/kit/softhsm.ts'
import { blindInput, finalizeEvaluation } from '../../../identity/src/oprf/voprf.ts'
import { testHolder } from '../../../identity/test/kit/test-keys.ts'
import { createHsmModuleKeys } from '../../src/identity/keys/hsm-module-keys.ts'
import { createLocalModuleKeys } from '../../src/identity/keys/local-module-keys.ts'
import { createServedOprf } from '../../src/identity/oprf/create-oprf.ts'
import { openHsmToken } from '../../src/platform/hsm/open-hsm-token.ts'
import type { State } from '../../src/platform/state/state.ts'

const hsm = createSoftHsm()
const token = openHsmToken(hsm.location)
afterAll(() => {
  token.close()
  hsm.remove()
})

describe.each(ENGINES)('the oblivious PRF with its key under an HSM, on $name', (engine) => {
  let fixture: StateFixture
  beforeEach(async () => {
    fixture = await createStateFixture(engine)
  })
  afterEach(() => fixture.dispose())

  const application = `prf-${engine.name.toLowerCase()}`
  const serve = async (state: State, inHsm: boolean) => {
    const authority = await testHolder(3, { ca: true })
    const partner = await testHolder(4, { issuedBy: authority })
    const anchors = [authority.certificate]
    const server = createServedOprf({
      ...{ state, applicationId: application, clock: Date.now, issuer: { trust: () => {} } },
      moduleKeys: inHsm
        ? createHsmModuleKeys(state, token, application, 'keyhaven')
        : createLocalModuleKeys(state, application, 'keyhaven'),
      partners: async () => ({
        ...{ asks: () => true, revoked: () => false },
        authorities: () => ({ anchors, intermediates: [] }),
      }),
    })
    return async (version: number): Promise<Uint8Array> => {
      const keys = await server.keys()
      const input = backend.randomBytes(16)
      const blinded = await blindInput(utf8('1234567890'))
      const order = {
        ...{ kind: 'authentication' as const, digest: await backend.sha256(input) },
        ...{ signature: await partner.signer.sign(input), certificates: [partner.certificate.der] },
      }
      const evaluation = await server.evaluate('token:a', version, [
        { element: blinded.blinded, reason: order },
      ])
      const { publicKey } = keys.find((key) => key.version === version)!
      return (await finalizeEvaluation([blinded], publicKey, evaluation))[0]!
    }
  }

  test('another process evaluates with it; a copy of the database alone does not', async () => {
    const first = await fixture.open({ schedule: false })
    const output = await (await serve(first, true))(1)
    const second = await fixture.open({ schedule: false })
    expect(await (await serve(second, true))(1)).toEqual(output)
    const modules = await second.db.selectFrom('identity_module_keys_keyhaven').selectAll().execute()
    expect(modules).toEqual([])
    const [row, ...more] = await second.db.selectFrom('identity_oprf_keys').selectAll().execute()
    expect([more.length, row!.wrapped.length]).toEqual([0, 12 + 32 + 16])
    await expect((await serve(second, false))(1)).rejects.toMatchObject({ code: 'OPEN_FAILED' })
  })
})

import { backend, kemPublicKeyToJwk } from '@keyhaven/crypto'
import { expect, test } from 'vitest'
import { createHistoryParts } from '../src/device/history.ts'
import type { OpenDevice } from '../src/device/open-device.ts'

const NOW_SECONDS = 1_800_000_000
const DAY_SECONDS = 86_400

/** A device with one message in its archive, in a chain with this recovery key. */
async function backedUp(by: object, settled: number): Promise<number> {
  const { publicKey } = await backend.kem.generateKeyPair('x-wing')
  const recovery = { backupKey: kemPublicKeyToJwk(publicKey), by, settled }
  const device = {
    app: { backend, clock: () => NOW_SECONDS * 1_000 },
    api: { call: async () => new Response() },
    keys: { device: 'mine' },
    directory: { ownChain: async () => ({ recovery }) },
    messenger: {
      history: {
        async *batches() {
          yield { recipient: 'backup', batch: 'a.b.c', messages: 1, done: async () => {} }
        },
      },
    },
    signed: async (run: () => unknown) => run(),
  } as unknown as OpenDevice
  return createHistoryParts(device).history.backUp()
}

test('nothing is backed up under a recovery key that another device has just made', async () => {
  const thief = { kind: 'device', device: 'stolen' }
  expect(await backedUp(thief, NOW_SECONDS + DAY_SECONDS)).toBe(0)
  expect(await backedUp(thief, NOW_SECONDS + 1)).toBe(0)
  expect(await backedUp(thief, NOW_SECONDS)).toBe(1)
  expect(await backedUp({ kind: 'device', device: 'mine' }, NOW_SECONDS + DAY_SECONDS)).toBe(1)
  expect(await backedUp({ kind: 'recovery' }, NOW_SECONDS)).toBe(1)
})

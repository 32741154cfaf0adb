import { KeyhavenError } from '@keyhaven/crypto'
import { openDeviceKeys } from '@keyhaven/messaging'
import { type AppContext, requireLogTrust } from './app-context.ts'
import { createMe, type Me, type MeOptions } from './me.ts'
import { type MessageStoreSource, openMessageStore } from './message-store.ts'
import { type DeviceSettings, openDevice } from './open-device.ts'
import { requireOptions } from './require-input.ts'

export interface ResumeOptions extends MeOptions, DeviceSettings {
  readonly store: MessageStoreSource
}

/**
 * Opens the device that a store belongs to. Works without a network.
 *
 * @returns undefined if the store has none, or one that was not recorded yet: `enroll` or `requestDevice` goes on.
 * @throws TypeError without a store; KeyhavenError `CONFLICT` if it is a device of another application.
 */
export async function resume(app: AppContext, options: ResumeOptions): Promise<Me | undefined> {
  requireLogTrust(app)
  requireOptions(options, 'resume({ store }), where the device lives')
  if (options.store === undefined) {
    throw new TypeError('resume() needs `store`, where the device lives: only a store can be opened again')
  }
  const used = await openMessageStore(options.store)
  try {
    const keys = await openDeviceKeys({ store: used.store, clock: app.clock, backend: app.backend })
    if (keys?.entry === undefined) {
      await used.close()
      return undefined
    }
    if (keys.application !== app.application) {
      throw new KeyhavenError('CONFLICT', 'this store belongs to another application')
    }
    return await createMe(openDevice(app, used, keys, options), options)
  } catch (error) {
    await used.close()
    throw error
  }
}

import type { ErrorCode } from '@keyhaven/crypto'
import type { VerifiedDevice } from '@keyhaven/directory'
import type { OpenDevice } from './open-device.ts'
import { writeText } from './stored-value.ts'

/** Names of keys: one for each device that waits for this device's history. */
const PREFIX = 'sdk/hand-over/'
/** What is over by itself, or when the device is next online. */
const PASSING_CODES: readonly ErrorCode[] = ['KEY_NOT_YET_VALID', 'KEY_EXPIRED', 'DIRECTORY_STALE']

/** `later`: it is kept in mind, and done with the upkeep. `refused`: the device cannot be written to. */
export type HandOverOutcome = 'done' | 'later' | 'refused'

/** Hands this device's history to devices that it approved; to those that cannot take it yet, later. */
export class HandOvers {
  readonly #device: OpenDevice
  readonly #send: (to: VerifiedDevice) => Promise<unknown>
  #busy: Promise<unknown> = Promise.resolve()

  constructor(device: OpenDevice, send: (to: VerifiedDevice) => Promise<unknown>) {
    this.#device = device
    this.#send = send
  }

  /**
   * Keeps in mind that this device is to have the history: before it is approved, so that a crash loses nothing.
   *
   * @returns takes it back, unless it had been promised before.
   */
  async promise(device: string): Promise<() => Promise<void>> {
    const { store } = this.#device.used
    const isNew = (await store.get(PREFIX + device)) === undefined
    await writeText(store, PREFIX + device, 'yes')
    return async () => {
      if (isNew) await this.withdraw(device)
    }
  }

  /** This device is not to have it, whatever was promised. */
  async withdraw(device: string): Promise<void> {
    const { store } = this.#device.used
    const key = PREFIX + device
    const version = (await store.get(key))?.version
    if (version !== undefined) await store.commit({ expect: [{ key, version }], delete: [key] })
  }

  /** For a device that is approved now: whatever keeps the history from it is no reason to fail. */
  async keep(device: string): Promise<HandOverOutcome> {
    const outcome = await this.#alone(() => this.#handOver(device)).catch(() => 'later' as const)
    // The upkeep may have looked before the device was there, and given it up.
    if (outcome === 'later') await this.promise(device)
    return outcome
  }

  /** What is promised and not kept yet. @throws what the network or the server throws: the rest is done later. */
  async keepAll(): Promise<void> {
    const { store } = this.#device.used
    const names = await store.list(PREFIX)
    for (const name of names) {
      const device = name.slice(PREFIX.length)
      await this.#alone(async () => {
        if ((await store.get(name)) !== undefined) await this.#handOver(device)
      })
    }
  }

  async #handOver(id: string): Promise<HandOverOutcome> {
    const { directory, keys, signed } = this.#device
    const { devices, refused } = await signed(() => directory.lookUp(keys.username))
    const recipient = devices.find(({ device }) => device === id)
    const code = refused.find(({ device }) => device === id)?.code
    if (recipient === undefined && code !== undefined && PASSING_CODES.includes(code)) return 'later'
    if (recipient !== undefined) await this.#send(recipient)
    await this.withdraw(id)
    return recipient === undefined ? 'refused' : 'done'
  }

  #alone<T>(run: () => Promise<T>): Promise<T> {
    const running = this.#busy.then(run, run)
    this.#busy = running.catch(() => {})
    return running
  }
}

import { type ErrorCode, KeyhavenError } from '@keyhaven/crypto'
import { readDeviceNotes } from './device-notes.ts'
import type { OpenDevice } from './open-device.ts'
import { isRenewing, renewRecord } from './renew-record.ts'

const MS_PER_SECOND = 1_000
/** How often the times are looked at. */
const CHECK_EVERY_MS = 3_600_000
/** After a check that failed, such as without a network. */
const RETRY_MS = 60_000
/** What a device is refused for whose newest encryption key is not there. */
const LOST_CODES: readonly ErrorCode[] = ['KEY_EXPIRED', 'DIRECTORY_STALE']
/** A record is renewed when this much of its life is left. */
const RENEW_AT_REMAINING = 1 / 3

export interface UpkeepOptions {
  readonly device: OpenDevice
  /** Told what went wrong in the background; it is tried again. */
  readonly onError: (error: unknown) => void
  /** More to do with each check. */
  readonly alsoDo: () => Promise<void>
}

/** Renews the record and the encryption key of a device before they expire: on a timer, and with each use. */
export class Upkeep {
  readonly #options: UpkeepOptions
  #timer: ReturnType<typeof setInterval> | undefined
  #nextAt = 0
  #checking: Promise<void> | undefined
  #busy: Promise<unknown> = Promise.resolve()

  constructor(options: UpkeepOptions) {
    this.#options = options
  }

  /** A renewal that a crash has cut short is finished first: the old keys may be worth nothing any more. */
  async start(): Promise<void> {
    const { device, onError } = this.#options
    this.#timer = setInterval(() => this.touch(), CHECK_EVERY_MS)
    // A program that has nothing else to do may end.
    if (typeof this.#timer === 'object') this.#timer.unref?.()
    if (await isRenewing(device)) await this.check().catch(onError)
    else this.touch()
  }

  /** Called with each use: checks in the background if it is time to. */
  touch(): void {
    if (this.#options.device.app.clock() < this.#nextAt) return
    this.check().catch(this.#options.onError)
  }

  /** As {@link touch}; waits for it if this device was away for longer than its keys last: nobody reads it before. */
  async ready(): Promise<void> {
    const { device, onError } = this.#options
    if (device.keys.encryptionKey.expires * MS_PER_SECOND > device.app.clock()) return this.touch()
    await this.check().catch(onError)
  }

  /** One check, shared by all who ask while it runs. */
  check(): Promise<void> {
    this.#checking ??= this.alone(() => this.#check()).finally(() => {
      this.#checking = undefined
    })
    return this.#checking
  }

  /** Runs after what runs already: two renewals at once would make keys for each other's place in the chain. */
  alone<T>(run: () => Promise<T>): Promise<T> {
    const running = this.#busy.then(run, run)
    this.#busy = running.catch(() => {})
    return running
  }

  /** Waits for what runs. */
  async stop(): Promise<void> {
    clearInterval(this.#timer)
    this.#nextAt = Number.POSITIVE_INFINITY
    await this.#busy
  }

  async #check(): Promise<void> {
    const { device, alsoDo } = this.#options
    const { clock } = device.app
    this.#waitUntil(clock() + RETRY_MS)
    await device.reload()
    // Each for itself: what one of them lacks does not keep the others waiting.
    const failures: unknown[] = []
    for (const task of [renewIfDue, publishEncryptionKey, eraseExpired, alsoDo]) {
      await task(device).catch((error) => failures.push(error))
    }
    if (failures.length > 0) throw failures[0]
    this.#waitUntil(clock() + CHECK_EVERY_MS)
  }

  #waitUntil(time: number): void {
    if (this.#nextAt !== Number.POSITIVE_INFINITY) this.#nextAt = time
  }
}

async function eraseExpired({ keys }: OpenDevice): Promise<void> {
  await keys.eraseExpired()
}

async function renewIfDue(device: OpenDevice): Promise<void> {
  const { record } = await readDeviceNotes(device)
  const now = Math.floor(device.app.clock() / MS_PER_SECOND)
  const isDue = record.expires - now <= (record.expires - record.notBefore) * RENEW_AT_REMAINING
  if (isDue || (await isRenewing(device))) await renewRecord(device)
}

/** Whether others find this encryption key: a recovered directory has lost what it was told since its backup. */
async function isShown(device: OpenDevice, thumbprint: string): Promise<boolean> {
  const { keys, directory } = device
  const { devices, refused } = await device.signed(() => directory.lookUp(keys.username))
  const shown = devices.find((own) => own.device === keys.device)
  if (shown !== undefined) return shown.encryption.thumbprint === thumbprint
  return !refused.some(({ device: id, code }) => id === keys.device && LOST_CODES.includes(code))
}

/** Makes the next encryption key if it is due, and publishes the newest unless the directory has it. */
async function publishEncryptionKey(device: OpenDevice): Promise<void> {
  const { keys, directory, app, messenger } = device
  await keys.rotateEncryptionKey()
  const notes = await readDeviceNotes(device)
  const { thumbprint, publicJwk, notBefore, expires } = keys.encryptionKey
  if (notes.published === thumbprint && (await isShown(device, thumbprint))) return
  const now = Math.floor(app.clock() / MS_PER_SECOND)
  if (expires <= now) throw new KeyhavenError('KEY_EXPIRED', 'the encryption key of this device has expired')
  const times = { notBefore, expires: Math.min(expires, notes.record.expires) }
  await device.signed(() => directory.publishEncryptionKey(publicJwk, times))
  await notes.write({ record: notes.record, published: thumbprint })
  messenger.directoryChanged(keys.username)
}

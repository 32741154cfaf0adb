import type { AppContext } from './app-context.ts'
import { type NewDeviceSetup, prepareDevice } from './enroll.ts'
import { fingerprintOf } from './fingerprint.ts'
import { createMe, type Me } from './me.ts'
import { openDevice } from './open-device.ts'
import { pause } from './pause.ts'
import { requireOptions } from './require-input.ts'

const FIRST_WAIT_MS = 1_000
const LONGEST_WAIT_MS = 10_000

/** A device that waits for another one of the same user to approve it. */
export interface DeviceRequest {
  /** For `me.devices.approve` on the other device: about 3,000 characters, to be pasted or sent. It holds no secret. */
  readonly request: string
  /** 25 digits that both devices show. */
  readonly fingerprint: string
  /** Waits for the approval. @throws the signal's reason when it is aborted; `requestDevice` again goes on with it. */
  completed(options?: { readonly signal?: AbortSignal }): Promise<Me>
  /** Gives up, and closes the store. */
  close(): Promise<void>
}

/** Makes a second device, which one of the user's devices then approves. */
export async function requestDevice(app: AppContext, options: NewDeviceSetup): Promise<DeviceRequest> {
  requireOptions(options, 'requestDevice({ username, store })')
  const pending = await prepareDevice(app, options)
  const { directory, keys, used, wanted } = pending
  const request = await directory.requestDevice(keys.username, wanted)

  async function completed({ signal }: { readonly signal?: AbortSignal } = {}): Promise<Me> {
    for (let wait = FIRST_WAIT_MS; ; wait = Math.min(wait * 1.5, LONGEST_WAIT_MS)) {
      signal?.throwIfAborted()
      const entry = await pending.recorded()
      if (entry !== undefined) {
        await keys.adopt(entry)
        return createMe(openDevice(app, used, keys, options), options)
      }
      await pause(wait, signal)
    }
  }

  return {
    request,
    fingerprint: await fingerprintOf(app.backend, request),
    completed,
    close: () => used.close(),
  }
}

import type { MonitorReport, UserState, VerifiedUser } from '@keyhaven/directory'
import type { OpenDevice } from './open-device.ts'

/** What the directory has, verified. */
export interface Directory {
  /** @throws KeyhavenError `CHAIN_RESET` for somebody who lost all devices and started anew: see `acceptReset`. */
  lookUp(username: string): Promise<VerifiedUser>
  /** The own chain, with all that ever happened under the own name. */
  ownChain(): Promise<UserState>
  /** Looks through all of the log since the last time for entries under the own name, and those of contacts. */
  monitor(): Promise<MonitorReport>
  /** The own entries up to this one are known: `monitor` does not name them again. */
  acknowledge(sequence: number): Promise<void>
  /**
   * Goes on with somebody who lost all devices and started anew.
   *
   * @throws KeyhavenError `CHAIN_RESET` for a contact who was verified: compare safety numbers and `markVerified` anew.
   */
  acceptReset(username: string): Promise<void>
}

export function createDirectory({ directory, messenger, signed }: OpenDevice): Directory {
  return {
    // By the messenger, which has what was accepted of resets.
    lookUp: (username) => messenger.lookUp(username),
    ownChain: () => signed(() => directory.ownChain()),
    monitor: () => signed(() => directory.monitor()),
    acknowledge: (sequence) => directory.acknowledge(sequence),
    acceptReset: (username) => messenger.verification.acceptReset(username),
  }
}

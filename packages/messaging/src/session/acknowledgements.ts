import { fromBase64url } from '@keyhaven/crypto'
import type { DeviceName } from '../messenger/messenger.ts'
import { MAX_ACKNOWLEDGEMENTS } from '../wire/message-frame.ts'

/** Devices remembered, so that nobody can fill the memory. */
const MAX_DEVICES = 10_000
const NONE: readonly Uint8Array[] = []

/**
 * Sessions to acknowledge in the next message to their sender. Lost with the process, which loses nothing: a sender
 * who was not answered repeats its negotiation, and that is noted here again.
 */
export class Acknowledgements {
  readonly #pending = new Map<string, Set<string>>()

  /** A message came that still carries its negotiation. */
  note(sender: DeviceName, session: string): void {
    const key = nameOf(sender)
    let sessions = this.#pending.get(key)
    if (!sessions) {
      if (this.#pending.size >= MAX_DEVICES) return
      sessions = new Set()
      this.#pending.set(key, sessions)
    }
    if (sessions.size < MAX_ACKNOWLEDGEMENTS) sessions.add(session)
  }

  /** What to tell these devices now; not told again unless noted again. */
  take(recipients: readonly DeviceName[]): readonly Uint8Array[] {
    if (this.#pending.size === 0) return NONE
    const taken: Uint8Array[] = []
    for (const recipient of recipients) {
      const key = nameOf(recipient)
      const sessions = this.#pending.get(key)
      if (!sessions) continue
      for (const session of sessions) {
        if (taken.length === MAX_ACKNOWLEDGEMENTS) return taken
        taken.push(fromBase64url(session))
        sessions.delete(session)
      }
      this.#pending.delete(key)
    }
    return taken
  }
}

/** A device among all users: a device id alone could be claimed by two. */
export const nameOf = ({ username, device }: DeviceName): string => `${device} ${username}`

import { vi } from 'vitest'

/** The wall clock of this process, for a server that is started in it afterwards. */
export interface TestClock {
  /** It stands still from now on: what comes back with time does not, however slow the machine is. */
  hold(): void
  /** @param at - milliseconds since the epoch, at which it stands still. */
  set(at: number): void
  /** It goes on from where it stands. No jump: a server that sees one takes no calls until it has looked around. */
  go(): void
}

const real = Date.now

/** Replaces `Date.now`: call it before what shall read this clock is made. */
export function testClock(): TestClock {
  const now = vi.spyOn(Date, 'now')
  const set = (at: number) => void now.mockReturnValue(at)
  return {
    set,
    hold: () => set(Date.now()),
    go() {
      const ahead = Date.now() - real()
      now.mockImplementation(() => real() + ahead)
    },
  }
}

const SECOND_MILLISECONDS = 1_000

/** What the gateway says, inside the seal, about a request that it refused for its date. Milliseconds. */
export interface ClockRefusal {
  /** The gateway's time. */
  readonly now: number
  /** For a date in the past: since when (gateway's time) this envelope has been refused. */
  readonly refusedSince: number | undefined
  /**
   * For a date in the future: whether the gateway has put the envelope down as used, so that it never runs.
   */
  readonly burned: boolean
}

/** @returns undefined if the body is not what the gateway writes. */
export function readClockRefusal(body: Uint8Array | undefined): ClockRefusal | undefined {
  let problem: unknown
  try {
    problem = JSON.parse(new TextDecoder().decode(body))
  } catch {
    return undefined
  }
  if (typeof problem !== 'object' || problem === null) return undefined
  const { now, refusedSince, burned } = problem as Record<string, unknown>
  if (!Number.isFinite(now)) return undefined
  return {
    now: now as number,
    refusedSince: Number.isFinite(refusedSince) ? (refusedSince as number) : undefined,
    burned: burned === true,
  }
}

/**
 * Whether the refused request cannot have run, nor ever will, so that sending it again under a new id is
 * safe.
 *
 * The seal proves who refused, not that this was the envelope's first arrival: someone on the way can have
 * delivered the envelope at once, let it run, kept that answer back, waited until its date was too old,
 * delivered it again and handed us the refusal. So the refusal alone proves nothing. But:
 *
 * - Date in the past. The gateway has refused this envelope at every moment since `refusedSince`. The
 *   envelope did not exist before we made it, at the gateway's time `now - elapsed` or later. If that is
 *   after `refusedSince`, it was refused at every moment of its existence. `elapsed` counts from before the
 *   first attempt under this id and is the larger of two clocks, so it is never too small: where sleep stops
 *   the one, it advances the other.
 * - Date in the future. The gateway has put envelope and request id down as used until the date is too old,
 *   in the store that all its processes share: had it run, they would have been there already and the answer
 *   REPLAYED.
 *
 * @param elapsed - milliseconds since before the first attempt under this id.
 */
export function certainlyNeverRan(refusal: ClockRefusal, elapsed: number): boolean {
  if (refusal.refusedSince === undefined) return refusal.burned
  return refusal.now - elapsed > refusal.refusedSince
}

/**
 * A gateway with a memory of its own refuses what is dated before its start, and dates have whole seconds: in
 * the second of its start even a right clock is refused.
 *
 * @param now - corrected time.
 * @returns milliseconds to wait until a request can carry a date that is accepted; at most one second.
 */
export function untilAccepted(refusal: ClockRefusal, now: number): number {
  if (refusal.refusedSince === undefined) return 0
  const accepted = Math.ceil(refusal.refusedSince / SECOND_MILLISECONDS) * SECOND_MILLISECONDS
  return Math.min(SECOND_MILLISECONDS, Math.max(0, accepted - now))
}

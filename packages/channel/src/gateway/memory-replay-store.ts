import { backend, type CryptoBackend, fromBase64url, KeyhavenError } from '@keyhaven/crypto'
import type { ReplayEntry, ReplayStore } from './ports.ts'

/** Entries in all; each exchange makes two. At 40 bytes each at most, this is 84 MB when full. */
const MAX_ENTRIES = 2_097_152
const SEGMENTS = 256
const SEGMENT_SHIFT = 24
const FIRST_SEGMENT_SLOTS = 64
/** 16 bytes of fingerprint, then the expiry in seconds since the store began, plus one; 0 is a free slot. */
const SLOT_WORDS = 5
const EXPIRY_WORD = 4
const FINGERPRINT_WORDS = 4
/** A segment over this share of its slots is cleaned, then grown. */
const MAX_LOAD = 0.75
const MILLISECONDS = 1000

export interface MemoryReplayStoreOptions {
  /** Entries that are kept at most; a full store refuses. */
  readonly maxEntries?: number
  /**
   * Requests dated before this (milliseconds since the epoch) are refused. Default: now. Give an earlier time
   * only if no process can have answered requests dated after it.
   */
  readonly refusesBefore?: number
  readonly backend?: CryptoBackend
}

/** To its last second; a free slot (0) never is, since time begins at 1. */
function isAlive(expiry: number, now: number): boolean {
  return expiry >= now
}

/** A hash table of fingerprints with open addressing. Expired entries are dropped when room is needed. */
class Segment {
  #slots = new Uint32Array(FIRST_SEGMENT_SLOTS * SLOT_WORDS)
  #used = 0

  /** @returns the word at which the fingerprint is, or would be, and whether it is there and alive. */
  #locate(fingerprint: Uint32Array, now: number): { at: number; alive: boolean } {
    const slots = this.#slots
    const words = slots.length
    let at = (fingerprint[1]! & (words / SLOT_WORDS - 1)) * SLOT_WORDS
    for (;;) {
      const expiry = slots[at + EXPIRY_WORD]!
      if (expiry === 0) return { at, alive: false }
      if (
        slots[at] === fingerprint[0] &&
        slots[at + 1] === fingerprint[1] &&
        slots[at + 2] === fingerprint[2] &&
        slots[at + 3] === fingerprint[3]
      ) {
        return { at, alive: isAlive(expiry, now) }
      }
      at += SLOT_WORDS
      if (at === words) at = 0
    }
  }

  has(fingerprint: Uint32Array, now: number): boolean {
    return this.#locate(fingerprint, now).alive
  }

  /** @returns whether `count` more entries fit, after cleaning and growing if need be. */
  makeRoom(count: number, now: number, maxEntries: number): boolean {
    const slots = this.#slots.length / SLOT_WORDS
    if (this.#used + count <= Math.min(slots * MAX_LOAD, maxEntries)) return true
    const old = this.#slots
    let alive = 0
    for (let at = 0; at < old.length; at += SLOT_WORDS) if (isAlive(old[at + EXPIRY_WORD]!, now)) alive++
    if (alive + count > maxEntries) return false
    // Grown while more than half of the room is alive, so that cleaning is rare.
    let size = FIRST_SEGMENT_SLOTS
    while (size * MAX_LOAD < (alive + count) * 1.5) size *= 2
    this.#slots = new Uint32Array(size * SLOT_WORDS)
    this.#used = 0
    for (let at = 0; at < old.length; at += SLOT_WORDS) {
      const expiry = old[at + EXPIRY_WORD]!
      if (isAlive(expiry, now)) this.insert(old.subarray(at, at + FINGERPRINT_WORDS), expiry, now)
    }
    return true
  }

  insert(fingerprint: Uint32Array, expiry: number, now: number): void {
    const { at } = this.#locate(fingerprint, now)
    if (this.#slots[at + EXPIRY_WORD] === 0) this.#used++
    this.#slots.set(fingerprint, at)
    this.#slots[at + EXPIRY_WORD] = expiry
  }
}

/**
 * A replay store for a single process. Its memory is bounded: when it is full of entries that have not
 * expired, it throws `STORE_UNAVAILABLE`, and the gateway runs nothing.
 *
 * @param clock - milliseconds since the epoch.
 */
export function createMemoryReplayStore(
  clock: () => number = Date.now,
  options: MemoryReplayStoreOptions = {},
): ReplayStore {
  const random = options.backend ?? backend
  const startedAt = clock()
  // One later than the last moment at which an earlier process may have accepted a request of that date.
  const refusesBefore = options.refusesBefore ?? startedAt + 1
  const maxSegmentEntries = Math.ceil((options.maxEntries ?? MAX_ENTRIES) / SEGMENTS)
  const segments = new Map<number, Segment>()
  const masks = new Map<string, Uint32Array>()
  // Odd and secret: who chooses fingerprints cannot aim at one segment.
  const multiplier = words(random.randomBytes(4))[0]! | 1

  const seconds = (time: number) => Math.max(0, Math.ceil((time - startedAt) / MILLISECONDS)) + 1

  /** Makes fingerprints of one application, and of keys and ids, differ from all others. */
  function fingerprint(kind: string, applicationId: string, bytes: Uint8Array): Uint32Array {
    const name = `${kind} ${applicationId}`
    let mask = masks.get(name)
    if (mask === undefined) {
      mask = words(random.randomBytes(FINGERPRINT_WORDS * 4))
      masks.set(name, mask)
    }
    const print = words(bytes)
    for (let index = 0; index < FINGERPRINT_WORDS; index++) print[index]! ^= mask[index]!
    return print
  }

  function segmentOf(print: Uint32Array): Segment {
    const index = Math.imul(print[0]! ^ print[2]!, multiplier) >>> SEGMENT_SHIFT
    let segment = segments.get(index)
    if (segment === undefined) {
      segment = new Segment()
      segments.set(index, segment)
    }
    return segment
  }

  function fingerprints(entry: ReplayEntry): Uint32Array[] {
    const key = fingerprint('key', entry.applicationId, entry.encapsulatedKey)
    if (entry.requestId === undefined) return [key]
    return [key, fingerprint('id', entry.applicationId, fromBase64url(entry.requestId))]
  }

  function has(entry: ReplayEntry): boolean {
    const now = Math.floor((clock() - startedAt) / MILLISECONDS) + 1
    return fingerprints(entry).some((print) => segmentOf(print).has(print, now))
  }

  function insert(entry: ReplayEntry): boolean {
    const now = Math.floor((clock() - startedAt) / MILLISECONDS) + 1
    const prints = fingerprints(entry)
    for (const print of prints) if (segmentOf(print).has(print, now)) return false
    for (const print of prints) {
      if (!segmentOf(print).makeRoom(prints.length, now, maxSegmentEntries)) {
        throw new KeyhavenError('STORE_UNAVAILABLE', 'the replay store is full')
      }
    }
    const expiry = seconds(entry.expiresAt)
    for (const print of prints) segmentOf(print).insert(print, expiry, now)
    return true
  }

  return { refusesBefore, has, insert }
}

/** The first 16 bytes (or as many as there are) as a fresh array of words. */
function words(bytes: Uint8Array): Uint32Array {
  const copy = bytes.slice(0, FINGERPRINT_WORDS * 4)
  return new Uint32Array(copy.buffer, 0, copy.length >> 2)
}

import { KeyhavenError } from '@keyhaven/crypto'

const ENTRY_HASH = /^[\w-]{43}$/
const COMPACT_JWS = /^[\w-]+\.[\w-]+\.[\w-]+$/

/** @param example - how the call looks. @throws TypeError that shows it. */
export function requireOptions(options: unknown, example: string): void {
  if (typeof options === 'object' && options !== null) return
  throw new TypeError(`options are missing: ${example}`)
}

/** @returns the text without what pasting puts around it. @throws TypeError; KeyhavenError `INPUT_INVALID` */
export function requireDeviceRequest(request: unknown): string {
  const wanted = 'the whole text `request` of requestDevice(), as the new device shows it'
  if (typeof request !== 'string') throw new TypeError(`a device request is a text: ${wanted}`)
  const text = request.trim()
  if (COMPACT_JWS.test(text)) return text
  throw new KeyhavenError('INPUT_INVALID', `this is no device request: hand over ${wanted}`)
}

/** @throws TypeError */
export function requireDeviceId(device: unknown): void {
  if (typeof device === 'string') return
  throw new TypeError('a device is named by its id, a text: devices.list() has it as `device`')
}

/** @throws TypeError; KeyhavenError `INPUT_INVALID` */
export function requireEntryHash(entry: unknown): void {
  const wanted = '`revocation.entry` of devices.list(), or `entry` of what directory.monitor() names'
  if (typeof entry !== 'string') throw new TypeError(`an entry is named by its hash, a text: ${wanted}`)
  if (ENTRY_HASH.test(entry)) return
  throw new KeyhavenError('INPUT_INVALID', `this is no hash of an entry: hand over ${wanted}`)
}

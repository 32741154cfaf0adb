import type { ChannelOptions } from './channel-options.ts'
import { checkTrust } from './check-trust.ts'
import { hidden, isObject, optionError, refuseUnknownNames, shown } from './option-error.ts'

const APPLICATION_ID = /^[a-z0-9][a-z0-9-]{0,62}$/
const APP_VERSION = /^[A-Za-z0-9._+-]{1,64}$/
const URL_EXPECTED = 'an http or https address such as https://keys.example.com'

/** Every option, and the type of those that are checked for no more than that. */
const OPTION_TYPES: Readonly<Record<keyof ChannelOptions, 'function' | 'boolean' | undefined>> = {
  url: undefined,
  applicationId: undefined,
  trust: undefined,
  appVersion: undefined,
  storage: undefined,
  backend: undefined,
  fetch: 'function',
  clock: 'function',
  monotonic: 'function',
  jitter: 'function',
  streamUploads: 'boolean',
}
const OPTION_NAMES = Object.keys(OPTION_TYPES)
/** Also what belongs one level deeper. */
const SUGGESTED_NAMES = [...OPTION_NAMES, 'trust.rootThumbprints', 'trust.pinnedKeys']

/**
 * Refuses options that cannot be right, before anything is sent: those of a caller without types, too.
 *
 * @returns the address of the server.
 * @throws TypeError that names the option, what it must be and what was given.
 */
export function checkOptions(options: ChannelOptions): URL {
  if (!isObject(options)) {
    throw optionError('options', 'an object with url, applicationId and trust', hidden(options))
  }
  refuseUnknownNames('a channel', options, OPTION_NAMES, SUGGESTED_NAMES)
  const { applicationId, appVersion, backend, storage } = options
  const url = checkedUrl(options.url)
  if (typeof applicationId !== 'string' || !APPLICATION_ID.test(applicationId)) {
    const expected = '1 to 63 small letters, digits and -, as the server lists it'
    throw optionError('applicationId', expected, shown(applicationId))
  }
  if (appVersion !== undefined && (typeof appVersion !== 'string' || !APP_VERSION.test(appVersion))) {
    throw optionError('appVersion', 'a text of 1 to 64 of A-Z a-z 0-9 . _ + -', shown(appVersion))
  }
  checkTrust(options.trust)
  if (storage !== undefined && !(typeof storage?.get === 'function' && typeof storage.set === 'function')) {
    throw optionError('storage', 'an object with the functions get and set', hidden(storage))
  }
  if (backend !== undefined && !isObject(backend)) {
    throw optionError('backend', 'a CryptoBackend', hidden(backend))
  }
  for (const [name, type] of Object.entries(OPTION_TYPES)) {
    const value = options[name as keyof ChannelOptions]
    if (type !== undefined && value !== undefined && typeof value !== type) {
      throw optionError(name, `a ${type}`, hidden(value))
    }
  }
  return url
}

/** The address is shown only where it can hold no password. */
function checkedUrl(given: unknown): URL {
  const text = given instanceof URL ? given.href : given
  if (typeof text !== 'string') throw optionError('url', URL_EXPECTED, hidden(text))
  if (!URL.canParse(text)) {
    throw optionError('url', URL_EXPECTED, text.includes('@') ? hidden(text) : shown(text))
  }
  const url = new URL(text)
  if (url.username !== '' || url.password !== '') {
    throw new TypeError('url must not have credentials: a user name or a password')
  }
  if (url.protocol !== 'https:' && url.protocol !== 'http:') {
    throw optionError('url', URL_EXPECTED, `one of ${url.protocol}`)
  }
  if (url.search !== '' || url.hash !== '') throw new TypeError('url must not have a query or a fragment')
  return url
}

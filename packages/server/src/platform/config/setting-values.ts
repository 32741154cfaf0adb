import { z } from 'zod'

export const LOG_LEVELS = ['silent', 'fatal', 'error', 'warn', 'info', 'debug', 'trace'] as const
const MAX_PORT = 65_535
const MAX_LOG_ORIGIN_CHARACTERS = 128
const MAX_THRESHOLD = 100

/** A whole number in decimal digits. */
export function integer(minimum: number, maximum: number, unit = '') {
  const allowed = `must be a whole number${unit && ` of ${unit}`} from ${minimum} to ${maximum}`
  return z
    .string()
    .regex(/^\d{1,9}$/, allowed)
    .transform(Number)
    .refine((value) => value >= minimum && value <= maximum, allowed)
}

export const ON_OFF = z
  .enum(['on', 'off', 'true', 'false', '1', '0'], 'must be on or off')
  .transform((value) => value === 'on' || value === 'true' || value === '1')

/** `HOST:PORT`, `[::1]:PORT` or `PORT`. */
export const LISTEN = z.string().transform((value, context) => {
  const match = /^(?:(\[[0-9A-Fa-f:.]+\]|[^:[\]]+):)?(\d{1,5})$/.exec(value)
  const port = Number(match?.[2])
  if (match !== null && port <= MAX_PORT) {
    return { host: (match[1] ?? '127.0.0.1').replace(/^\[|\]$/g, ''), port }
  }
  context.addIssue({ code: 'custom', message: 'must be HOST:PORT, for instance 127.0.0.1:8788' })
  return z.NEVER
})

/** http or https, without user, query and fragment; a slash at the end is dropped. */
export const httpUrl = z.string().transform((value, context) => {
  const url = parseHttpUrl(value)
  if (url !== undefined) return url.href.replace(/\/$/, '')
  context.addIssue({
    code: 'custom',
    message: 'must be an http or https address such as https://keys.example.org',
  })
  return z.NEVER
})

/** Comma-separated origins: scheme, host and port, nothing more. */
export const ORIGINS = z.string().transform((value, context) => {
  const origins: string[] = []
  for (const part of value.split(',')) {
    const url = parseHttpUrl(part.trim())
    if (url === undefined || url.pathname !== '/') {
      context.addIssue({
        code: 'custom',
        message: 'must be origins such as http://127.0.0.1:3000, with commas between',
      })
      return z.NEVER
    }
    origins.push(url.origin)
  }
  return origins
})

/** `CLAIM VALUE=ROLE`, comma-separated. */
export const ROLE_MAP = z.string().transform((value, context) => {
  const map: Record<string, string> = Object.create(null)
  for (const part of value.split(',')) {
    const at = part.lastIndexOf('=')
    const [from, to] = [part.slice(0, at).trim(), part.slice(at + 1).trim()]
    if (at < 1 || from === '' || to === '') {
      context.addIssue({ code: 'custom', message: 'must be VALUE=ROLE pairs, with commas between' })
      return z.NEVER
    }
    map[from] = to
  }
  return map
})

/** A log's name: a host and perhaps a path, as C2SP asks for, without scheme and slash at the end. */
export const LOG_ORIGIN = z
  .string()
  .max(MAX_LOG_ORIGIN_CHARACTERS)
  .regex(/^[a-z0-9][a-z0-9.:-]*(\/[A-Za-z0-9._~-]+)*$/, 'must be a name such as keys.example.org/log')

/** `VERIFIER_KEY@URL`, comma-separated. */
export const WITNESSES = z.string().transform((value, context) => {
  const witnesses: { verifierKey: string; url: string }[] = []
  for (const part of value.split(',')) {
    const at = part.search(/@https?:/)
    const url = at < 1 ? undefined : parseHttpUrl(part.slice(at + 1).trim())
    const verifierKey = part.slice(0, Math.max(at, 0)).trim()
    if (url === undefined || !/^[^+\s]+\+[0-9a-f]{8}\+[A-Za-z0-9+/]+=*$/.test(verifierKey)) {
      context.addIssue({ code: 'custom', message: 'must be VERIFIER_KEY@URL, with commas between' })
      return z.NEVER
    }
    witnesses.push({ verifierKey, url: url.href.replace(/\/$/, '') })
  }
  return witnesses
})

/** `ATTRIBUTE=exact`, `ATTRIBUTE=partial:60`, `ATTRIBUTE.LANGUAGE=phonetic:80`; comma-separated. */
export const MATCHING = z.string().transform((value, context) => {
  const rules: Record<string, { strategy: 'exact' | 'partial' | 'phonetic'; threshold: number }> =
    Object.create(null)
  for (const part of value.split(',')) {
    const [, name, strategy, threshold] =
      /^\s*([A-Za-z0-9_]+(?:\.[a-z]{3})?)=(exact|partial|phonetic)(?::([1-9]\d?|100))?\s*$/.exec(part) ?? []
    const isExact = strategy === 'exact'
    if (name === undefined || strategy === undefined || isExact === (threshold !== undefined)) {
      context.addIssue({
        code: 'custom',
        message: 'must be rules such as fullName=phonetic:60 or fullName.fra=partial:80, with commas between',
      })
      return z.NEVER
    }
    const word = strategy as 'exact' | 'partial' | 'phonetic'
    rules[name] = { strategy: word, threshold: Number(threshold ?? MAX_THRESHOLD) }
  }
  return rules
})

function parseHttpUrl(value: string): URL | undefined {
  if (!URL.canParse(value)) return undefined
  const url = new URL(value)
  const plain = url.username === '' && url.password === '' && url.search === '' && url.hash === ''
  return plain && /^https?:$/.test(url.protocol) ? url : undefined
}

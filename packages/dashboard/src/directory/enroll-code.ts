import type { ProfileName } from '../api/directory-devices.ts'
import { quote } from '../parts/quote.ts'

interface Enrollment {
  readonly url: string
  readonly applicationId: string
  readonly rootThumbprints: readonly string[]
  /** Verifier key of the application's log. */
  readonly log: string
  readonly username: string
  readonly token: string
  /** Null: the SDK's own choice. */
  readonly profile: ProfileName | null
}

/** Code that enrolls a user's first device. */
export function enrollCode(enrollment: Enrollment): string {
  const { url, applicationId, rootThumbprints, log, username, token, profile } = enrollment
  const prints = rootThumbprints.map((print) => `      ${quote(print)},\n`).join('')
  const chosen = profile === null ? '' : `\n  profile: ${quote(profile)},`
  return `import { connect } from '@keyhaven/sdk'

const kh = connect({
  url: ${quote(url)},
  applicationId: ${quote(applicationId)},
  trust: {
    rootThumbprints: [
${prints}    ],
    log: ${quote(log)},
  },
})

// Give it a store, or the device is lost with the process: indexedDbMessageStore() in a browser,
// sqliteStore() of @keyhaven/sdk/node in Node.
const me = await kh.enroll({
  username: ${quote(username)},
  token: ${quote(token)},${chosen}
})
`
}

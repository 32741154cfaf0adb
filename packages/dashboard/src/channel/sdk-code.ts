import type { E2eKey } from '../api/e2e-keys.ts'
import { quote } from '../parts/quote.ts'

/** Code for an app that trusts the signed manifest: its keys rotate with no release. */
export function manifestCode(url: string, applicationId: string, rootThumbprints: readonly string[]): string {
  const prints = rootThumbprints.map((print) => `      ${quote(print)},\n`).join('')
  return connectCode(url, applicationId, `{\n    rootThumbprints: [\n${prints}    ],\n  }`)
}

/** Code for an app that ships this one key, and moves to another with its next release. */
export function pinnedCode(url: string, key: E2eKey): string {
  const suite = `{ kem: ${quote(key.suite.kem)}, aead: ${quote(key.suite.aead)} }`
  return connectCode(
    url,
    key.applicationId,
    `{\n    pinnedKeys: [\n      {\n        keyId: ${key.keyId},\n        suite: ${suite},\n` +
      `        publicKey: ${quote(key.publicKey)},\n      },\n    ],\n  }`,
  )
}

function connectCode(url: string, applicationId: string, trust: string): string {
  return `import { connect } from '@keyhaven/sdk'

const keyhaven = connect({
  url: ${quote(url)},
  applicationId: ${quote(applicationId)},
  trust: ${trust},
})

const response = await keyhaven.fetch('/v1/echo', { method: 'POST', body: 'hello' })
`
}

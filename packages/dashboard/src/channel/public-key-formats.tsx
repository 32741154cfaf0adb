import { NativeSelect, Stack, Text } from '@mantine/core'
import { useState } from 'react'
import type { E2eKey } from '../api/e2e-keys.ts'
import { useTrust } from '../api/trust.ts'
import { CodeBlock } from '../parts/code-block.tsx'
import { ProblemAlert } from '../parts/problem-alert.tsx'
import { EXAMPLE_SERVER_URL, manifestCode, pinnedCode } from './sdk-code.ts'

const FORMATS = {
  manifest: {
    label: 'SDK code, signed manifest',
    hint: 'The app ships the root thumbprints only. Its keys rotate with no release.',
  },
  pinned: {
    label: 'SDK code, pinned key',
    hint: 'The app ships this key. Another key needs another release of the app.',
  },
  jwk: { label: 'Public key as JWK', hint: 'For other libraries, and for the SDK’s pinned keys.' },
  base64url: { label: 'Public key as base64url', hint: 'The bytes as HPKE serialises them.' },
} as const

type Format = keyof typeof FORMATS

/** The public key, ready to be taken along. */
export function PublicKeyFormats({ e2eKey }: { readonly e2eKey: E2eKey }) {
  const [format, setFormat] = useState<Format>('manifest')
  const trust = useTrust(e2eKey.applicationId)
  const { label, hint } = FORMATS[format]
  const code = codeOf(format, e2eKey, trust.data?.rootThumbprints)
  return (
    <Stack gap="sm">
      <NativeSelect
        label="Format"
        description={hint}
        value={format}
        onChange={(event) => setFormat(event.currentTarget.value as Format)}
        data={Object.entries(FORMATS).map(([value, entry]) => ({ value, label: entry.label }))}
      />
      {format === 'manifest' && <ProblemAlert error={trust.error} onRetry={() => trust.refetch()} />}
      <CodeBlock label={label} code={code} />
      {(format === 'manifest' || format === 'pinned') && (
        <Text size="sm" c="dimmed">
          Replace <span className="kh-mono">{EXAMPLE_SERVER_URL}</span> with the address at which your app
          reaches this server.
        </Text>
      )}
    </Stack>
  )
}

function codeOf(format: Format, key: E2eKey, rootThumbprints: readonly string[] | undefined): string {
  switch (format) {
    case 'jwk':
      return JSON.stringify(key.jwk, null, 2)
    case 'base64url':
      return key.publicKey
    case 'pinned':
      return pinnedCode(EXAMPLE_SERVER_URL, key)
    case 'manifest':
      return rootThumbprints === undefined
        ? '…'
        : manifestCode(EXAMPLE_SERVER_URL, key.applicationId, rootThumbprints)
  }
}

import { NativeSelect, Stack } from '@mantine/core'
import { useState } from 'react'
import type { E2eKey } from '../api/e2e-keys.ts'
import { useTrust } from '../api/trust.ts'
import { CodeBlock } from '../parts/code-block.tsx'
import { ProblemAlert } from '../parts/problem-alert.tsx'
import { manifestCode, pinnedCode } from './sdk-code.ts'
import { UrlHint } from './url-hint.tsx'
import { useServerUrl } from './use-server-url.ts'

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
  const url = useServerUrl()
  const code = codeOf(format, url, e2eKey, trust.data?.rootThumbprints)
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
      {(format === 'manifest' || format === 'pinned') && <UrlHint />}
    </Stack>
  )
}

function codeOf(
  format: Format,
  url: string,
  key: E2eKey,
  rootThumbprints: readonly string[] | undefined,
): string {
  switch (format) {
    case 'jwk':
      return JSON.stringify(key.jwk, null, 2)
    case 'base64url':
      return key.publicKey
    case 'pinned':
      return pinnedCode(url, key)
    case 'manifest':
      return rootThumbprints === undefined ? '…' : manifestCode(url, key.applicationId, rootThumbprints)
  }
}

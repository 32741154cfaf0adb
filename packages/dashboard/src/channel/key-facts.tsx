import type { E2eKey } from '../api/e2e-keys.ts'
import { FactList } from '../parts/fact-list.tsx'
import { Time } from '../parts/time.tsx'
import { StateBadge } from './state-badge.tsx'

/** The key's names and dates. */
export function KeyFacts({ e2eKey }: { readonly e2eKey: E2eKey }) {
  return (
    <FactList
      facts={[
        { name: 'State', value: <StateBadge state={e2eKey.state} /> },
        { name: 'Suite', value: `${e2eKey.suite.kem}, ${e2eKey.suite.aead}` },
        { name: 'Created', value: <Time at={e2eKey.createdAt} /> },
        { name: 'Last used', value: <Time at={e2eKey.lastUsedAt} absent="Never" /> },
        { name: 'Thumbprint', value: <span className="kh-mono">{e2eKey.thumbprint}</span>, long: true },
        { name: 'Record id', value: <span className="kh-mono">{e2eKey.id}</span>, long: true },
      ]}
    />
  )
}

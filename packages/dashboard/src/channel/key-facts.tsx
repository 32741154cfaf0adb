import { SimpleGrid, Text } from '@mantine/core'
import type { ReactNode } from 'react'
import type { E2eKey } from '../api/e2e-keys.ts'
import { Time } from '../parts/time.tsx'
import { StateBadge } from './state-badge.tsx'

/** The key's names and dates. */
export function KeyFacts({ e2eKey }: { readonly e2eKey: E2eKey }) {
  return (
    <SimpleGrid component="dl" cols={{ base: 1, sm: 2 }} spacing="md" verticalSpacing="sm" m={0}>
      <Fact name="State">
        <StateBadge state={e2eKey.state} />
      </Fact>
      <Fact name="Suite">
        {e2eKey.suite.kem}, {e2eKey.suite.aead}
      </Fact>
      <Fact name="Thumbprint">
        <span className="kh-mono">{e2eKey.thumbprint}</span>
      </Fact>
      <Fact name="Record id">
        <span className="kh-mono">{e2eKey.id}</span>
      </Fact>
      <Fact name="Created">
        <Time at={e2eKey.createdAt} />
      </Fact>
      <Fact name="Last used">
        <Time at={e2eKey.lastUsedAt} absent="Never" />
      </Fact>
    </SimpleGrid>
  )
}

function Fact({ name, children }: { readonly name: string; readonly children: ReactNode }) {
  return (
    <div>
      <Text component="dt" size="xs" c="dimmed">
        {name}
      </Text>
      <Text component="dd" size="sm" m={0}>
        {children}
      </Text>
    </div>
  )
}

import { Paper, SimpleGrid, Text } from '@mantine/core'
import type { ReactNode } from 'react'
import type { Trust } from '../api/trust.ts'
import { Time } from '../parts/time.tsx'

/** The state of the manifest. */
export function TrustFacts({ trust }: { readonly trust: Trust }) {
  return (
    <SimpleGrid cols={{ base: 1, xs: 2, md: 4 }} spacing="md">
      <Fact name="Root key">{trust.mode === 'online' ? 'On this server' : 'Offline'}</Fact>
      <Fact name="Epoch">{trust.epoch}</Fact>
      <Fact name="Sequence">{trust.sequence}</Fact>
      <Fact name="Delegation ends">
        <Time
          at={trust.delegationExpiresAt}
          absent={trust.mode === 'online' ? 'Not published yet' : 'Not installed'}
        />
      </Fact>
    </SimpleGrid>
  )
}

function Fact({ name, children }: { readonly name: string; readonly children: ReactNode }) {
  return (
    <Paper px="md" py="sm">
      <Text size="sm" c="dimmed">
        {name}
      </Text>
      <Text fw={600}>{children}</Text>
    </Paper>
  )
}

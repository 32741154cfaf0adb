import { Paper, SimpleGrid, Skeleton, Text } from '@mantine/core'
import type { Usage } from '../api/usage.ts'
import { formatShare } from './format-share.ts'

/** The three numbers that a rotation is watched by. */
export function AdoptionSummary({ usage }: { readonly usage: Usage | undefined }) {
  const newest = usage?.keys.filter((key) => key.state === 'active').at(0)
  return (
    <SimpleGrid cols={{ base: 1, xs: 3 }} spacing="md">
      <Figure name="Sealed requests" value={usage?.requests.toLocaleString()} />
      <Figure name="Installations" value={usage?.installations.toLocaleString()} />
      <Figure
        name={
          newest === undefined ? 'On the active key' : `Installations on key ${newest.keyId}, the active one`
        }
        value={
          usage === undefined ? undefined : newest === undefined ? '–' : formatShare(newest.installationShare)
        }
      />
    </SimpleGrid>
  )
}

function Figure({ name, value }: { readonly name: string; readonly value: string | undefined }) {
  return (
    <Paper px="md" py="sm">
      <Text size="sm" c="dimmed">
        {name}
      </Text>
      {value === undefined ? (
        <Skeleton height={31} width={90} mt={3} />
      ) : (
        <Text fz={22} fw={600} style={{ fontVariantNumeric: 'tabular-nums' }}>
          {value}
        </Text>
      )}
    </Paper>
  )
}

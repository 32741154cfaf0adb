import { Paper, Skeleton, Text } from '@mantine/core'
import type { Usage } from '../api/usage.ts'
import { FactList } from '../parts/fact-list.tsx'
import { formatShare } from './format-share.ts'

/** The three numbers that a rotation is watched by. */
export function AdoptionSummary({ usage }: { readonly usage: Usage | undefined }) {
  const newest = usage?.keys.filter((key) => key.state === 'active').at(0)
  const share = newest === undefined ? '–' : formatShare(newest.installationShare)
  const leftOut = usage?.installationsLeftOut ?? 0
  return (
    <Paper px="lg" py="sm">
      <FactList
        facts={[
          { name: 'Sealed requests', value: <Figure value={usage?.requests.toLocaleString()} /> },
          {
            name: 'Installations',
            value: (
              <>
                <Figure value={usage?.installations.toLocaleString()} />
                {leftOut > 0 && <LeftOut count={leftOut} />}
              </>
            ),
          },
          {
            name:
              newest === undefined
                ? 'On the active key'
                : `Installations on key ${newest.keyId}, the active one`,
            value: <Figure value={usage === undefined ? undefined : share} />,
          },
        ]}
      />
    </Paper>
  )
}

function Figure({ value }: { readonly value: string | undefined }) {
  if (value === undefined) return <Skeleton height={31} width={90} />
  return (
    <Text span fz={22} fw={600} style={{ fontVariantNumeric: 'tabular-nums' }}>
      {value}
    </Text>
  )
}

/** The server counts only so many new ones an hour, as a client can invent them. */
function LeftOut({ count }: { readonly count: number }) {
  return (
    <Text size="sm" c="dimmed">
      and up to {count.toLocaleString()} more, left out because too many new ones came within an hour
    </Text>
  )
}

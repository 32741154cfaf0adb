import { Paper } from '@mantine/core'
import type { Trust } from '../api/trust.ts'
import { FactList } from '../parts/fact-list.tsx'
import { Time } from '../parts/time.tsx'

/** The state of the manifest. */
export function TrustFacts({ trust }: { readonly trust: Trust }) {
  const absent = trust.mode === 'online' ? 'Not published yet' : 'Not installed'
  return (
    <Paper px="lg" py="sm">
      <FactList
        facts={[
          { name: 'Root key', value: trust.mode === 'online' ? 'On this server' : 'Offline' },
          { name: 'Epoch', value: trust.epoch },
          { name: 'Sequence', value: trust.sequence },
          { name: 'Delegation ends', value: <Time at={trust.delegationExpiresAt} absent={absent} /> },
        ]}
      />
    </Paper>
  )
}

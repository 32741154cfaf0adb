import { Paper } from '@mantine/core'
import type { DirectoryUserDetails } from '../api/directory-users.ts'
import { FactList } from '../parts/fact-list.tsx'
import { Time } from '../parts/time.tsx'

/** The user's chain in numbers. */
export function UserFacts({ user }: { readonly user: DirectoryUserDetails }) {
  const valid = user.devices.filter((device) => device.status === 'valid').length
  return (
    <Paper px="lg" py="sm">
      <FactList
        facts={[
          { name: 'Valid devices', value: valid },
          { name: 'Entries', value: user.entries.length.toLocaleString() },
          { name: 'Resets', value: user.chain },
          { name: 'Since', value: <Time at={user.createdAt} /> },
        ]}
      />
    </Paper>
  )
}

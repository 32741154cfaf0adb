import { Badge, Stack, Text } from '@mantine/core'
import { type AuthenticationAnswer, useAuthentications } from '../api/identity-authentications.ts'
import { Actor } from '../parts/actor.tsx'
import { Empty } from '../parts/empty.tsx'
import { RecordList } from '../parts/record-list.tsx'
import type { Column } from '../parts/record-table.tsx'
import { SearchBox, useSearch } from '../parts/search-box.tsx'
import { Time } from '../parts/time.tsx'

/** Who asked, and what was answered: never about whom. */
export function AuthenticationsTab() {
  const search = useSearch()
  const query = useAuthentications(search.settled)
  return (
    <Stack gap={0}>
      <Text c="dimmed" size="sm" mb="md">
        Each answer of this IDA, the newest first. About whom somebody asked is kept nowhere.
      </Text>
      <SearchBox search={search} label="Partner" placeholder="Whole id of a partner" />
      <RecordList
        label="Authentications"
        query={query}
        rowKey={({ id }) => id}
        columns={COLUMNS}
        more="Show older answers"
        empty={
          search.settled === '' ? (
            <Empty icon="check" title="Nobody has asked yet">
              An answer appears here when a relying party’s first request was decided.
            </Empty>
          ) : (
            <Empty icon="search" title={`No answer to “${search.settled}”`}>
              Give the whole id of a partner, as its page at the issuer shows it.
            </Empty>
          )
        }
      />
    </Stack>
  )
}

const KINDS: Readonly<Record<AuthenticationAnswer['kind'], string>> = {
  auth: 'Authentication',
  kyc: 'eKYC',
  otp: 'One-time password',
  internal: 'Internal',
}
const RESULTS: Readonly<
  Record<AuthenticationAnswer['result'], { readonly label: string; readonly colour: string }>
> = {
  yes: { label: 'Yes', colour: 'green' },
  no: { label: 'No', colour: 'orange' },
  refused: { label: 'Refused', colour: 'red' },
}
const TYPES: Readonly<Record<string, string>> = { demo: 'Demographics', bio: 'Biometrics', otp: 'Password' }

const COLUMNS: readonly Column<AuthenticationAnswer>[] = [
  { header: 'When', cell: ({ at }) => <Time at={at} /> },
  { header: 'Partner', cell: ({ caller }) => <Actor name={caller.replace(/^partner:/, '')} /> },
  { header: 'Asked for', cell: ({ kind }) => KINDS[kind] },
  {
    header: 'Result',
    cell: ({ result }) => (
      <Badge miw="max-content" color={RESULTS[result].colour}>
        {RESULTS[result].label}
      </Badge>
    ),
  },
  { header: 'By', cell: ({ types }) => types.map((type) => TYPES[type] ?? type).join(', ') || '–' },
  {
    header: 'Codes',
    cell: ({ errors }) => (errors.length === 0 ? '–' : <span className="kh-mono">{errors.join(' ')}</span>),
  },
]

import { Anchor, Button, Group, Stack, Text } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { Link } from 'wouter'
import { type Policy, useInstallDefaultPolicies, usePolicies } from '../api/identity-policies.ts'
import { useMay } from '../api/session.ts'
import { Empty } from '../parts/empty.tsx'
import { Icon } from '../parts/icon.tsx'
import { ProblemAlert } from '../parts/problem-alert.tsx'
import { RecordList } from '../parts/record-list.tsx'
import type { Column } from '../parts/record-table.tsx'
import { Time } from '../parts/time.tsx'
import { identityRecordPath } from './identity-path.ts'
import { POLICY_STATES } from './identity-states.ts'
import { StateBadge } from './state-badge.tsx'
import { UploadPolicyDialog } from './upload-policy-dialog.tsx'

/** What of a person a partner may have. */
export function PoliciesTab({ applicationId }: { readonly applicationId: string }) {
  const query = usePolicies(applicationId)
  const mayManage = useMay('partner-manager')
  const [uploading, uploadDialog] = useDisclosure(false)
  return (
    <Stack gap="md">
      <Group justify="space-between" gap="sm">
        <Text c="dimmed" size="sm" flex="1 1 300px">
          A policy is MOSIP’s JSON. It is asked at every share and every authentication, and counts once it is
          published.
        </Text>
        {mayManage && (
          <Button leftSection={<Icon name="plus" />} onClick={uploadDialog.open}>
            Upload policy
          </Button>
        )}
      </Group>
      <RecordList
        label="Policies"
        query={query}
        rowKey={({ id }) => id}
        columns={COLUMNS}
        more="Show more policies"
        empty={<NoPolicy applicationId={applicationId} mayManage={mayManage} />}
      />
      <UploadPolicyDialog applicationId={applicationId} opened={uploading} onClose={uploadDialog.close} />
    </Stack>
  )
}

const COLUMNS: readonly Column<Policy>[] = [
  {
    header: 'Policy',
    wide: true,
    cell: ({ id }) => (
      <Anchor
        component={Link}
        href={identityRecordPath('policies', id)}
        fw={600}
        size="sm"
        className="kh-mono"
      >
        {id}
      </Anchor>
    ),
  },
  { header: 'Type', cell: ({ type }) => type },
  { header: 'Group', cell: ({ groupId }) => <span className="kh-mono">{groupId}</span> },
  { header: 'State', cell: ({ state }) => <StateBadge look={POLICY_STATES[state]} /> },
  { header: 'Version', cell: ({ version }) => (version === 0 ? '–' : version.toLocaleString()) },
  { header: 'Published', cell: ({ publishedAt }) => <Time at={publishedAt} absent="Not yet" /> },
  { header: 'Ends', cell: ({ validUntil }) => <Time at={validUntil} absent="Never" /> },
]

function NoPolicy({
  applicationId,
  mayManage,
}: {
  readonly applicationId: string
  readonly mayManage: boolean
}) {
  const install = useInstallDefaultPolicies(applicationId)
  const action = mayManage && (
    <Button variant="default" loading={install.isPending} onClick={() => install.mutate()}>
      Add MOSIP’s policies
    </Button>
  )
  return (
    <>
      <Empty icon="log" title="No policy yet" action={action}>
        Nothing is shared and nobody is authenticated for anybody without one. Add those that MOSIP comes
        with, or upload your own.
      </Empty>
      <ProblemAlert error={install.error} />
    </>
  )
}

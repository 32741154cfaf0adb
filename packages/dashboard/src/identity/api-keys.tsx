import { Button, Group, Modal, Paper, Text, Title } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { type ApiKey, type PartnerDetails, useRevokeApiKey } from '../api/identity-partners.ts'
import { useMay } from '../api/session.ts'
import { dangerColumn } from '../parts/danger-column.tsx'
import { Empty } from '../parts/empty.tsx'
import { Icon } from '../parts/icon.tsx'
import { ReasonForm } from '../parts/reason-form.tsx'
import { type Column, RecordTable } from '../parts/record-table.tsx'
import { Time } from '../parts/time.tsx'
import { useChosen } from '../parts/use-chosen.ts'
import { KEY_STATES } from './identity-states.ts'
import { IssueApiKeyDialog } from './issue-api-key-dialog.tsx'
import { StateBadge } from './state-badge.tsx'

interface ApiKeysProps {
  readonly applicationId: string
  readonly partner: PartnerDetails
  /** Milliseconds since the epoch: when it was read. */
  readonly now: number
}

/** What a partner calls with. Only hashes are kept, so a key is seen once. */
export function ApiKeys({ applicationId, partner, now }: ApiKeysProps) {
  const mayManage = useMay('partner-manager')
  const [issuing, issueDialog] = useDisclosure(false)
  const revoking = useChosen<ApiKey>()
  const policies = partner.subscriptions
    .filter(({ state }) => state === 'approved')
    .map((one) => one.policyId)
  const mayIssue = mayManage && partner.state === 'active' && policies.length > 0
  const rows = partner.apiKeys.toSorted((a, b) => (a.createdAt < b.createdAt ? 1 : -1))
  const columns = apiKeyColumns(now)
  return (
    <section>
      <Group justify="space-between" gap="sm" mb="sm" mih={36}>
        <Title order={2} size="h4">
          API keys
        </Title>
        {mayIssue && (
          <Button leftSection={<Icon name="plus" />} onClick={issueDialog.open}>
            Issue API key
          </Button>
        )}
      </Group>
      {mayManage && !mayIssue && (
        <Text c="dimmed" size="sm" mb="sm">
          To issue one, activate the partner and approve a subscription first.
        </Text>
      )}
      <Paper>
        {rows.length === 0 ? (
          <Empty icon="key" title="No API key">
            A relying party needs one for each policy. It is shown once, when it is issued.
          </Empty>
        ) : (
          <RecordTable
            label="API keys"
            rows={rows}
            rowKey={({ id }) => id}
            columns={
              mayManage
                ? [
                    ...columns,
                    dangerColumn<ApiKey>({
                      text: 'Revoke',
                      label: ({ label }) => `Revoke the API key ${label}`,
                      offered: ({ state }) => state === 'active',
                      onClick: revoking.choose,
                    }),
                  ]
                : columns
            }
          />
        )}
      </Paper>
      <IssueApiKeyDialog
        applicationId={applicationId}
        partnerId={partner.id}
        policies={policies}
        opened={issuing}
        onClose={issueDialog.close}
      />
      <Modal opened={revoking.opened} onClose={revoking.close} title="Revoke API key">
        {revoking.row !== undefined && (
          <RevokeForm applicationId={applicationId} apiKey={revoking.row} onClose={revoking.close} />
        )}
      </Modal>
    </section>
  )
}

function apiKeyColumns(now: number): readonly Column<ApiKey>[] {
  return [
    { header: 'API key', wide: true, cell: ({ label }) => <strong>{label}</strong> },
    {
      header: 'State',
      cell: ({ state, expiresAt }) => {
        const expired = state === 'active' && Date.parse(expiresAt) <= now
        return <StateBadge look={KEY_STATES[expired ? 'expired' : state]} />
      },
    },
    { header: 'Policy', cell: ({ policyId }) => <span className="kh-mono">{policyId}</span> },
    { header: 'Issued', cell: ({ createdAt }) => <Time at={createdAt} /> },
    { header: 'Expires', cell: ({ expiresAt }) => <Time at={expiresAt} /> },
  ]
}

interface RevokeFormProps {
  readonly applicationId: string
  readonly apiKey: ApiKey
  readonly onClose: () => void
}

function RevokeForm({ applicationId, apiKey, onClose }: RevokeFormProps) {
  const revoke = useRevokeApiKey(applicationId)
  return (
    <ReasonForm
      danger
      submit="Revoke API key"
      busy={revoke.isPending}
      error={revoke.error}
      onConfirmed={(reason) => revoke.mutate({ id: apiKey.id, reason }, { onSuccess: onClose })}
      onCancel={onClose}
    >
      Every call with <strong>{apiKey.label}</strong> is refused from now on, for ever. If the partner is
      still to call, issue another key first.
    </ReasonForm>
  )
}

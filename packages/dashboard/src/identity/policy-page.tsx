import { Badge, Button, Group, Paper, Skeleton, Stack } from '@mantine/core'
import { type PolicyDetails, usePolicy } from '../api/identity-policies.ts'
import { useMay } from '../api/session.ts'
import { Actor } from '../parts/actor.tsx'
import { CodeBlock } from '../parts/code-block.tsx'
import { FactList } from '../parts/fact-list.tsx'
import { PageHeader } from '../parts/page-header.tsx'
import { ProblemAlert } from '../parts/problem-alert.tsx'
import { Time } from '../parts/time.tsx'
import { type Chosen, useChosen } from '../parts/use-chosen.ts'
import { IdentityCrumbs } from './identity-crumbs.tsx'
import { identityPartPath } from './identity-path.ts'
import { POLICY_STATES } from './identity-states.ts'
import { prettyJson } from './policy-document.ts'
import { PolicyStateDialog } from './policy-state-dialog.tsx'
import { PublishPolicyDialog } from './publish-policy-dialog.tsx'
import { RevisePolicyDialog } from './revise-policy-dialog.tsx'
import { StateBadge } from './state-badge.tsx'

interface PolicyPageProps {
  readonly applicationId: string
  readonly id: string
}

interface Asked {
  readonly dialog: 'publish' | 'state' | 'revise'
  /** As it was when the dialog opened: a change must not turn the dialog into its opposite. */
  readonly policy: PolicyDetails
}

/** One policy: what counts now, and what is being written. */
export function PolicyPage({ applicationId, id }: PolicyPageProps) {
  const { data, isError, error, refetch } = usePolicy(applicationId, id)
  const mayManage = useMay('partner-manager')
  const asking = useChosen<Asked>()
  return (
    <>
      <IdentityCrumbs label="Policies" href={identityPartPath('policies')} />
      <PageHeader
        title={id}
        actions={
          mayManage &&
          data !== undefined && (
            <Actions policy={data} open={(dialog) => asking.choose({ dialog, policy: data })} />
          )
        }
      >
        <Group gap={10} mih={26}>
          {data === undefined ? (
            !isError && <Skeleton width={160} height={20} />
          ) : (
            <>
              <StateBadge look={POLICY_STATES[data.state]} />
              <Badge color="gray">{data.type}</Badge>
              {data.version > 0 && data.draft !== '' && <Badge color="orange">A draft waits</Badge>}
            </>
          )}
        </Group>
      </PageHeader>
      {isError && <ProblemAlert error={error} onRetry={() => refetch()} />}
      {!isError && data === undefined && <Skeleton height={420} radius="md" />}
      {!isError && data !== undefined && (
        <Stack gap="lg">
          <Facts policy={data} />
          {data.draft !== '' && <CodeBlock label="Draft of the next version" code={prettyJson(data.draft)} />}
          {data.body !== '' && (
            <CodeBlock label={`Published version ${data.version}`} code={prettyJson(data.body)} />
          )}
          {asking.row !== undefined && <Dialogs applicationId={applicationId} {...asking} row={asking.row} />}
        </Stack>
      )}
    </>
  )
}

interface DialogsProps extends Chosen<Asked> {
  readonly applicationId: string
  readonly row: Asked
}

function Dialogs({ applicationId, row: { dialog, policy }, opened, close }: DialogsProps) {
  const common = { applicationId, policy, onClose: close }
  return (
    <>
      <PublishPolicyDialog {...common} opened={opened && dialog === 'publish'} />
      <PolicyStateDialog {...common} opened={opened && dialog === 'state'} />
      <RevisePolicyDialog {...common} opened={opened && dialog === 'revise'} />
    </>
  )
}

interface ActionsProps {
  readonly policy: PolicyDetails
  readonly open: (dialog: Asked['dialog']) => void
}

function Actions({ policy: { version, state, draft }, open }: ActionsProps) {
  return (
    <Group gap="sm">
      {draft !== '' && <Button onClick={() => open('publish')}>Publish draft</Button>}
      <Button variant="default" onClick={() => open('revise')}>
        Upload next version
      </Button>
      {version > 0 && (
        <Button
          variant="default"
          {...(state === 'active' ? { c: 'var(--mantine-color-error)' } : {})}
          onClick={() => open('state')}
        >
          {state === 'active' ? 'Deactivate' : 'Activate'}
        </Button>
      )}
    </Group>
  )
}

function Facts({ policy }: { readonly policy: PolicyDetails }) {
  return (
    <Paper px="lg" py="sm">
      <FactList
        facts={[
          { name: 'Group', value: policy.groupId },
          {
            name: 'Published version',
            value: policy.version === 0 ? 'None' : policy.version.toLocaleString(),
          },
          { name: 'Published', value: <Time at={policy.publishedAt} absent="Not yet" /> },
          { name: 'Ends', value: <Time at={policy.validUntil} absent="Not by itself" /> },
          { name: 'Last change', value: <Time at={policy.changedAt} /> },
          { name: 'By', value: <Actor name={policy.changedBy} /> },
          { name: 'Description', value: policy.description || '–', long: true },
        ]}
      />
    </Paper>
  )
}

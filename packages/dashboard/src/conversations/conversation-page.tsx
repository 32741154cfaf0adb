import { Badge, Button, Group, Skeleton, Stack, Tabs } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { useLocation } from 'wouter'
import { type ConversationDetails, useConversation } from '../api/conversations.ts'
import { useMay } from '../api/session.ts'
import { ApplicationCrumbs } from '../applications/application-crumbs.tsx'
import { CopyButton } from '../parts/copy-button.tsx'
import { Empty } from '../parts/empty.tsx'
import { Icon } from '../parts/icon.tsx'
import { PageHeader } from '../parts/page-header.tsx'
import { ProblemAlert } from '../parts/problem-alert.tsx'
import { type PartTab, ScrollingTabs } from '../parts/scrolling-tabs.tsx'
import { ConversationFacts } from './conversation-facts.tsx'
import { type ConversationPart, conversationPath, conversationsPath } from './conversation-path.ts'
import { ExportTab } from './export-tab.tsx'
import { KeysTab } from './keys-tab.tsx'
import { MembersTab } from './members-tab.tsx'
import { ModeBadge } from './mode-badge.tsx'
import { ReceiptsTab } from './receipts-tab.tsx'
import { RotateDialog } from './rotate-dialog.tsx'
import { shortId } from './short-id.ts'

interface ConversationPageProps {
  readonly applicationId: string
  readonly id: string
  readonly part: string
}

const PARTS: Readonly<Record<ConversationPart, PartTab>> = {
  members: { label: 'Members', icon: 'users' },
  keys: { label: 'Keys', icon: 'key' },
  receipts: { label: 'Receipts', icon: 'log' },
  export: { label: 'Export', icon: 'shield' },
}

/** One conversation: who is in it, by which rules, and who was given which key. */
export function ConversationPage({ applicationId, id, part }: ConversationPageProps) {
  const { data, isError, error, dataUpdatedAt, refetch } = useConversation(applicationId, id)
  const mayRotate = useMay('admin')
  const [rotating, rotateDialog] = useDisclosure(false)
  const rotateButton = mayRotate && data?.mode === 'managed' && (
    <Button variant="default" leftSection={<Icon name="key" />} onClick={rotateDialog.open}>
      Rotate key
    </Button>
  )
  return (
    <>
      <ApplicationCrumbs
        applicationId={applicationId}
        parent={{ label: 'Conversations', href: conversationsPath(applicationId) }}
      />
      <PageHeader title={`Conversation ${shortId(id)}`} actions={rotateButton}>
        <Group gap={10} mih={26}>
          {data !== undefined && <ModeBadge mode={data.mode} />}
          <span className="kh-mono">{id}</span>
          <CopyButton text={id} what="the conversation’s id" />
        </Group>
      </PageHeader>
      {isError && <ProblemAlert error={error} onRetry={() => refetch()} />}
      {!isError && data === undefined && <Skeleton height={420} radius="md" />}
      {!isError && data !== undefined && (
        <Stack gap="lg">
          <ConversationFacts conversation={data} now={dataUpdatedAt} />
          <Parts applicationId={applicationId} conversation={data} now={dataUpdatedAt} part={part} />
        </Stack>
      )}
      <RotateDialog
        applicationId={applicationId}
        conversation={id}
        opened={rotating}
        onClose={rotateDialog.close}
      />
    </>
  )
}

interface PartsProps {
  readonly applicationId: string
  readonly conversation: ConversationDetails
  /** Milliseconds since the epoch: when it was read. */
  readonly now: number
  readonly part: string
}

function Parts({ applicationId, conversation, now, part }: PartsProps) {
  const [, navigate] = useLocation()
  const asked = conversation.exports.filter(({ state }) => state === 'pending').length
  const mark = asked > 0 && (
    <Badge size="sm" color="orange" title="Exports that wait for the second operator">
      {asked}
    </Badge>
  )
  const parts = { ...PARTS, export: { ...PARTS.export, mark } }
  const open = (next: string | null): void =>
    navigate(conversationPath(applicationId, conversation.id, next as ConversationPart), { replace: true })
  return (
    <>
      <Tabs value={part} onChange={open} keepMounted={false}>
        <ScrollingTabs label="Parts of the conversation" parts={parts} open={part} />
        <Tabs.Panel value="members">
          <MembersTab applicationId={applicationId} conversation={conversation} />
        </Tabs.Panel>
        <Tabs.Panel value="keys">
          <KeysTab conversation={conversation} now={now} />
        </Tabs.Panel>
        <Tabs.Panel value="receipts">
          <ReceiptsTab applicationId={applicationId} conversation={conversation.id} />
        </Tabs.Panel>
        <Tabs.Panel value="export">
          <ExportTab applicationId={applicationId} conversation={conversation} />
        </Tabs.Panel>
      </Tabs>
      {!Object.hasOwn(PARTS, part) && (
        <Empty icon="search" title="There is no such part here">
          Choose one of the parts above.
        </Empty>
      )}
    </>
  )
}

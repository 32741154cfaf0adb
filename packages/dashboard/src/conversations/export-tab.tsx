import { Button, Group, Paper, Stack, Text } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { useState } from 'react'
import type { ConversationDetails, ConversationExport } from '../api/conversations.ts'
import { useMay, useSession } from '../api/session.ts'
import { CodeBlock } from '../parts/code-block.tsx'
import { Empty } from '../parts/empty.tsx'
import { RecordTable } from '../parts/record-table.tsx'
import { ApproveExportDialog } from './approve-export-dialog.tsx'
import { exportColumns } from './export-columns.tsx'
import { downloadCommand } from './export-command.ts'
import { RequestExportDialog } from './request-export-dialog.tsx'

interface ExportTabProps {
  readonly applicationId: string
  readonly conversation: ConversationDetails
}

/** Keys for a legal request: two operators, and a receipt that the members see. Keys never come here. */
export function ExportTab({ applicationId, conversation }: ExportTabProps) {
  return conversation.mode === 'sealed' ? (
    <Paper>
      <Empty icon="shield" title="A sealed conversation has no export">
        The server has none of its keys, so there is nothing that two operators could hand out. Only its
        members can.
      </Empty>
    </Paper>
  ) : (
    <ManagedExport applicationId={applicationId} conversation={conversation} />
  )
}

function ManagedExport({ applicationId, conversation }: ExportTabProps) {
  const mayExport = useMay('admin')
  const actor = useSession().data?.actor
  const [asking, askDialog] = useDisclosure(false)
  const [approving, approveDialog] = useDisclosure(false)
  const [chosen, setChosen] = useState<ConversationExport>()
  const { id, exports } = conversation
  const askToApprove = (row: ConversationExport): void => {
    setChosen(row)
    approveDialog.open()
  }
  const ready = exports.filter(({ state }) => state === 'approved')
  return (
    <Stack gap="lg">
      <Group justify="space-between" gap="sm">
        <Text c="dimmed" size="sm" flex="1 1 300px">
          For a legal request: one operator asks for the keys, a second one approves, and one of the two
          downloads them once, with the command line. The members see a receipt of every key.
        </Text>
        {mayExport && <Button onClick={askDialog.open}>Request export</Button>}
      </Group>
      <Paper>
        {exports.length === 0 ? (
          <Empty icon="shield" title="No export was asked for">
            Nobody has asked for the keys of this conversation.
          </Empty>
        ) : (
          <RecordTable
            label="Exports"
            rows={exports}
            rowKey={(row) => row.id}
            columns={exportColumns(actor, mayExport ? askToApprove : undefined)}
          />
        )}
      </Paper>
      {ready.map((row) => (
        <CodeBlock
          key={row.id}
          label={`Download of the export ${row.id}, by ${row.requestedBy} or ${row.approvedBy}`}
          code={downloadCommand(applicationId, id, row.id)}
        />
      ))}
      <RequestExportDialog
        applicationId={applicationId}
        conversation={id}
        opened={asking}
        onClose={askDialog.close}
      />
      <ApproveExportDialog
        applicationId={applicationId}
        conversation={id}
        wanted={chosen}
        opened={approving}
        onClose={approveDialog.close}
      />
    </Stack>
  )
}

import { Button, Group, Paper, Text } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { useState } from 'react'
import { type E2eKey, useE2eKeys } from '../api/e2e-keys.ts'
import { useMay } from '../api/session.ts'
import { useUsage } from '../api/usage.ts'
import { Empty } from '../parts/empty.tsx'
import { Icon } from '../parts/icon.tsx'
import { ProblemAlert } from '../parts/problem-alert.tsx'
import { RecordTable } from '../parts/record-table.tsx'
import { AddKeyDialog } from './add-key-dialog.tsx'
import { e2eKeyColumns } from './e2e-key-columns.tsx'
import { KeyDetailsDialog } from './key-details-dialog.tsx'
import { RevokeDialog } from './revoke-dialog.tsx'
import { ScheduleDialog } from './schedule-dialog.tsx'

/** What is open on top of the table, and for which key. */
interface OpenDialog {
  readonly what: 'details' | 'schedule' | 'revoke'
  readonly keyRowId: string
  /** False while it fades out; its content stays until then. */
  readonly opened: boolean
}

/** The application's keys, newest first, with everything that can be done to one. */
export function E2eKeysTab({ applicationId }: { readonly applicationId: string }) {
  const keys = useE2eKeys(applicationId)
  const usage = useUsage(applicationId, '24h')
  const mayManage = useMay('key-manager')
  const [adding, addDialog] = useDisclosure(false)
  const [open, setOpen] = useState<OpenDialog | null>(null)
  const close = (): void => setOpen((now) => now && { ...now, opened: false })
  const chosen = keys.data?.find((key) => key.id === open?.keyRowId)
  const show = (what: OpenDialog['what']) => (key: E2eKey) =>
    setOpen({ what, keyRowId: key.id, opened: true })
  const isOpen = (what: OpenDialog['what']): boolean => open?.opened === true && open.what === what
  const addButton = mayManage && (
    <Button leftSection={<Icon name="plus" />} onClick={addDialog.open}>
      Add key
    </Button>
  )
  if (keys.isError) return <ProblemAlert error={keys.error} onRetry={() => keys.refetch()} />
  return (
    <>
      <Group justify="space-between" mb="md" gap="sm">
        <Text c="dimmed" size="sm" flex="1 1 260px">
          To rotate: add a key, wait until Adoption calls the old one safe to revoke, then revoke it. Safe
          means that no installation would break. A revoked key still shows its share of the calls before
          that.
        </Text>
        {addButton}
      </Group>
      <Paper>
        {keys.data?.length === 0 ? (
          <Empty icon="key" title="No key yet" action={addButton}>
            Without a key no call can be sealed. Add one; it is in use a moment later.
          </Empty>
        ) : (
          <RecordTable
            label="E2E keys"
            rows={keys.data}
            rowKey={(key) => key.id}
            loadingRows={2}
            columns={e2eKeyColumns({
              usage: usage.data,
              mayManage,
              onDetails: show('details'),
              onSchedule: show('schedule'),
              onRevoke: show('revoke'),
            })}
          />
        )}
      </Paper>
      <AddKeyDialog applicationId={applicationId} opened={adding} onClose={addDialog.close} />
      <KeyDetailsDialog e2eKey={chosen} opened={isOpen('details')} onClose={close} />
      <ScheduleDialog e2eKey={chosen} opened={isOpen('schedule')} onClose={close} />
      <RevokeDialog
        e2eKey={chosen}
        lastLive={keys.data?.filter((key) => key.state !== 'revoked').length === 1}
        opened={isOpen('revoke')}
        onClose={close}
      />
    </>
  )
}

import { Button, Group } from '@mantine/core'
import type { Subscription } from '../api/identity-partners.ts'
import type { Column } from '../parts/record-table.tsx'
import type { Decision } from './decide-dialog.tsx'

/** The last column: approve and refuse, where nobody has decided yet. */
export function decisionColumn(choose: (decision: Decision) => void): Column<Subscription> {
  return {
    header: 'Actions',
    hideHeader: true,
    wide: true,
    align: 'end',
    cell: (subscription) =>
      subscription.state === 'requested' && (
        <Group justify="flex-end" gap={8} wrap="nowrap">
          {([true, false] as const).map((approve) => (
            <Button
              key={String(approve)}
              size="compact-sm"
              variant="default"
              {...(approve ? {} : { c: 'var(--mantine-color-error)' })}
              aria-label={`${approve ? 'Approve' : 'Refuse'} ${subscription.policyId} for ${subscription.partnerId}`}
              onClick={() => choose({ subscription, approve })}
            >
              {approve ? 'Approve' : 'Refuse'}
            </Button>
          ))}
        </Group>
      ),
  }
}

import { Button, NativeSelect, SimpleGrid, TextInput } from '@mantine/core'
import { useAuditActions } from '../api/audit.ts'
import { ANY, type AuditFilterDraft, hasWrongId } from './audit-filter-draft.ts'

interface AuditFiltersProps {
  readonly draft: AuditFilterDraft
  readonly onChange: (draft: AuditFilterDraft) => void
}

/** Narrow the log by what, who, where and when. */
export function AuditFilters({ draft, onChange }: AuditFiltersProps) {
  const actions = useAuditActions()
  const field = (name: keyof AuditFilterDraft) => ({
    value: draft[name],
    onChange: (event: { currentTarget: { value: string } }) =>
      onChange({ ...draft, [name]: event.currentTarget.value }),
  })
  const filtered = Object.values(draft).some((value) => value !== '')
  return (
    <search>
      <SimpleGrid cols={{ base: 2, sm: 3, lg: 6 }} spacing="sm" mb="md" style={{ alignItems: 'start' }}>
        <NativeSelect
          label="Action"
          data={[{ value: '', label: 'Any' }, ...(actions.data ?? [])]}
          {...field('action')}
        />
        <TextInput label="Actor, in full" placeholder="token:admin" spellCheck={false} {...field('actor')} />
        <TextInput
          label="Application id"
          placeholder="demo"
          spellCheck={false}
          error={hasWrongId(draft) ? 'No id looks like this' : undefined}
          {...field('applicationId')}
        />
        <TextInput label="From" type="date" {...field('fromDay')} />
        <TextInput label="To" type="date" {...field('toDay')} />
        <Button variant="default" mt={25} disabled={!filtered} onClick={() => onChange(ANY)}>
          Clear filters
        </Button>
      </SimpleGrid>
    </search>
  )
}

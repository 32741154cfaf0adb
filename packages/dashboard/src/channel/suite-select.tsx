import { NativeSelect } from '@mantine/core'
import type { SuiteName } from '../api/e2e-keys.ts'
import { SUITE_LABELS } from './suite-label.ts'

interface SuiteSelectProps {
  readonly label: string
  readonly value: SuiteName
  readonly onChange: (suite: SuiteName) => void
}

const EXPLANATIONS: Readonly<Record<SuiteName, string>> = {
  'x-wing': 'Withstands a quantum computer too. The default; about 1.1 KB more in each call.',
  x25519: 'Small and fast. Recorded traffic could be read by a future quantum computer.',
  'p-256': 'For places that allow only NIST curves. Not safe against a future quantum computer.',
}

export function SuiteSelect({ label, value, onChange }: SuiteSelectProps) {
  return (
    <NativeSelect
      label={label}
      description={EXPLANATIONS[value]}
      value={value}
      onChange={(event) => onChange(event.currentTarget.value as SuiteName)}
      data={(Object.keys(SUITE_LABELS) as SuiteName[]).map((suite) => ({
        value: suite,
        label: SUITE_LABELS[suite],
      }))}
    />
  )
}

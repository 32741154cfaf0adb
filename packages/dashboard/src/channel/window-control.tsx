import { SegmentedControl } from '@mantine/core'
import type { UsageWindow } from '../api/usage.ts'

const WINDOWS = [
  { value: '24h', label: '24 hours' },
  { value: '7d', label: '7 days' },
  { value: '30d', label: '30 days' },
] as const

interface WindowControlProps {
  readonly value: UsageWindow
  readonly onChange: (window: UsageWindow) => void
}

/** How far back to look. */
export function WindowControl({ value, onChange }: WindowControlProps) {
  return (
    <SegmentedControl
      size="xs"
      aria-label="How far back"
      value={value}
      onChange={(next) => onChange(next as UsageWindow)}
      data={[...WINDOWS]}
    />
  )
}

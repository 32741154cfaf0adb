import { SegmentedControl, useMantineColorScheme } from '@mantine/core'

const SCHEMES = [
  { value: 'auto', label: 'System' },
  { value: 'light', label: 'Light' },
  { value: 'dark', label: 'Dark' },
] as const

/** Follows the system until told otherwise; the choice, and nothing else, stays in this browser. */
export function SchemeSwitch() {
  const { colorScheme, setColorScheme } = useMantineColorScheme()
  return (
    <SegmentedControl
      size="xs"
      aria-label="Colours"
      value={colorScheme}
      onChange={(next) => setColorScheme(next as 'auto' | 'light' | 'dark')}
      data={[...SCHEMES]}
    />
  )
}

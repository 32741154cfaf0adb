import { Tabs } from '@mantine/core'
import { type ReactNode, useEffect, useRef } from 'react'
import { Icon, type IconName } from './icon.tsx'
import './scrolling-tabs.css'

export interface PartTab {
  readonly label: string
  readonly icon: IconName
  /** Stands behind the label. */
  readonly mark?: ReactNode
}

interface ScrollingTabsProps {
  /** For a screen reader. */
  readonly label: string
  /** By the value that opens each. */
  readonly parts: Readonly<Record<string, PartTab>>
  /** The open one. */
  readonly open: string
}

/** A row of tabs that scrolls on a phone, so that the page does not; the open one always shows. */
export function ScrollingTabs({ label, parts, open }: ScrollingTabsProps) {
  const list = useRef<HTMLDivElement>(null)
  // biome-ignore lint/correctness/useExhaustiveDependencies: it is the part that opens a tab
  useEffect(() => {
    const row = list.current
    const tab = row?.querySelector('[aria-selected=true]')
    if (!row || !tab) return
    // Not scrollIntoView(): where the row is below the fold, it would scroll the page too.
    const [frame, box] = [row.getBoundingClientRect(), tab.getBoundingClientRect()]
    row.scrollLeft += Math.max(0, box.right - frame.right) - Math.max(0, frame.left - box.left)
  }, [open])
  return (
    <Tabs.List aria-label={label} mb="lg" className="kh-scrolling-tabs" ref={list}>
      {Object.entries(parts).map(([value, { label: name, icon, mark }]) => (
        <Tabs.Tab key={value} value={value} leftSection={<Icon name={icon} />} rightSection={mark}>
          {name}
        </Tabs.Tab>
      ))}
    </Tabs.List>
  )
}

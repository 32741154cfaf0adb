import { Text, Timeline } from '@mantine/core'
import { useState } from 'react'
import type { Device } from '../api/directory-devices.ts'
import type { ChainEntry } from '../api/directory-users.ts'
import { LoadMore } from '../parts/load-more.tsx'
import { Time } from '../parts/time.tsx'
import { describeEntry } from './describe-entry.ts'

interface ChainTimelineProps {
  /** Oldest first. */
  readonly entries: readonly ChainEntry[]
  readonly devices: readonly Device[]
}

const COLOURS: Readonly<Partial<Record<ChainEntry['kind'], string>>> = {
  revocation: 'orange',
  objection: 'orange',
  reset: 'red',
}

const PAGE_SIZE = 50

/** What was ever recorded under the username, newest first. */
export function ChainTimeline({ entries, devices }: ChainTimelineProps) {
  const [shown, setShown] = useState(PAGE_SIZE)
  const more = {
    hasNextPage: entries.length > shown,
    isFetchingNextPage: false,
    fetchNextPage: () => setShown(shown + PAGE_SIZE),
  }
  return (
    <>
      <Timeline
        bulletSize={12}
        lineWidth={2}
        active={entries.length}
        styles={{ itemTitle: { lineHeight: 1.3, overflowWrap: 'anywhere' } }}
      >
        {entries
          .toReversed()
          .slice(0, shown)
          .map((entry) => {
            const { title, lines } = describeEntry(entry, entries, devices)
            const color = COLOURS[entry.kind]
            return (
              <Timeline.Item
                key={entry.sequence}
                title={title}
                fz="sm"
                {...(color === undefined ? {} : { color })}
              >
                <Time at={entry.acceptedAt} />
                {lines.map((line) => (
                  <div key={line} style={{ overflowWrap: 'anywhere' }}>
                    {line}
                  </div>
                ))}
                <Text size="xs" c="dimmed" mt={2}>
                  Entry {entry.sequence} of the chain, number {entry.logIndex.toLocaleString()} in the log,{' '}
                  <span className="kh-mono">{entry.hash}</span>
                </Text>
              </Timeline.Item>
            )
          })}
      </Timeline>
      <LoadMore query={more}>Show older entries</LoadMore>
    </>
  )
}

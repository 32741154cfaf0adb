import { Text, Timeline } from '@mantine/core'
import type { Device } from '../api/directory-devices.ts'
import type { ChainEntry } from '../api/directory-users.ts'
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

/** What was ever recorded under the username, newest first. */
export function ChainTimeline({ entries, devices }: ChainTimelineProps) {
  return (
    <Timeline bulletSize={12} lineWidth={2} active={entries.length}>
      {entries.toReversed().map((entry) => {
        const { title, lines } = describeEntry(entry, entries, devices)
        return (
          <Timeline.Item
            key={entry.sequence}
            title={title}
            fz="sm"
            {...(COLOURS[entry.kind] === undefined ? {} : { color: COLOURS[entry.kind] })}
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
  )
}

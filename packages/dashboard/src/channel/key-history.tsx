import { Timeline } from '@mantine/core'
import type { KeyStep } from '../api/e2e-keys.ts'
import { Actor } from '../parts/actor.tsx'
import { Time } from '../parts/time.tsx'

/** Each step of the key's life: when, by whom and why. */
export function KeyHistory({ history }: { readonly history: readonly KeyStep[] }) {
  return (
    <Timeline bulletSize={12} lineWidth={2} active={history.length}>
      {history.map((step) => (
        <Timeline.Item key={`${step.state} ${step.at}`} title={step.state} fz="sm">
          <Time at={step.at} /> by <Actor name={step.actor} />
          {step.reason !== null && <div>{step.reason}</div>}
        </Timeline.Item>
      ))}
    </Timeline>
  )
}

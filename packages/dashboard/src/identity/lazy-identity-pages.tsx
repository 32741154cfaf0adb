import { Skeleton } from '@mantine/core'
import { lazy, Suspense } from 'react'
import { useStatus } from '../api/status.ts'
import { PageHeader } from '../parts/page-header.tsx'
import { ProblemAlert } from '../parts/problem-alert.tsx'
import { useIdentityAccess } from './identity-access.ts'

const PLACE_PX = 480

/** Most servers have no identity capability, so its pages come only when one is looked at. */
const IdentityPages = lazy(async () => {
  const { IdentityPages: component } = await import('./identity-pages.tsx')
  return { default: component }
})

export function LazyIdentityPages() {
  const status = useStatus()
  const access = useIdentityAccess()
  const place = <Skeleton height={PLACE_PX} radius="md" />
  if (status.isPending) return place
  if (status.data === undefined) {
    return (
      <>
        <PageHeader title="Identity" />
        <ProblemAlert error={status.error} onRetry={() => status.refetch()} />
      </>
    )
  }
  return (
    <Suspense fallback={place}>
      <IdentityPages access={access} />
    </Suspense>
  )
}

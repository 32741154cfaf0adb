import { Alert, Text } from '@mantine/core'
import { useEffect, useState } from 'react'
import { Icon } from '../parts/icon.tsx'
import { clearProviderRefusal, readProviderRefusal } from './provider-refusal.ts'

/** Says why the sign-in through the provider led back here. Renders nothing otherwise. */
export function ProviderRefusalNotice() {
  const [refusal] = useState(() => readProviderRefusal(location.search))
  useEffect(clearProviderRefusal, [])
  if (refusal === undefined) return null
  return (
    <Alert role="alert" color="red" icon={<Icon name="alert" />} title={refusal.title}>
      <Text size="sm">{refusal.detail}</Text>
    </Alert>
  )
}

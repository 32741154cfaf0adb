import { MantineProvider } from '@mantine/core'
import { QueryClientProvider } from '@tanstack/react-query'
import { useState } from 'react'
import { Router } from 'wouter'
import { useHashLocation } from 'wouter/use-hash-location'
import { createQueryClient } from './api/query-client.ts'
import { SessionGate } from './session/session-gate.tsx'
import { contrastVariables } from './theme/contrast.ts'
import { theme } from './theme/theme.ts'

/** Everything around the pages. Routes live in the hash, so the server needs to know none of them. */
export function App() {
  const [queryClient] = useState(createQueryClient)
  return (
    <MantineProvider theme={theme} cssVariablesResolver={contrastVariables} defaultColorScheme="auto">
      <QueryClientProvider client={queryClient}>
        <Router hook={useHashLocation}>
          <SessionGate />
        </Router>
      </QueryClientProvider>
    </MantineProvider>
  )
}

import { Center, Container, Loader } from '@mantine/core'
import { useEffect, useRef } from 'react'
import { useSession } from '../api/session.ts'
import { Pages } from '../pages.tsx'
import { ProblemAlert } from '../parts/problem-alert.tsx'
import { Shell } from '../shell/shell.tsx'
import { SignInPage } from './sign-in-page.tsx'

/** The pages for whoever is signed in, the sign-in for everybody else; the address stays, for afterwards. */
export function SessionGate() {
  const session = useSession()
  const wasSignedIn = useRef(false)
  useEffect(() => {
    if (session.data) wasSignedIn.current = true
  }, [session.data])
  if (session.isPending) {
    return (
      <Center component="main" mih="100vh">
        <Loader aria-label="Loading" />
      </Center>
    )
  }
  if (session.isError) {
    return (
      <Container component="main" size="xs" pt={120}>
        <ProblemAlert error={session.error} onRetry={() => session.refetch()} />
      </Container>
    )
  }
  if (session.data === null) return <SignInPage ended={wasSignedIn.current} />
  return (
    <Shell session={session.data}>
      <Pages />
    </Shell>
  )
}

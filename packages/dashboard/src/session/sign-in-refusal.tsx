import { Alert, Text } from '@mantine/core'
import { asProblem } from '../api/problem.ts'
import type { CredentialKind } from '../api/session.ts'
import { Icon } from '../parts/icon.tsx'
import { ProblemAlert } from '../parts/problem-alert.tsx'

interface SignInRefusalProps {
  readonly error: unknown
  /** What was sent. */
  readonly way: CredentialKind
}

const TITLES = {
  code: 'Wrong code',
  token: 'Wrong token',
}

/**
 * A wrong credential is named as such, with the place of the right one; any other refusal is shown as it is.
 */
export function SignInRefusal({ error, way }: SignInRefusalProps) {
  if (error === null) return null
  const problem = asProblem(error)
  if (problem.code !== 'UNAUTHENTICATED') return <ProblemAlert error={error} />
  return (
    <Alert role="alert" color="red" icon={<Icon name="alert" />} title={TITLES[way]}>
      <Text size="sm">{problem.detail}</Text>
      <Text size="sm" mt={4}>
        {way === 'code' ? (
          'A code works once, for 15 minutes after the server was started. Start the server again for a new one, or use an API token.'
        ) : (
          <>
            Look into the file <span className="kh-mono">admin-token</span> of the data directory, or take
            what <span className="kh-mono">KEYHAVEN_ADMIN_TOKEN</span> was set to when the server was started.
          </>
        )}
      </Text>
    </Alert>
  )
}

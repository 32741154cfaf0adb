import { Alert, Button, Text } from '@mantine/core'
import { asProblem } from '../api/problem.ts'
import { Icon } from './icon.tsx'

interface ProblemAlertProps {
  readonly error: unknown
  readonly onRetry?: () => void
}

/** What went wrong, in the server's own words, and what to do about it. Renders nothing without an error. */
export function ProblemAlert({ error, onRetry }: ProblemAlertProps) {
  if (error === null || error === undefined) return null
  const problem = asProblem(error)
  return (
    <Alert role="alert" color="red" icon={<Icon name="alert" />} title={problem.message}>
      {problem.detail !== undefined && <Text size="sm">{problem.detail}</Text>}
      {problem.fields.map(({ path, message }) => (
        <Text size="sm" key={path}>
          {path}: {message}
        </Text>
      ))}
      <Text size="sm" c="dimmed" mt={problem.detail === undefined ? 0 : 4}>
        Code <span className="kh-mono">{problem.code}</span>
      </Text>
      {onRetry !== undefined && (
        <Button size="compact-sm" variant="default" mt="sm" onClick={onRetry}>
          Try again
        </Button>
      )}
    </Alert>
  )
}

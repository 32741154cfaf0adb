import { MutationCache, QueryCache, QueryClient } from '@tanstack/react-query'
import { ApiProblem } from './problem.ts'
import { endSession } from './session.ts'

/** Data is fresh for this long; then it is fetched again when the page is looked at. */
const STALE_MS = 10_000

/** The cache of this page. Any 401 ends the session, wherever it came from, and so shows the sign-in page. */
export function createQueryClient(): QueryClient {
  const onError = (error: unknown): void => {
    if (error instanceof ApiProblem && error.status === 401) endSession(client)
  }
  const client = new QueryClient({
    queryCache: new QueryCache({ onError }),
    mutationCache: new MutationCache({ onError }),
    defaultOptions: {
      queries: {
        staleTime: STALE_MS,
        // A refusal does not change by asking again; only an unreachable or failing server may.
        retry: (count, error) =>
          count < 2 && error instanceof ApiProblem && (error.status === 0 || error.status >= 500),
      },
      mutations: { retry: false },
    },
  })
  return client
}

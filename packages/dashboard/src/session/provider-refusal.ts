/** Why a sign-in through the provider came back without a session, and what to do about it. */
export interface ProviderRefusal {
  readonly title: string
  readonly detail: string
}

/** Where the server puts the code of the error when it sends the browser back. */
const PARAMETER = 'signInError'

const REFUSALS: Readonly<Record<string, ProviderRefusal>> = {
  ACCESS_DENIED: {
    title: 'You have no role here',
    detail:
      'The provider knows you, but gives you no role of Keyhaven. Ask whoever manages your account there.',
  },
  UNAUTHENTICATED: {
    title: 'The provider did not confirm the sign-in',
    detail: 'It was refused or took too long. Start again.',
  },
  UPSTREAM_FAILED: {
    title: 'The sign-in provider does not answer',
    detail: 'Try again in a moment, or sign in with a token.',
  },
}

const ANY_OTHER: ProviderRefusal = {
  title: 'The sign-in failed',
  detail: 'The server’s log says why. Until then, sign in with a token.',
}

/**
 * Reads the refusal out of an address, such as `?signInError=ACCESS_DENIED`. Text from outside is never
 * shown.
 */
export function readProviderRefusal(search: string): ProviderRefusal | undefined {
  const code = new URLSearchParams(search).get(PARAMETER)
  if (code === null) return undefined
  return Object.hasOwn(REFUSALS, code) ? REFUSALS[code] : ANY_OTHER
}

/** Takes the refusal out of the address, so that a reload or a bookmark does not repeat it. */
export function clearProviderRefusal(): void {
  if (location.search !== '') history.replaceState(history.state, '', location.pathname + location.hash)
}

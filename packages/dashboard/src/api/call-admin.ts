import { ApiProblem, readProblem } from './problem.ts'

/**
 * A call that changes something must carry this header, which no foreign page can set without a preflight.
 */
const DASHBOARD_HEADER = { 'x-keyhaven-dashboard': '1' } as const

export type Query = Readonly<Record<string, string | number | undefined>>

/**
 * Calls the admin API with the session cookie. The page itself never holds a token.
 *
 * @param path - below `/admin/v1`, with a leading slash.
 * @throws ApiProblem on every answer but 2xx, and with status 0 when the server cannot be reached.
 */
export async function callAdmin<T>(method: string, path: string, body?: unknown, query?: Query): Promise<T> {
  const url = new URL(`admin/v1${path}`, document.baseURI)
  // The route lives in the hash of the page's address, which is no part of a request.
  url.hash = ''
  for (const [name, value] of Object.entries(query ?? {})) {
    if (value !== undefined && value !== '') url.searchParams.set(name, String(value))
  }
  const response = await send(url, {
    method,
    credentials: 'same-origin',
    headers: {
      accept: 'application/json',
      ...(method === 'GET' ? {} : DASHBOARD_HEADER),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
  if (!response.ok) throw await readProblem(response)
  return (response.status === 204 ? undefined : await response.json()) as T
}

/** One segment of a path. Ids are plain already; this keeps a surprising one from reaching another route. */
export function segment(id: string): string {
  return encodeURIComponent(id)
}

async function send(url: URL, init: RequestInit): Promise<Response> {
  try {
    return await fetch(url, init)
  } catch {
    throw new ApiProblem(
      0,
      'UNREACHABLE',
      'The server cannot be reached',
      'Check that the key server runs and that this computer can reach it, then try again.',
    )
  }
}

export interface FieldProblem {
  readonly path: string
  readonly message: string
}

/** A refusal of the admin API (RFC 9457), or a failure to reach it, fit to be shown to a person. */
export class ApiProblem extends Error {
  /** HTTP status; 0 if no answer came. */
  readonly status: number
  /** Keyhaven's stable error code, such as `CONFLICT`. */
  readonly code: string
  /** What the person can do about it, if the server knows. */
  readonly detail: string | undefined
  /** Which field is wrong and why, when the server says so. */
  readonly fields: readonly FieldProblem[]

  constructor(
    status: number,
    code: string,
    title: string,
    detail?: string,
    fields: readonly FieldProblem[] = [],
  ) {
    super(title)
    this.name = 'ApiProblem'
    this.status = status
    this.code = code
    this.detail = detail
    this.fields = fields
  }
}

/** Reads an answer that is not 2xx; a body that is no problem document still gives a readable problem. */
export async function readProblem(response: Response): Promise<ApiProblem> {
  const fallback = `The server answered ${response.status}`
  try {
    const body: unknown = await response.json()
    if (typeof body !== 'object' || body === null) return new ApiProblem(response.status, 'UNKNOWN', fallback)
    const { code, title, detail, errors } = body as Record<string, unknown>
    return new ApiProblem(
      response.status,
      typeof code === 'string' ? code : 'UNKNOWN',
      typeof title === 'string' ? title : fallback,
      typeof detail === 'string' ? detail : undefined,
      Array.isArray(errors) ? (errors as FieldProblem[]) : [],
    )
  } catch {
    return new ApiProblem(response.status, 'UNKNOWN', fallback)
  }
}

/** Any thrown value as a problem that can be shown. */
export function asProblem(error: unknown): ApiProblem {
  if (error instanceof ApiProblem) return error
  return new ApiProblem(0, 'UNKNOWN', 'Something went wrong in this page', 'Reload the page and try again.')
}

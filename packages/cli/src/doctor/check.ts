/** What one check of `keyhaven doctor` found. */
export interface Check {
  readonly name: string
  readonly status: 'ok' | 'warning' | 'failed' | 'skipped'
  readonly detail: string
  /** What to do about a warning or a failure. */
  readonly advice?: string
}

export function ok(name: string, detail: string): Check {
  return { name, status: 'ok', detail }
}

export function skipped(name: string, detail: string): Check {
  return { name, status: 'skipped', detail }
}

export function warning(name: string, detail: string, advice: string): Check {
  return { name, status: 'warning', detail, advice }
}

export function failed(name: string, detail: string, advice: string): Check {
  return { name, status: 'failed', detail, advice }
}

/** A failed check of an error, with the error's own advice if it has one. */
export function failedBy(name: string, error: unknown, advice: string): Check {
  if (!(error instanceof Error)) return failed(name, String(error), advice)
  const own = 'advice' in error && typeof error.advice === 'string' ? error.advice : advice
  return failed(name, error.message, own)
}

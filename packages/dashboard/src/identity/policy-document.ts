export type PolicyDocument = Readonly<Record<string, unknown>>

/** What a person pasted, as an object; or what to do about it. */
export function readDocument(text: string): { document: PolicyDocument } | { fault: string } {
  if (text.trim() === '') return { fault: 'Choose a file, or paste the JSON' }
  try {
    const document: unknown = JSON.parse(text)
    if (typeof document === 'object' && document !== null && !Array.isArray(document)) {
      return { document: document as PolicyDocument }
    }
    return { fault: 'A policy is an object: it begins with { and ends with }' }
  } catch (error) {
    return { fault: `This is no JSON. ${(error as Error).message}` }
  }
}

/** JSON text for people to read. */
export function prettyJson(text: string): string {
  return JSON.stringify(JSON.parse(text), null, 2)
}

/** Ids are part of every address and associated datum, so they are plain. */
const APPLICATION_ID = /^[a-z0-9][a-z0-9-]{0,62}$/
const APPLICATION_ID_MAX = 63

export const APPLICATION_ID_RULE =
  'Small letters, digits and hyphens, at most 63, starting with a letter or a digit'

export function isApplicationId(text: string): boolean {
  return APPLICATION_ID.test(text)
}

/** A proposal for the id, from the name. */
export function idFromName(name: string): string {
  return name
    .normalize('NFKD')
    .replace(/\p{M}/gu, '')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+|-+$/g, '')
    .slice(0, APPLICATION_ID_MAX)
}

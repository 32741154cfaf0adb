import { doubleMetaphone } from 'double-metaphone'

/**
 * Languages (ISO 639-2) in Latin letters whose names Double Metaphone was made for: it gives two codes, one as
 * an English speaker reads a name and one after its Germanic, Romance, Slavic or Greek origin.
 */
export const PHONETIC_LANGUAGES: ReadonlySet<string> = new Set([
  ...[
    'eng',
    'fra',
    'spa',
    'por',
    'ita',
    'deu',
    'nld',
    'pol',
    'ron',
    'ces',
    'hrv',
    'swe',
    'nor',
    'dan',
    'fin',
  ],
  ...['fil', 'tgl', 'msa', 'ind', 'swa', 'hau', 'yor', 'tur', 'vie'],
])

const MARKS = /\p{M}/gu
const LETTERS = /^[a-z]+$/

/** Whether two words of one language sound alike. */
export function soundAlike(one: string, other: string): boolean {
  const [a, b] = [codesOf(one), codesOf(other)]
  return a.some((code) => b.includes(code))
}

/** @returns none for a word that is not in Latin letters. */
function codesOf(word: string): string[] {
  const plain = word.normalize('NFD').replace(MARKS, '').toLowerCase()
  if (!LETTERS.test(plain)) return []
  return doubleMetaphone(plain).filter((code) => code !== '')
}

import { PHONETIC_LANGUAGES, soundAlike } from './phonetic.ts'

export const MATCHING_STRATEGIES = ['exact', 'partial', 'phonetic'] as const
export type MatchingStrategy = (typeof MATCHING_STRATEGIES)[number]

/** How texts of an attribute are compared. */
export interface MatchingRule {
  readonly strategy: MatchingStrategy
  /** 1 to 100: the score from which on it is a match. */
  readonly threshold: number
}

/** By attribute of the ID schema, or `ATTRIBUTE.LANGUAGE`. Without a rule, `exact`. */
export type MatchingRules = Readonly<Record<string, MatchingRule>>

const EXACT: MatchingRule = { strategy: 'exact', threshold: 100 }
const WHOLE = 100

/** The rule for a text; that of the language before that of the attribute. */
export function ruleFor(rules: MatchingRules, attribute: string, language: string | undefined): MatchingRule {
  const own = (name: string) => (Object.hasOwn(rules, name) ? rules[name] : undefined)
  return (language === undefined ? undefined : own(`${attribute}.${language}`)) ?? own(attribute) ?? EXACT
}

/**
 * Whether a claimed text is that on record. Letters are compared without regard to case and to how Unicode
 * writes them; phonetic matching of a language that it is not made for is partial matching.
 */
export function textMatches(
  rule: MatchingRule,
  claimed: string,
  recorded: string,
  language: string | undefined,
): boolean {
  const [claim, record] = [normalized(claimed), normalized(recorded)]
  if (claim === '' || record === '') return false
  if (rule.strategy === 'exact') return claim === record
  const phonetic = rule.strategy === 'phonetic' && language !== undefined && PHONETIC_LANGUAGES.has(language)
  const alike = phonetic
    ? (one: string, other: string) => one === other || soundAlike(one, other)
    : (one: string, other: string) => one === other
  return wordScore(claim.split(' '), record.split(' '), alike) >= rule.threshold
}

function normalized(text: string): string {
  return text
    .normalize('NFKC')
    .toLowerCase()
    .replace(/[\p{P}\p{Z}\s]+/gu, ' ')
    .trim()
}

/**
 * Share of the words on record that were claimed, of a hundred; each claimed word that is not on record counts
 * against it, as in MOSIP's partial match. Each word counts once.
 */
function wordScore(
  claimed: readonly string[],
  recorded: readonly string[],
  alike: (one: string, other: string) => boolean,
): number {
  const left = [...recorded]
  let matched = 0
  for (const word of claimed) {
    const at = left.findIndex((other) => alike(word, other))
    if (at < 0) continue
    left.splice(at, 1)
    matched++
  }
  return (matched * WHOLE) / (recorded.length + claimed.length - matched)
}

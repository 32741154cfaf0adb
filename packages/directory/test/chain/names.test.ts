import { describe, expect, test } from 'vitest'
import { isDeviceName } from '../../src/chain/names.ts'
import { checkUsername, isUsername } from '../../src/index.ts'

const REFUSED: readonly (readonly [string, string])[] = [
  ['nothing', ''],
  ['a space at its start', ' anna'],
  ['a space at its end', 'anna '],
  ['a line feed', 'an\nna'],
  ['a null', 'an\0na'],
  ['what turns the direction round', 'anna\u202e'],
  ['a line separator', 'an\u2028na'],
  ['an accent that is not composed', 'Ame\u0301lie'],
  ['half of a surrogate pair', 'anna\ud83d'],
  ['129 characters', 'a'.repeat(129)],
]

describe('a username', () => {
  test.each(REFUSED)('is not %s', (_, text) => {
    expect(isUsername(text)).toBe(false)
    expect(isDeviceName(text)).toBe(false)
    expect(() => checkUsername(text)).toThrow(expect.objectContaining({ code: 'INPUT_INVALID' }))
  })

  test.each(['anna', 'Anna', 'Amélie', 'анна', '안나', 'anna@example.org', 'a/b?c#d%2e', '...', '.anna'])(
    'may be %s',
    (text) => {
      expect(isUsername(text)).toBe(true)
      expect(() => checkUsername(text)).not.toThrow()
    },
  )

  test.each([
    ['a zero width space', 'an\u200bna'],
    ['a soft hyphen', 'an\u00adna'],
    ['a word joiner', 'anna\u2060'],
    ['a filler', 'anna\u3164'],
    ['a tag', 'anna\u{e0061}'],
    ['a joiner that joins nothing', 'an\u200dna'],
    ['a joiner at its end', '👩\u200d'],
    ['two joiners', '👩\u200d\u200d💻'],
    ['a joiner at its start', '\u200canna'],
    ['a joiner after a digit', 'anna1\u200c'],
    ['a variation selector after a letter', 'анна\ufe0f'],
  ])('has no %s: it would look like another', (_, text) => {
    expect(isUsername(text)).toBe(false)
  })

  test.each([
    ['Persian', 'نمی\u200cدانم'],
    ['Sinhala', 'ශ්\u200dරී'],
    ['emoji', '👩\u200d💻'],
    ['a heart', '❤\ufe0f'],
  ])('may have joiners where they are seen: %s', (_, text) => {
    expect(isUsername(text)).toBe(true)
  })

  test('has up to 128 characters, not bytes', () => {
    expect(isUsername('😀'.repeat(128))).toBe(true)
    expect(isUsername('😀'.repeat(129))).toBe(false)
  })

  test.each(['.', '..'])('is not %s, which no URL can address', (text) => {
    const path = `https://example.org/users/${encodeURIComponent(text)}/reset`
    expect(new URL(path).pathname).not.toContain(`/users/${text}/`)
    expect(isUsername(text)).toBe(false)
    expect(() => checkUsername(text)).toThrow(expect.objectContaining({ code: 'INPUT_INVALID' }))
    // A device's name is in no path.
    expect(isDeviceName(text)).toBe(true)
  })
})

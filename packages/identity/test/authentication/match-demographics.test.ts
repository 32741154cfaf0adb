import { describe, expect, test } from 'vitest'
import { matchDemographics } from '../../src/service/authentication/match-demographics.ts'
import { type MatchingRule, textMatches } from '../../src/service/authentication/text-match.ts'

const NOW = Date.UTC(2026, 4, 10)
const exact: MatchingRule = { strategy: 'exact', threshold: 100 }
const partial = (threshold: number): MatchingRule => ({ strategy: 'partial', threshold })
const phonetic = (threshold: number): MatchingRule => ({ strategy: 'phonetic', threshold })

describe('texts', () => {
  test.each<[MatchingRule, string, string, string, boolean]>([
    [exact, 'Testina Sampleby', 'testina  sampleby', 'eng', true],
    [exact, 'Modèle', 'Mode\u0300le', 'fra', true],
    [exact, 'Modele', 'Modèle', 'fra', false],
    [exact, 'Sampleby Testina', 'Testina Sampleby', 'eng', false],
    [exact, '', '', 'eng', false],
    [exact, '،', '.', 'ara', false],
    [partial(100), 'Sampleby Testina', 'Testina Sampleby', 'eng', true],
    [partial(50), 'Testina', 'Testina Sampleby', 'eng', true],
    [partial(51), 'Testina', 'Testina Sampleby', 'eng', false],
    [partial(50), 'Testina Sampleby Other Words', 'Testina Sampleby', 'eng', true],
    [partial(60), 'Testina Testina Testina', 'Testina Sampleby', 'eng', false],
    [partial(100), 'مثال التجريبي', 'التجريبي مثال', 'ara', true],
    [phonetic(100), 'Smyth', 'Schmidt', 'eng', true],
    [phonetic(100), 'Smyth', 'Jones', 'eng', false],
    [phonetic(50), 'Catherine Mockford', 'Kathryn Testwick', 'eng', false],
    [phonetic(100), 'Catherine Mockford', 'Kathryn Mokford', 'eng', true],
    [phonetic(100), 'نموذجة', 'نموذج', 'ara', false],
    [phonetic(100), 'नमूना', 'नमूना', 'hin', true],
  ])('%j: "%s" is "%s" in %s: %s', (rule, claimed, recorded, language, expected) => {
    expect(textMatches(rule, claimed, recorded, language)).toBe(expected)
  })
})

describe('demographics', () => {
  const recorded = new Map([
    [
      'fullName',
      JSON.stringify([
        { language: 'eng', value: 'Testina' },
        { language: 'fra', value: 'Testine' },
      ]),
    ],
    ['dateOfBirth', '1990/05/11'],
    ['phone', '5550100'],
    ['addressLine1', JSON.stringify([{ language: 'eng', value: '1 Test Row' }])],
    ['city', JSON.stringify([{ language: 'eng', value: 'Testbury' }])],
    ['postalCode', '12345'],
  ])
  const wrongOf = (claims: Record<string, unknown>, rules = {}) =>
    matchDemographics(claims as never, recorded, rules, NOW).map(({ errorMessage }) => errorMessage)

  test.each<[Record<string, unknown>, string[]]>([
    [{ name: [{ language: 'fra', value: 'testine' }] }, []],
    [{ name: [{ language: 'eng', value: 'testine' }] }, ['Demographic data name in eng did not match']],
    [{ name: [{ language: 'ara', value: 'testina' }] }, ['Demographic data name in ara did not match']],
    [{ fullName: [{ language: 'eng', value: 'Testina' }] }, []],
    [{ dob: '1990-05-11' }, []],
    [{ dob: '1990/11/05' }, ['Demographic data dob did not match']],
    [{ age: '35' }, []],
    [{ age: '36' }, ['Demographic data age did not match']],
    [{ phoneNumber: '5550100' }, []],
    [{ emailId: 'a@b' }, ['Demographic data emailId did not match']],
    [{ fullAddress: [{ language: 'eng', value: '1 Test Row, Testbury, 12345' }] }, []],
    [{ constructor: 'x' }, ['Demographic data constructor did not match']],
  ])('%j gives %j', (claims, wrong) => {
    expect(wrongOf(claims)).toEqual(wrong)
  })

  test('the rule of a language comes before that of the attribute', () => {
    const rules = { fullName: exact, 'fullName.eng': phonetic(100) }
    expect(wrongOf({ name: [{ language: 'eng', value: 'Testeena' }] }, rules)).toEqual([])
    expect(wrongOf({ name: [{ language: 'fra', value: 'Testeene' }] }, rules)).toHaveLength(1)
  })

  test('of somebody unknown nothing matches', () => {
    const claims = { dob: '1990/05/11', age: '35', name: [{ language: 'eng', value: 'Testina' }] }
    expect(matchDemographics(claims, new Map(), {}, NOW)).toHaveLength(3)
  })
})

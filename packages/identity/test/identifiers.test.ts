import { backend } from '@keyhaven/crypto'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  drawUin,
  drawVid,
  hasVerhoeffDigit,
  isUin,
  isVid,
  keepsRules,
  UIN_RULES,
  verhoeffDigit,
} from '../src/index.ts'
import { UIN_CANDIDATES } from '../src/service/index.ts'

const digits = fc.stringMatching(/^\d{1,30}$/)

describe('Verhoeff check digit', () => {
  // Published examples: 236 and 12345 on Wikipedia's page of the algorithm, 142857 on Rosetta Code's.
  test.each([
    ['236', '3'],
    ['12345', '1'],
    ['142857', '0'],
    ['123456789012', '0'],
  ])('%s has %s', (text, digit) => {
    expect(verhoeffDigit(text)).toBe(digit)
    expect(hasVerhoeffDigit(text + digit)).toBe(true)
  })

  test('finds every wrong digit and every swap of neighbours', () => {
    fc.assert(
      fc.property(digits, fc.nat(), fc.integer({ min: 1, max: 9 }), (text, where, by) => {
        const whole = text + verhoeffDigit(text)
        const at = where % whole.length
        const wrong = String((Number(whole[at]) + by) % 10)
        expect(hasVerhoeffDigit(whole.slice(0, at) + wrong + whole.slice(at + 1))).toBe(false)
        const next = whole[at + 1]
        if (next === undefined || next === whole[at]) return
        expect(hasVerhoeffDigit(whole.slice(0, at) + next + whole[at] + whole.slice(at + 2))).toBe(false)
      }),
    )
  })

  test.each(['', '5', '12a4', '１２３'])('%o has none', (text) => {
    expect(hasVerhoeffDigit(text)).toBe(false)
  })
})

/** Breaks one rule, and has a right check digit. */
const whole = (text: string) => text + verhoeffDigit(text)

describe('numbers that are never given', () => {
  test.each([
    ['begins with 0', '052749183'],
    ['begins with 1', '152749183'],
    ['counts up', '523495718'],
    ['counts down', '594327518'],
    ['counts over the end', '589015274'],
    ['a digit at once again', '522749183'],
    ['a digit again after one', '525749183'],
    ['a block again', '527492752'],
    ['three even digits together', '526481739'],
    ['a restricted number, 786', '527863914'],
    ['too long', '5274918361'],
    ['too short', '52749183'],
  ])('%s', (_, text) => {
    expect(isUin(whole(text))).toBe(false)
  })

  test('a cyclic number, whose even digits alone would not do', () => {
    const { adjacentEvenLimit: _, ...rules } = UIN_RULES
    expect(keepsRules(whole('914285736'), rules)).toBe(false)
    expect(keepsRules(whole('914285736'), { ...rules, cyclic: [] })).toBe(true)
  })

  test('halves that are the same, also backwards', () => {
    const rules = { ...UIN_RULES, repeatingLimit: 0, repeatingBlockLimit: 9, sequenceLimit: 9 }
    const halves = (last: string) => {
      for (let first = 20_000; first < 99_999; first++) {
        const half = String(first)
        const id = half + (last === 'same' ? half : [...half].reverse().join(''))
        if (hasVerhoeffDigit(id) && !/786|666|[2468]{3}|142857/.test(id)) return id
      }
      throw new Error('none')
    }
    for (const last of ['same', 'backwards']) {
      const id = halves(last)
      expect(keepsRules(id, rules)).toBe(false)
      const { halvesLimit: _, ...without } = rules
      expect(keepsRules(id, without)).toBe(true)
    }
  })

  test('with a wrong check digit', () => {
    expect(isUin(whole('527491863'))).toBe(true)
    const uin = drawUin(backend)
    const wrong = String((Number(uin[9]) + 1) % 10)
    expect(isUin(uin)).toBe(true)
    expect(isUin(uin.slice(0, 9) + wrong)).toBe(false)
  })
})

test('what is drawn keeps the rules, as MOSIP writes them as patterns', () => {
  const seen = new Set<string>()
  for (let n = 0; n < 2_000; n++) {
    const uin = drawUin(backend)
    seen.add(uin)
    expect(uin).toMatch(/^[2-9]\d{9}$/)
    expect(uin).not.toMatch(/(\d)\d{0,1}\1/)
    expect(uin).not.toMatch(/(\d{2,}).*?\1/)
    expect(uin).not.toMatch(/[2468]{3}|786|666|142857/)
    expect(uin).not.toMatch(/012|123|234|345|456|567|678|789|890|901|987|876|765|654|543|432|321|210|109|098/)
    expect(hasVerhoeffDigit(uin)).toBe(true)
  }
  expect(seen.size).toBe(2_000)
  for (let n = 0; n < 200; n++) {
    const vid = drawVid(backend)
    expect(vid).toMatch(/^[2-9]\d{15}$/)
    expect(vid).not.toMatch(/(\d)\d{0,1}\1|(\d{2,}).*?\2/)
    expect(isVid(vid)).toBe(true)
    expect(isUin(vid)).toBe(false)
  }
})

test('a thief who guesses UINs has as many to try as is said', () => {
  const samples = 200_000
  let kept = 0
  // Evenly over all numbers of nine digits from 200,000,000: the step has no factor in common with their number.
  for (let sample = 0, offset = 0; sample < samples; sample++) {
    const nine = String(200_000_000 + offset)
    if (keepsRules(nine + verhoeffDigit(nine), UIN_RULES)) kept++
    offset = (offset + 494_427_191) % 800_000_000
  }
  const estimated = (kept / samples) * 800_000_000
  expect(Math.abs(estimated / UIN_CANDIDATES - 1)).toBeLessThan(0.03)
})

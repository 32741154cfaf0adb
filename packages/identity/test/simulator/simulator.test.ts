import { inflateSync } from 'node:zlib'
import { expect, test } from 'vitest'
import {
  BODY_PARTS,
  type BodyPart,
  SIMULATED_LANGUAGES,
  simulatedBiometric,
  simulatedBir,
  simulatedDocument,
  simulatedMatcher,
  simulatedPerson,
} from '../../src/simulator/index.ts'
import { pngChunk } from '../../src/simulator/png.ts'
import { NOW } from '../kit/registration.ts'

const FINGER: BodyPart = { type: 'Finger', subtype: 'Left Thumb' }
const EYE: BodyPart = { type: 'Iris', subtype: 'Right' }
const FACE: BodyPart = { type: 'Face', subtype: '' }
const bir = (person: string, part: BodyPart, capture: string) => simulatedBir(person, part, capture, NOW)

test('a seed makes one person, numbered seeds go through all languages', () => {
  expect(simulatedPerson('x')).toEqual(simulatedPerson('x'))
  const people = Array.from({ length: 25 }, (_, number) => simulatedPerson(`person-${number}`))
  expect(new Set(people.map(({ language }) => language))).toEqual(
    new Set(SIMULATED_LANGUAGES.map(({ code }) => code)),
  )
  expect(new Set(people.map(({ fields }) => fields.email)).size).toBe(25)
  for (const { fields, language } of people) {
    expect(fields.fullName.map((text) => text.language)).toEqual(
      language === 'eng' ? ['eng'] : [language, 'eng'],
    )
    expect(fields.dateOfBirth).toMatch(/^(19|20)\d\d\/\d\d\/\d\d$/)
    expect(fields.email).toMatch(/@example\.org$/)
  }
})

test('a face is a PNG image of some tens of kilobytes', () => {
  const image = simulatedBiometric('p1', FACE, 'a')
  expect(image.length).toBeGreaterThan(20_000)
  expect(image.length).toBeLessThan(100_000)
  const header = Buffer.from(pngChunk(image, 'IHDR')!)
  expect([header.readUInt32BE(0), header.readUInt32BE(4)]).toEqual([240, 320])
  expect(inflateSync(pngChunk(image, 'IDAT')!).length).toBe((240 * 3 + 1) * 320)
  expect(pngChunk(image.slice(1), 'IDAT')).toBeUndefined()
  expect(pngChunk(image.slice(0, -20_000), 'IEND')).toBeUndefined()
})

test('captures of one part differ and match, those of two people never match', async () => {
  for (const part of [FINGER, EYE, FACE]) {
    const [one, again, stranger] = [bir('p1', part, 'a'), bir('p1', part, 'b'), bir('p2', part, 'a')]
    expect(one.bdb).not.toEqual(again.bdb)
    expect(await simulatedMatcher.match([again], [one], [part.type])).toMatchObject({ match: true })
    const wrong = await simulatedMatcher.match([stranger], [one], [part.type])
    expect(wrong.match).toBe(false)
    expect(wrong.score).toBeLessThan(10)
  }
})

test('two hundred strangers: none matches, and each matches himself', async () => {
  const people = Array.from({ length: 200 }, (_, number) => `stranger ${number}`)
  const gallery = people.map((person) => bir(person, FINGER, 'enrolled'))
  for (const [number, person] of people.entries()) {
    const probe = [bir(person, FINGER, 'later')]
    const others = gallery.filter((_, index) => index !== number)
    expect((await simulatedMatcher.match(probe, [gallery[number]!], ['Finger'])).match).toBe(true)
    expect((await simulatedMatcher.match(probe, others, ['Finger'])).match).toBe(false)
  }
})

test('every kind that is asked for must match, and each finger that is shown', async () => {
  const gallery = [bir('p1', FINGER, 'a'), bir('p1', EYE, 'a')]
  const match = async (probe: ReturnType<typeof bir>[], ...kinds: ('Finger' | 'Iris' | 'Face')[]) =>
    (await simulatedMatcher.match(probe, gallery, kinds)).match
  expect(await match([bir('p1', FINGER, 'b'), bir('p1', EYE, 'b')], 'Finger', 'Iris')).toBe(true)
  expect(await match([bir('p1', FINGER, 'b'), bir('p2', EYE, 'b')], 'Finger', 'Iris')).toBe(false)
  expect(await match([bir('p1', FINGER, 'b')], 'Finger', 'Iris')).toBe(false)
  expect(await match([bir('p1', FINGER, 'b'), bir('p2', FINGER, 'b')], 'Finger')).toBe(false)
  expect(await match([bir('p1', FACE, 'b')], 'Face')).toBe(false)
  expect(await match([bir('p1', { type: 'Finger', subtype: 'Right Thumb' }, 'b')], 'Finger')).toBe(false)
  const unknown = { ...bir('p1', FINGER, 'b'), subtypes: ['UNKNOWN'] }
  expect(await match([unknown], 'Finger')).toBe(true)
  await expect(simulatedMatcher.match([], gallery, [])).rejects.toThrow(TypeError)
})

test('a real biometric never matches, not even itself, and the matcher is called simulated', async () => {
  const real = { ...bir('p1', FINGER, 'a'), bdb: Uint8Array.from({ length: 2_000 }, (_, at) => at) }
  expect((await simulatedMatcher.match([real], [real], ['Finger'])).match).toBe(false)
  await expect(simulatedMatcher.extract([real], 'template')).rejects.toThrow(TypeError)
  expect(simulatedMatcher.name).toMatch(/simulated/)
  const [template] = await simulatedMatcher.extract([bir('p1', FACE, 'a')], 'template')
  expect(template!.bdb.length).toBeLessThan(1_000)
  expect((await simulatedMatcher.match([bir('p1', FACE, 'b')], [template!], ['Face'])).match).toBe(true)
})

test('there are thirteen parts of a body, and a document says that it is none', () => {
  expect(BODY_PARTS.length).toBe(13)
  const { bytes } = simulatedDocument('p1', 'DOC001')
  expect(Buffer.from(bytes).toString()).toMatch(
    /^%PDF-1\.4[\s\S]*Simulated document DOC001: not a document[\s\S]*%%EOF\n$/,
  )
})

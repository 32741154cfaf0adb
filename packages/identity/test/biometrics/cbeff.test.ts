import { fromUtf8, utf8 } from '@keyhaven/crypto'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type Bir, encodeCbeff, parseCbeff } from '../../src/index.ts'
import { simulatedRecord } from '../../src/simulator/index.ts'
import { NOW } from '../kit/registration.ts'

/** As MOSIP's documentation prints it (CBEFF XML), shortened to two records. */
const PUBLISHED = `<?xml version="1.0" encoding="UTF-8"?>
<BIR xmlns="http://standards.iso.org/iso-iec/19785/-3/ed-2/">
   <BIRInfo>
      <Integrity>false</Integrity>
   </BIRInfo>
   <!-- right index finger -->
   <BIR>
      <Version><Major>1</Major><Minor>1</Minor></Version>
      <CBEFFVersion><Major>1</Major><Minor>1</Minor></CBEFFVersion>
      <BIRInfo><Integrity>false</Integrity></BIRInfo>
      <BDBInfo>
         <Format><Organization>Mosip</Organization><Type>7</Type></Format>
         <CreationDate>2019-06-27T13:40:06.209Z</CreationDate>
         <Type>Finger</Type>
         <Subtype>Right IndexFinger</Subtype>
         <Level>Raw</Level>
         <Purpose>Enroll</Purpose>
         <Quality>
            <Algorithm><Organization>HMAC</Organization><Type>SHA-256</Type></Algorithm>
            <Score>100</Score>
         </Quality>
      </BDBInfo>
      <BDB>RklSAD_-</BDB>
      <SB>ZXlKNA==</SB>
      <others>
         <entry key="EXCEPTION">false</entry>
         <entry key="PAYLOAD">{"bioValue":"&lt;bioValue&gt;"}</entry>
      </others>
   </BIR>
   <BIR>
      <BDBInfo>
         <Format><Organization>Mosip</Organization><Type>8</Type></Format>
         <CreationDate>2019-06-27T13:40:06.211</CreationDate>
         <Type>Face</Type>
         <Level>Raw</Level>
         <Purpose>Enroll</Purpose>
         <Quality><Score>90</Score></Quality>
      </BDBInfo>
      <BDB>RklSAD/+</BDB>
   </BIR>
   <Others><Key>CONFIGURED</Key><Value>face, rightIndex</Value></Others>
</BIR>
`

test('the file that MOSIP publishes is read, in both spellings of base64', () => {
  const { birs, others } = parseCbeff(utf8(PUBLISHED))
  expect(others).toEqual({ CONFIGURED: 'face, rightIndex' })
  expect(birs).toMatchObject([
    {
      type: 'Finger',
      subtypes: ['Right', 'IndexFinger'],
      quality: 100,
      createdOn: '2019-06-27T13:40:06.209Z',
    },
    { type: 'Face', subtypes: [], quality: 90, createdOn: '2019-06-27T13:40:06.211Z' },
  ])
  expect(birs[0]!.bdb).toEqual(birs[1]!.bdb)
  expect(fromUtf8(birs[0]!.sb!)).toBe('eyJ4')
  expect(birs[0]!.others).toEqual({ EXCEPTION: 'false', PAYLOAD: '{"bioValue":"<bioValue>"}' })
})

test('a person of ten fingers, two eyes and a face comes back as written', () => {
  const record = simulatedRecord('p1', 'a', NOW)
  expect(parseCbeff(encodeCbeff(record))).toEqual(record)
})

test('any text in the entries comes back, or cannot be written', () => {
  const published = parseCbeff(utf8(PUBLISHED)).birs[0]!
  fc.assert(
    fc.property(
      fc.string({ unit: 'binary', maxLength: 40 }),
      fc.uint8Array({ minLength: 1, maxLength: 80 }),
      (text, bdb) => {
        const bir: Bir = { ...published, bdb, others: { PAYLOAD: text } }
        let file: Uint8Array
        try {
          file = encodeCbeff({ birs: [bir] })
        } catch (error) {
          expect(error).toBeInstanceOf(TypeError)
          return
        }
        expect(parseCbeff(file).birs[0]).toEqual({ ...bir, others: { PAYLOAD: text } })
      },
    ),
  )
})

describe('is refused', () => {
  const changed = (from: string | RegExp, to: string) => {
    const text = PUBLISHED.replace(from, to)
    expect(text).not.toBe(PUBLISHED)
    return () => parseCbeff(utf8(text))
  }
  test.each([
    ['an entity', '<BIR xmlns', '<!DOCTYPE BIR [<!ENTITY a "b">]><BIR xmlns'],
    ['a processing instruction', '<BIR xmlns', '<?run it?><BIR xmlns'],
    ['another encoding', 'UTF-8', 'ISO-8859-1'],
    ['another name space', '/ed-2/', '/ed-3/'],
    ['an unknown element', '<Level>Raw</Level>', '<Level>Raw</Level><Script>x</Script>'],
    ['an attribute', '<Level>', '<Level unit="x">'],
    ['an element twice', '<Type>Finger</Type>', '<Type>Finger</Type><Type>Face</Type>'],
    ['an unknown type', '<Type>Finger</Type>', '<Type>Voice</Type>'],
    ['an unknown finger', 'Right IndexFinger', 'Middle IndexFinger'],
    ['a quality over 100', '<Score>100</Score>', '<Score>101</Score>'],
    ['a quality that is none', '<Score>100</Score>', '<Score>-1</Score>'],
    ['a date that is none', '2019-06-27T13:40:06.209Z', 'yesterday'],
    ['a data block that is not base64', 'RklSAD_-', 'RklS*D_-'],
    ['no data block', '<BDB>RklSAD_-</BDB>', ''],
    ['text beside elements', '<BDBInfo>', '<BDBInfo>text'],
    ['an entry twice', '<entry key="PAYLOAD">', '<entry key="EXCEPTION">'],
    ['an entry without a key', '<entry key="PAYLOAD">', '<entry>'],
    ['an end that is missing', /<\/BIR>\n$/, ''],
    ['a second record', /$/, '<BIR/>'],
    ['an unknown entity', '<Level>Raw', '<Level>&raw;'],
  ])('%s', (_, from, to) => {
    expect(changed(from, to)).toThrow(expect.objectContaining({ code: 'WIRE_MALFORMED' }))
  })

  test('what is too large: the file, its depth, its elements, a short text', () => {
    const tooLarge = expect.objectContaining({ code: 'WIRE_TOO_LARGE' })
    expect(() => parseCbeff(new Uint8Array(16 * 1024 * 1024 + 1))).toThrow(tooLarge)
    expect(changed('Mosip', 'M'.repeat(300))).toThrow(tooLarge)
    expect(changed('<Others>', `${'<Others/>'.repeat(5_000)}<Others>`)).toThrow(tooLarge)
    expect(changed('<Others>', `${'<BIR>'.repeat(20)}`)).toThrow(tooLarge)
    expect(() => encodeCbeff({ birs: Array(27).fill(parseCbeff(utf8(PUBLISHED)).birs[0]) })).toThrow(
      TypeError,
    )
  })
})

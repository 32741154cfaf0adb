import { utf8 } from '@keyhaven/crypto'
import type { PacketDocument } from '../packet/packet-input.ts'
import { seededRandom } from './seeded-random.ts'

/** Filler in the file, so that it is as long as a scan: a comment, which PDF readers skip. */
const FILLER_BYTES = 12_000
const FILLER = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'

/** A page of PDF (ISO 32000-1) that says that it is no document. */
export function simulatedDocument(person: string, type: string): PacketDocument {
  const text = `BT /F1 20 Tf 40 150 Td (Simulated document ${type}: not a document) Tj ET`
  const filler = seededRandom(`document ${person} ${type}`)
    .bytes(FILLER_BYTES)
    .reduce((made, byte, at) => made + (at % 76 === 0 ? '\n%' : '') + FILLER[byte & 63]!, '')
  const objects = [
    '<< /Type /Catalog /Pages 2 0 R >>',
    '<< /Type /Pages /Kids [3 0 R] /Count 1 >>',
    '<< /Type /Page /Parent 2 0 R /MediaBox [0 0 600 300] /Contents 4 0 R ' +
      '/Resources << /Font << /F1 << /Type /Font /Subtype /Type1 /BaseFont /Helvetica >> >> >> >>',
    `<< /Length ${text.length} >>\nstream\n${text}\nendstream`,
  ]
  let file = `%PDF-1.4${filler}\n`
  const offsets = objects.map((object, index) => {
    const offset = file.length
    file += `${index + 1} 0 obj\n${object}\nendobj\n`
    return offset
  })
  const start = file.length
  const rows = offsets.map((offset) => `${String(offset).padStart(10, '0')} 00000 n \n`).join('')
  file +=
    `xref\n0 ${objects.length + 1}\n0000000000 65535 f \n${rows}` +
    `trailer\n<< /Size ${objects.length + 1} /Root 1 0 R >>\nstartxref\n${start}\n%%EOF\n`
  return { bytes: utf8(file), type, format: 'pdf', refNumber: `SIM-${person}` }
}

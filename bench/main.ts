import { writeFileSync } from 'node:fs'
import { availableParallelism, cpus } from 'node:os'
import { parseArgs } from 'node:util'
import { formatTable, type Row } from './row.ts'

interface Part {
  run(): Promise<Row[]>
}

/** Every part of the benchmark, in the order it runs. Each is loaded only when it runs. */
const PARTS: Readonly<Record<string, () => Promise<Part>>> = {
  crypto: () => import('./crypto.ts'),
  messaging: () => import('./messaging.ts'),
  conversations: () => import('./conversations.ts'),
  files: () => import('./files.ts'),
  identity: () => import('./identity.ts'),
  gateway: () => import('./gateway.ts'),
  startup: () => import('./startup.ts'),
  'key-table': () => import('./key-table.ts'),
  'key-lookup': () => import('./key-lookup.ts'),
}

/** `conversations` runs it too. */
const PART_OF_ANOTHER = 'files'

const USAGE = `npm run bench -- [--only NAME] [--json FILE]
  --only NAME  one of: ${Object.keys(PARTS).join(', ')}; may be given several times
  --json FILE  also writes every row as one line of JSON`

const { values } = parseArgs({
  options: {
    only: { type: 'string', multiple: true },
    json: { type: 'string' },
    help: { type: 'boolean' },
  },
})

async function main(): Promise<void> {
  if (values.help) {
    console.log(USAGE)
    return
  }
  const names = values.only ?? Object.keys(PARTS).filter((name) => name !== PART_OF_ANOTHER)
  const unknown = names.find((name) => !Object.hasOwn(PARTS, name))
  if (unknown !== undefined) {
    console.error(`There is no part "${unknown}".\n${USAGE}`)
    process.exitCode = 2
    return
  }
  console.log(
    `Node ${process.version}, ${availableParallelism()} × ${cpus()[0]?.model ?? 'unknown processor'}`,
  )
  const rows: Row[] = []
  for (const name of names) {
    console.log(`\n${name}`)
    const part = await PARTS[name]!()
    const measured = await part.run()
    rows.push(...measured)
    console.log(formatTable(measured))
  }
  const promised = rows.filter((row) => row.target !== null)
  const missed = promised.filter((row) => !row.met)
  console.log(`\n${promised.length - missed.length} of ${promised.length} targets met.`)
  for (const row of missed) console.log(`Missed: ${row.name}: ${row.ratio?.toFixed(2)}, target ${row.target}`)
  if (values.json) writeFileSync(values.json, rows.map((row) => `${JSON.stringify(row)}\n`).join(''))
}

await main()

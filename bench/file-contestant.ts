import { FILE_CONTESTANTS, type FileRun } from './file-contestants.ts'

// One run of one contestant, in a process of its own: its peak of memory is nobody else's.
const [name = '', file = ''] = process.argv.slice(2)
const prepare = FILE_CONTESTANTS[name]
if (!prepare) throw new Error(`there is no contestant "${name}"`)
const work = await prepare(file)
// As everywhere here, the first round warms up and does not count.
await work()
const start = performance.now()
await work()
const milliseconds = performance.now() - start
const run: FileRun = { milliseconds, maxRssKib: process.resourceUsage().maxRSS }
console.log(JSON.stringify(run))

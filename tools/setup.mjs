// Runs before `npm start`, `npm test`, `npm run demo` and the like, on whatever Node the machine has (20 or
// later). So: built-in modules only, plain JavaScript, and quiet when there is nothing to do.
import { ensureNode } from './setup/node-version.mjs'
import { ensurePackages } from './setup/packages.mjs'
import { ensurePrograms, PROGRAM_SETS } from './setup/programs.mjs'
import { SetupError } from './setup/setup-error.mjs'

const wanted = process.argv.slice(2)
const unknown = wanted.filter((flag) => !(flag in PROGRAM_SETS))

try {
  if (unknown.length > 0) {
    throw new SetupError(`unknown flag ${unknown.join(' ')}; known: ${Object.keys(PROGRAM_SETS).join(' ')}`)
  }
  ensurePackages()
  ensureNode()
  for (const flag of wanted) ensurePrograms(PROGRAM_SETS[flag])
} catch (error) {
  if (!(error instanceof SetupError)) throw error
  console.error(`\nset-up: ${error.message}\n`)
  process.exitCode = 1
}

// `check-types.ts TSCONFIG FOLDER`: prints the type errors of a project's files below a folder. What lies elsewhere, as
// types of others or sources that `npm run typecheck` checks, is read and not checked, which takes half as long.
import { dirname, resolve, sep } from 'node:path'
import ts from 'typescript'

const [config, folder] = process.argv.slice(2).map((path) => resolve(path)) as [string, string]
const host: ts.FormatDiagnosticsHost = {
  getCurrentDirectory: ts.sys.getCurrentDirectory,
  getCanonicalFileName: (name) => name,
  getNewLine: () => '\n',
}

const read = ts.readConfigFile(config, ts.sys.readFile)
const { fileNames, options, errors } = ts.parseJsonConfigFileContent(read.config, ts.sys, dirname(config))
const program = ts.createProgram(fileNames, { ...options, noEmit: true, incremental: false })
const checked = program.getSourceFiles().filter(({ fileName }) => resolve(fileName).startsWith(folder + sep))
const found = [
  ...(read.error ? [read.error] : []),
  ...errors,
  ...checked.flatMap((file) => ts.getPreEmitDiagnostics(program, file)),
]
if (checked.length === 0) console.log(`no file below ${folder} belongs to ${config}`)
process.stdout.write(ts.formatDiagnostics(ts.sortAndDeduplicateDiagnostics(found), host))
process.exitCode = found.length > 0 || checked.length === 0 ? 1 : 0

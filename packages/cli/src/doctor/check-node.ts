import { type Check, failed, ok } from './check.ts'

const MINIMUM_MAJOR = 26

/** @param version - as `process.versions.node` has it. */
export function checkNode(version: string): Check {
  if (Number(version.split('.')[0]) >= MINIMUM_MAJOR) return ok('node', version)
  return failed(
    'node',
    `${version} is too old`,
    'Run `npm install` in the project, or install Node 26 from https://nodejs.org.',
  )
}

import { statfsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'
import { BaseSequencer, type TestSpecification } from 'vitest/node'

const MEMORY = '/dev/shm'
const GIBIBYTE = 2 ** 30
const SYSTEM_TESTS = fileURLToPath(new URL('test/', import.meta.url))

// Servers and commands that tests start take half the time when they find their code compiled.
process.env.NODE_COMPILE_CACHE ??= fileURLToPath(new URL('node_modules/.cache/compile', import.meta.url))

// Thousands of databases, each of which waits for the disk at every commit: in memory where there is room for them.
if (process.env.TMPDIR === undefined && roomOf(MEMORY) > 4 * GIBIBYTE) process.env.TMPDIR = MEMORY

/** Bytes; 0 where there is no such folder. */
function roomOf(folder: string): number {
  try {
    const { bavail, bsize } = statfsSync(folder)
    return bavail * bsize
  } catch {
    return 0
  }
}

/** Tests of the whole system take longest: first, so that the workers end together. */
class SystemTestsFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files)
    const isSystem = ({ moduleId }: TestSpecification) => moduleId.startsWith(SYSTEM_TESTS)
    return [...sorted.filter(isSystem), ...sorted.filter((file) => !isSystem(file))]
  }
}

export default defineConfig({
  test: {
    include: ['packages/*/test/**/*.test.{ts,tsx}', 'test/**/*.test.ts'],
    setupFiles: ['test/kit/leave-no-trace.ts'],
    // No measure of time, but of what hangs: a machine that is busy with something else takes ten times as long.
    testTimeout: 240_000,
    hookTimeout: 240_000,
    expect: { poll: { timeout: 60_000 } },
    pool: 'forks',
    // For two cores: a fifth of the time a worker waits for browsers, servers and disks.
    maxWorkers: 3,
    // The files of a worker share what it has loaded: a sixth of the processor time goes without.
    isolate: false,
    sequence: { sequencer: SystemTestsFirst },
  },
})

import { expect, test } from 'vitest'
import type { Context } from '../src/context.ts'
import { createProgress } from '../src/terminal/progress.ts'

function draw(isTTY: boolean, json: boolean): string {
  let drawn = ''
  const stderr = { isTTY, write: (text: string) => (drawn += text) }
  let now = 0
  const context = { stderr, now: () => now } as unknown as Context
  const progress = createProgress(context, 'rewrap', json)
  for (let done = 0; done <= 40; done++) {
    progress.update(done, 40)
    now += 20
  }
  progress.finish()
  return drawn
}

test('a bar on a terminal, ended by a new line', () => {
  const drawn = draw(true, false)
  expect(drawn).toContain(`\rrewrap [${'.'.repeat(30)}]   0% 0/40`)
  expect(drawn).toContain(`\rrewrap [${'#'.repeat(30)}] 100% 40/40`)
  expect(drawn.endsWith('\n')).toBe(true)
  // Drawn at most every 80 ms: four updates of 20 ms make one.
  expect(drawn.split('\r').length).toBeLessThanOrEqual(13)
})

test('plain lines elsewhere, one for each tenth', () => {
  const lines = draw(false, false).trimEnd().split('\n')
  expect(lines).toHaveLength(11)
  expect(lines[0]).toBe('rewrap: 0 of 40')
  expect(lines[10]).toBe('rewrap: 40 of 40')
})

test('nothing with --json', () => {
  expect(draw(true, true)).toBe('')
})

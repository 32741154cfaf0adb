import type { Command } from 'commander'
import type { Page } from '../admin/admin-api.ts'
import { describe, type Frame } from '../frame.ts'
import { table } from '../terminal/output.ts'
import { LIST_LIMIT_DEFAULT, parseLimit, showPage } from '../terminal/page.ts'
import { identityAction, noOptions } from './identity-command.ts'
import { identityPath } from './registration-api.ts'

interface Queue {
  readonly queue: string
  readonly waiting: number
  readonly running: number
  readonly dead: number
  readonly oldestAt: string | null
}

interface DeadJob {
  readonly id: string
  readonly queue: string
  readonly payload: Readonly<Record<string, string | number>>
  readonly attempts: number
  readonly failure: string
  readonly diedAt: string
}

const JOB = '0198f0a1b2c300000007a1b2c3d4e5f6'

/** `keyhaven identity jobs`: what the server has still to do, and what it gave up. */
export function identityJobsCommand(frame: Frame, identity: Command): void {
  const jobs = describe(
    identity.command('jobs'),
    'work that waits: packets, credentials, events; and what failed too often',
    [
      ['keyhaven identity jobs dead demo', 'Which failed too often, and why'],
      [`keyhaven identity jobs replay demo ${JOB}`, 'Once its cause is mended'],
    ],
  )
  identityAction(
    frame,
    jobs,
    {
      name: 'list',
      summary: 'how far each queue is',
      examples: [['keyhaven identity jobs list demo', 'Waiting, running, dead']],
    },
    noOptions,
    async ({ output, args }, admin) => {
      const found = await admin.get<{ readonly items: readonly Queue[] }>(identityPath(args[0]!, 'jobs'))
      output.result(found, () =>
        table(
          [
            { heading: 'QUEUE', cell: ({ queue }) => queue },
            { heading: 'WAITING', cell: ({ waiting }) => waiting, align: 'right' },
            { heading: 'RUNNING', cell: ({ running }) => running, align: 'right' },
            { heading: 'DEAD', cell: ({ dead }) => dead, align: 'right' },
            { heading: 'OLDEST', cell: ({ oldestAt }) => oldestAt },
          ],
          found.items,
          'nothing waits',
        ),
      )
    },
  )
  identityAction<{ limit: string; cursor?: string }>(
    frame,
    jobs,
    {
      name: 'dead',
      summary: 'list jobs that failed too often, oldest first',
      examples: [['keyhaven identity jobs dead demo', 'Each with its last failure']],
    },
    (command) =>
      command
        .option('--limit <number>', 'at most so many', LIST_LIMIT_DEFAULT)
        .option('--cursor <text>', 'go on where the list before ended'),
    async ({ output, options, args }, admin) => {
      const query = { limit: parseLimit(options.limit), cursor: options.cursor }
      const found = await admin.get<Page<DeadJob>>(identityPath(args[0]!, 'jobs', 'dead'), query)
      showPage(output, found, (items) =>
        table(
          [
            { heading: 'JOB', cell: ({ id }) => id },
            { heading: 'QUEUE', cell: ({ queue }) => queue },
            { heading: 'ABOUT', cell: ({ payload }) => Object.values(payload).join(' ') },
            { heading: 'TRIED', cell: ({ attempts }) => attempts, align: 'right' },
            { heading: 'DIED', cell: ({ diedAt }) => diedAt },
            { heading: 'FAILURE', cell: ({ failure }) => failure },
          ],
          items,
          'no dead jobs',
        ),
      )
    },
  )
  identityAction(
    frame,
    jobs,
    {
      name: 'replay',
      summary: 'try a dead job again, as if for the first time',
      examples: [[`keyhaven identity jobs replay demo ${JOB}`, 'Once its cause is mended']],
      arguments: [['<job>', 'as `keyhaven identity jobs dead` shows it']],
    },
    noOptions,
    async ({ output, args }, admin) => {
      const [application = '', job = ''] = args
      await admin.call('POST', identityPath(application, 'jobs', job, 'replay'))
      output.result({ replayed: job }, () => `waits again: ${job}`)
    },
  )
}

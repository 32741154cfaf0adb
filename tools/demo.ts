// `npm run demo`: a tour of every capability that works so far, on real input. `-- --only channel` for one
// of them.
import { parseArgs } from 'node:util'
import { createTour, type Tour } from './demo/tour.ts'

const FILE_MEGABYTES = '200'
const PEOPLE = '25'
const MIN_PEOPLE = 3

const { values } = parseArgs({
  options: {
    only: { type: 'string' },
    /** Size of the file that the tour of conversations sends. */
    'file-megabytes': { type: 'string', default: FILE_MEGABYTES },
    /** How many the tour of identity enrols. */
    people: { type: 'string', default: PEOPLE },
  },
})
const fileMegabytes = Number(values['file-megabytes'])
const people = Number(values.people)

/** Loaded when they begin: each takes about a second. */
const TOURS: Readonly<Record<string, (tour: Tour) => Promise<void>>> = {
  channel: async (tour) => (await import('./demo/channel.ts')).channelTour(tour),
  messaging: async (tour) => (await import('./demo/messaging.ts')).messagingTour(tour),
  conversations: async (tour) =>
    (await import('./demo/conversations.ts')).conversationsTour(tour, { fileMegabytes }),
  identity: async (tour) => (await import('./demo/identity.ts')).identityTour(tour, { people }),
}

if (!(fileMegabytes > 0)) {
  console.error('--file-megabytes: a number above 0')
  process.exit(2)
}
if (!(Number.isInteger(people) && people >= MIN_PEOPLE)) {
  console.error(`--people: a whole number, at least ${MIN_PEOPLE}`)
  process.exit(2)
}
const names = values.only === undefined ? Object.keys(TOURS) : values.only.split(',')
const unknown = names.filter((name) => !(name in TOURS))
if (unknown.length > 0) {
  console.error(`there is no tour called ${unknown.join(', ')}; there is: ${Object.keys(TOURS).join(', ')}`)
  process.exit(2)
}

const tour = createTour(console.log)
const begun = performance.now()
for (const name of names) await TOURS[name]!(tour)
const seconds = ((performance.now() - begun) / 1000).toFixed(0)
console.log(`\n${tour.held} claims hold, ${tour.failed} do not (${names.join(', ')}, ${seconds} s)`)
process.exitCode = tour.failed > 0 ? 1 : 0

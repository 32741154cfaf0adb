// A device in a process of its own, over an SQLite store that other processes share. Commands come as lines of JSON on
// standard input; each line that it prints is an outcome.
import { createInterface } from 'node:readline'
import { createMessenger, openDeviceKeys } from '../../src/index.ts'
import { sqliteStore } from '../../src/node/index.ts'
import { APPLICATION, type DirectorySnapshot, TestDirectory, testClock } from './test-directory.ts'

interface Command {
  readonly send?: { readonly to: string; readonly count: number }
  readonly receive?: readonly string[]
}

const [path, snapshot] = process.argv.slice(2) as [string, string]
const clock = testClock()
const directory = await TestDirectory.restore(clock, JSON.parse(snapshot) as DirectorySnapshot)
const store = sqliteStore({ path })
const keys = await openDeviceKeys({ store, clock })
const messenger = createMessenger({
  application: APPLICATION,
  me: keys!,
  directory: directory.client(),
  store,
  clock,
})

const print = (outcome: object): void => {
  process.stdout.write(`${JSON.stringify(outcome)}\n`)
}

print({ ready: true })
for await (const line of createInterface({ input: process.stdin })) {
  const { send, receive } = JSON.parse(line) as Command
  for (let n = 0; send && n < send.count; n++) {
    print({ envelope: (await messenger.encrypt(send.to, `${process.pid} ${n}`)).envelope })
  }
  for (const envelope of receive ?? []) {
    await messenger.decrypt(envelope).then(
      ({ text }) => print({ text }),
      (error: { code?: string }) => print({ code: error.code ?? String(error) }),
    )
  }
  print({ done: true })
}

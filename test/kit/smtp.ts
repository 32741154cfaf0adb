import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'

export interface ReceivedMail {
  readonly to: string
  /** Header and text, as they came. */
  readonly text: string
}

export interface TestMailServer {
  /** As the setting wants it. */
  readonly url: string
  /** Everything that came, oldest first. */
  readonly mails: readonly ReceivedMail[]
  /** The first mail to this address that nobody was given yet. */
  next(to: string): Promise<ReceivedMail>
  close(): Promise<void>
}

const ADDRESS = /<([^>]*)>/

/** A mail server (RFC 5321) on this machine, that keeps what it is given. */
export async function startMailServer(): Promise<TestMailServer> {
  const mails: ReceivedMail[] = []
  const given = new Set<ReceivedMail>()
  const waiting = new Set<() => void>()
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket)).on('error', () => {})
    serve(socket, (mail) => {
      mails.push(mail)
      for (const check of waiting) check()
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `smtp://127.0.0.1:${(server.address() as AddressInfo).port}`,
    mails,
    next: (to) =>
      new Promise((resolve) => {
        const check = (): void => {
          const mail = mails.find((one) => one.to === to && !given.has(one))
          if (mail === undefined) return
          given.add(mail)
          waiting.delete(check)
          resolve(mail)
        }
        waiting.add(check)
        check()
      }),
    async close() {
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

function serve(socket: Socket, accept: (mail: ReceivedMail) => void): void {
  let buffered = ''
  let to = ''
  let text: string | undefined
  const say = (line: string) => socket.write(`${line}\r\n`)
  const take = (line: string): void => {
    if (text !== undefined) {
      if (line !== '.') text += `${line.replace(/^\./, '')}\r\n`
      else {
        accept({ to, text })
        text = undefined
        say('250 taken')
      }
      return
    }
    const command = line.slice(0, 4).toUpperCase()
    if (command === 'RCPT') to = ADDRESS.exec(line)?.[1] ?? ''
    if (command === 'DATA') text = ''
    if (command === 'QUIT') socket.end('221 bye\r\n')
    else say(command === 'DATA' ? '354 go on' : '250 yes')
  }
  socket.setEncoding('utf8').on('data', (chunk: string) => {
    const lines = (buffered + chunk).split('\r\n')
    buffered = lines.pop() ?? ''
    for (const line of lines) take(line)
  })
  say('220 mail server of the tests')
}

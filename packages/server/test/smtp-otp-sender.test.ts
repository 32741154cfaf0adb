import { createServer, type Server, type Socket } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import { createSmtpOtpSender } from '../src/identity/authentication/smtp-otp-sender.ts'

/** As much of SMTP (RFC 5321) as one message needs. */
async function startMailServer(refuse = false) {
  const mails: { to: string[]; text: string }[] = []
  const server: Server = createServer((socket: Socket) => {
    let mail: { to: string[]; text: string } | undefined
    let inData = false
    let left = ''
    socket.write('220 loopback ESMTP\r\n')
    socket.on('data', (chunk) => {
      left += chunk.toString()
      for (let end = left.indexOf('\r\n'); end >= 0; end = left.indexOf('\r\n')) {
        const line = left.slice(0, end)
        left = left.slice(end + 2)
        if (inData) {
          if (line === '.') {
            inData = false
            mails.push(mail!)
            socket.write('250 kept\r\n')
          } else mail!.text += `${line}\n`
        } else if (/^EHLO/i.test(line)) socket.write('250 loopback\r\n')
        else if (/^MAIL/i.test(line)) {
          mail = { to: [], text: '' }
          socket.write('250 ok\r\n')
        } else if (/^RCPT/i.test(line)) {
          mail!.to.push(line)
          socket.write(refuse ? '550 nobody\r\n' : '250 ok\r\n')
        } else if (/^DATA/i.test(line)) {
          inData = true
          socket.write('354 go on\r\n')
        } else if (/^QUIT/i.test(line)) socket.end('221 bye\r\n')
        else socket.write('250 ok\r\n')
      }
    })
    socket.on('error', () => {})
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  servers.push(server)
  return { mails, url: `smtp://127.0.0.1:${(server.address() as { port: number }).port}` }
}

const servers: Server[] = []
afterEach(() => Promise.all(servers.splice(0).map((server) => new Promise((done) => server.close(done)))))

const from = 'otp@ida.example'

test('a one-time password arrives by SMTP', async () => {
  const { mails, url } = await startMailServer()
  const sender = createSmtpOtpSender({ url, from })
  await sender.send({ to: 'testina@mail.example', otp: '271828', validMinutes: 5 })
  expect(mails).toHaveLength(1)
  expect(mails[0]!.to).toEqual(['RCPT TO:<testina@mail.example>'])
  expect(mails[0]!.text).toContain('271828')
  expect(mails[0]!.text).toContain(`From: ${from}`)
})

test('an address of a person adds no recipient and no header', async () => {
  const { mails, url } = await startMailServer()
  const sender = createSmtpOtpSender({ url, from })
  const to = 'a@mail.example, thief@mail.example\r\nBcc: thief@mail.example'
  await sender.send({ to, otp: '271828', validMinutes: 5 }).catch(() => {})
  for (const mail of mails) {
    expect(mail.to.length).toBeLessThanOrEqual(1)
    expect(mail.text).not.toMatch(/^Bcc:/im)
  }
})

test('a server that refuses, or is not there, is UPSTREAM_FAILED', async () => {
  const { url } = await startMailServer(true)
  const mail = { to: 'testina@mail.example', otp: '271828', validMinutes: 5 }
  await expect(createSmtpOtpSender({ url, from }).send(mail)).rejects.toMatchObject({
    code: 'UPSTREAM_FAILED',
  })
  const gone = createSmtpOtpSender({ url: 'smtp://127.0.0.1:9', from })
  await expect(gone.send(mail)).rejects.toMatchObject({ code: 'UPSTREAM_FAILED' })
})

import { bareAddress, localPartOnOwnServer, parseJid } from '@keyhaven/conversations/xmpp'
import { describe, expect, it } from 'vitest'

const OWN = parseJid('ben@example.org/laptop')!

describe('whose address it is', () => {
  it.each([
    ['anna@example.org', 'anna'],
    ['anna@example.org/phone', 'anna'],
    ['ANNA@Example.ORG', 'anna'],
    ['anna@evil.example', 'anna@evil.example'],
    ['anna@example.org.evil.example/phone', 'anna@example.org.evil.example'],
    ['anna@chat.example.org', 'anna@chat.example.org'],
    ['example.org', 'example.org'],
  ])('%s is %s by the default', (address, username) => {
    expect(localPartOnOwnServer(parseJid(address)!, OWN)).toBe(username)
  })

  it('nobody is somebody of the own server by an account on another one', () => {
    const names = ['anna@example.org', 'anna@evil.example'].map((address) => parseJid(address)!)
    expect(new Set(names.map((jid) => localPartOnOwnServer(jid, OWN))).size).toBe(2)
    expect(names.map((jid) => bareAddress(jid, OWN))).toEqual(['anna@example.org', 'anna@evil.example'])
  })
})

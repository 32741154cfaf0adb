// Loaded before an example of the docs (`node --import`): a server that the example opens does not keep it
// running, so an example that listens ends once its own calls are done.
import { Server } from 'node:net'

const listen = Server.prototype.listen as (...args: unknown[]) => Server
Server.prototype.listen = function (this: Server, ...args: unknown[]) {
  return listen.apply(this, args).unref()
} as typeof Server.prototype.listen

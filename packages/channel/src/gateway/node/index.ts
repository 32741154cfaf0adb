export { createNodeHandler, type NodeHandler, type NodeHandlerOptions } from './create-node-handler.ts'
export { type FastifyLike, registerFastifyGateway } from './register-fastify-gateway.ts'

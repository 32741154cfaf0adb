import { createRoute, z } from '@hono/zod-openapi'
import { applicationIdSchema } from '../applications/application-routes.ts'
import { problemAnswers } from '../platform/http/schemas.ts'

const tags = ['Channel']
const params = z.object({ applicationId: applicationIdSchema })
const binary = { schema: z.string().openapi({ format: 'binary' }) }
const envelopes = {
  body: { required: true, content: { 'message/ohttp-chunked-req': binary, 'message/ohttp-req': binary } },
}
const sealedAnswer = {
  description: 'The sealed answer, in the form of the request',
  content: { 'message/ohttp-chunked-res': binary, 'message/ohttp-res': binary },
}
const refusals = problemAnswers(400, 401, 404, 413, 415, 503)
const exchangeRefusals = {
  ...refusals,
  401: { ...refusals[401], description: 'The key is unknown or revoked' },
  415: { ...refusals[415], description: 'The body has another media type' },
}
const keysAnswer = {
  description: 'Key configurations (RFC 9458 §3.2), preferred first',
  content: { 'application/ohttp-keys': binary },
}

/** Routes that are served without the router; here only described. */
export const gatewayRoutes = {
  exchange: createRoute({
    method: 'post',
    path: '/gateway/{applicationId}',
    tags,
    summary: 'One sealed call (RFC 9458, chunked OHTTP)',
    request: { params, ...envelopes },
    responses: { 200: sealedAnswer, ...exchangeRefusals },
  }),
  keys: createRoute({
    method: 'get',
    path: '/gateway/{applicationId}',
    tags,
    summary: 'Key configurations, for clients that are not ours',
    request: { params },
    responses: { 200: keysAnswer, ...problemAnswers(404, 503) },
  }),
  manifest: createRoute({
    method: 'get',
    path: '/gateway/{applicationId}/manifest',
    tags,
    summary: 'The signed key manifest',
    request: { params },
    responses: {
      200: {
        description: 'Compact JWS; its delegation is in the header',
        content: { 'application/jose': { schema: z.string() } },
      },
      ...problemAnswers(404, 503),
    },
  }),
  discoveryExchange: createRoute({
    method: 'post',
    path: '/.well-known/ohttp-gateway',
    tags,
    summary: 'One sealed call to the default application (RFC 9540)',
    request: envelopes,
    responses: { 200: sealedAnswer, ...exchangeRefusals },
  }),
  discoveryKeys: createRoute({
    method: 'get',
    path: '/.well-known/ohttp-gateway',
    tags,
    summary: 'Key configurations of the default application (RFC 9540)',
    responses: { 200: keysAnswer, ...problemAnswers(404, 503) },
  }),
  health: createRoute({
    method: 'get',
    path: '/healthz',
    tags: ['Server'],
    summary: 'The process answers',
    responses: { 200: { description: 'It does' } },
  }),
  ready: createRoute({
    method: 'get',
    path: '/readyz',
    tags: ['Server'],
    summary: 'It can serve: database and replay store answer, too',
    responses: { 200: { description: 'Send traffic here' }, ...problemAnswers(503) },
  }),
  metrics: createRoute({
    method: 'get',
    path: '/metrics',
    tags: ['Server'],
    summary: 'Metrics for Prometheus; only on the admin address, open only if that is loopback',
    security: [{ bearer: [] }],
    responses: {
      200: {
        description: 'Text format 0.0.4',
        content: { 'text/plain': { schema: z.string() } },
      },
      ...problemAnswers(401, 403),
    },
  }),
}

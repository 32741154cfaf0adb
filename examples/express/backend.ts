import express, { type Express } from 'express'

/** A backend as it was before: it knows nothing of Keyhaven, and listens on the loopback address only. */
export function createBackend(): Express {
  const orders: { id: number; item: string }[] = []
  const backend = express()
  backend.use(express.json())
  backend.get('/orders', (_request, response) => {
    response.json(orders)
  })
  backend.post('/orders', (request, response) => {
    const order = { id: orders.length + 1, item: String(request.body.item) }
    orders.push(order)
    response.status(201).location(`/orders/${order.id}`).json(order)
  })
  return backend
}

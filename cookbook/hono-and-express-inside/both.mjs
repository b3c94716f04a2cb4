import { createServer, fetchResponder, nodeResponder } from '@onezero/server';
import express from 'express';
import { Hono } from 'hono';

const api = new Hono().get('/hello/:name', (c) => c.json({ hello: c.req.param('name') }));

const shop = express();
shop.use(express.json());
shop.post('/basket', (request, response) => response.status(201).json({ kept: request.body }));

const server = createServer({
  routes: [
    { path: '/api', responder: fetchResponder(api.fetch) },
    { path: '/shop', responder: nodeResponder(shop) },
  ],
});
await server.listen({ port: 8080 });

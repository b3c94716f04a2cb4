// A Hono application as anybody would write it. It does not know which server it runs in.
import { Hono } from 'hono';

export const api: Hono = new Hono()
  .get('/time', (c) => c.json({ time: new Date().toISOString() }))
  .get('/add/:a/:b', (c) => c.text(`${Number(c.req.param('a')) + Number(c.req.param('b'))}\n`))
  .post('/echo', async (c) => c.text(await c.req.text()));

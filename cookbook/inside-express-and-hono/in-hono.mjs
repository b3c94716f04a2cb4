import { serve } from '@hono/node-server';
import { cgiFetch } from '@onezero/cgi-process/fetch';
import { serveStatic } from '@onezero/static/fetch';
import { Hono } from 'hono';

const scripts = cgiFetch({ directory: './cgi-bin', path: '/cgi-bin' });
const files = serveStatic('./public', { path: '/files' });

const app = new Hono();
app.all('/cgi-bin/*', (c) => scripts(c.req.raw));
app.all('/files/*', (c) => files(c.req.raw));
app.get('/', (c) => c.text('Hono itself\n'));
serve({ fetch: app.fetch, port: 8080, hostname: 'localhost' });

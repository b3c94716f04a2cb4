import { cgiHandler } from '@onezero/cgi-process/node';
import { serveStatic } from '@onezero/static/node';
import express from 'express';

const app = express();
app.use('/cgi-bin', cgiHandler({ directory: './cgi-bin' }));
app.use('/files', serveStatic('./public'));
app.get('/', (_, response) => response.send('Express itself\n'));
app.listen(8080, 'localhost');

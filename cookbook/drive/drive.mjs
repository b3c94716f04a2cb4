import { mkdirSync } from 'node:fs';
import { createServer } from '@onezero/server';

mkdirSync('drive', { recursive: true });

const server = createServer({
  webdav: {
    root: 'drive',
    path: '/dav',
    quotaBytes: 1_000_000_000,
    // For pages and applications of other origins, such as Obsidian's.
    files: {
      cors: {
        origins: ['app://obsidian.md'],
        allowFields: [
          'authorization',
          'depth',
          'content-type',
          'destination',
          'overwrite',
          'if-match',
          'if-none-match',
        ],
      },
    },
  },
  auth: [{ path: '/dav', users: (user, password) => user === 'ada' && password === 'engine' }],
});
await server.listen({ port: 8080 });

// The same server small and beside a gigabyte of buffers: does what else a process holds slow its scripts, or its loop?

import { join } from 'node:path';

import { measure } from '../load.mjs';
import { start } from '../peers/index.mjs';
import { spread, table } from '../report.mjs';

/** Measures both ways of starting scripts, with and without the buffers, in turn. The result is Markdown. */
export async function besideMemory({ directory, scratch, program, rounds, seconds, warmUpSeconds }) {
  const kinds = ['shell', 'direct'].flatMap((spawner) =>
    [0, 1024].map((mebibytes) => ({
      name: `spawner: ${spawner}, ${mebibytes} MiB of buffers`,
      spawner,
      command: (root, port) => [
        process.execPath,
        join(import.meta.dirname, 'beside-memory.mjs'),
        root,
        String(port),
        String(mebibytes),
        spawner,
      ],
    })),
  );
  const servers = [];
  const figures = new Map(kinds.map(({ name }) => [name, []]));
  try {
    for (const kind of kinds) servers.push(await start(kind, directory, scratch));
    for (const server of servers) await measure(server, load(server, program.file, warmUpSeconds));
    for (let round = 0; round < rounds; round++) {
      for (const server of servers) {
        await loopDelay(server);
        const { requestsPerSecond } = await measure(server, load(server, program.file, seconds));
        figures.get(server.name).push({ requestsPerSecond, ...(await loopDelay(server)) });
      }
    }
  } finally {
    for (const server of servers) await server.stop();
  }
  const median = (name, key) => spread(figures.get(name).map((result) => result[key])).median.toFixed(0);
  return [
    `\n## Beside memory: ${program.name}, 8 at once, under \`node:http\`; medians\n`,
    table(
      ['server', 'resident MiB', 'requests per second', 'event loop delay p99, ms'],
      kinds.map(({ name }) => [
        name,
        median(name, 'mebibytes'),
        median(name, 'requestsPerSecond'),
        median(name, 'p99'),
      ]),
    ),
  ];
}

async function loopDelay({ port }) {
  return (await fetch(`http://127.0.0.1:${port}/delay`)).json();
}

function load({ port }, file, seconds) {
  return { url: `http://127.0.0.1:${port}/cgi-bin/${file}`, connections: 8, seconds };
}

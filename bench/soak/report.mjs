// What a soak has shown, as a page.

import { availableParallelism, cpus } from 'node:os';

import { table } from '../report.mjs';

/** The result of a soak as text in Markdown. */
export function soakReport(result, { minutes, clients, seed, replicas }) {
  const { counts, trouble, harmed, wrong, left, holdings } = result;
  const total = [...counts.values()].reduce((sum, count) => sum + count, 0);
  const number = (value) => value.toLocaleString('en');
  const sum = (kinds) => Object.values(kinds).reduce((all, count) => all + count, 0);
  return [
    `# ${minutes} minutes of every kind of traffic`,
    '',
    `${clients} clients at once against ${replicas} servers of one folder: one process, two workers, and one that is killed as a`,
    'whole and started again. Meanwhile processes are killed, whatever they are: server workers, shells, scripts, Pythons, PHPs.',
    `Repeat with \`node bench/soak.mjs --minutes ${minutes} --clients ${clients} --seed ${seed} --write\`. Measured`,
    `${new Date().toISOString().slice(0, 10)} on ${availableParallelism()} × ${cpus()[0]?.model ?? 'an unknown processor'}, Node ${process.version}.`,
    '',
    `- ${number(total)} requests, ${number(wrong.length)} answered wrongly.`,
    `- ${number(trouble.kills)} processes killed, ${number(trouble.reloads)} reloads, ${number(trouble.replaced)} servers killed and started again: they took ${number(harmed)} requests with them.`,
    left.length === 0
      ? '- Nothing is left over: no descriptor, no process, no temporary file more than before.'
      : `- Left over: ${left.join('; ')}.`,
    '',
    table(
      ['server', 'descriptors before', 'after', 'processes before', 'after', 'MiB before', 'after'],
      holdings.map(({ name, before, after }) => [
        name,
        ...[before, after].map(({ descriptors }) => String(sum(descriptors))),
        ...[before, after].map(({ children }) => String(sum(children))),
        ...[before, after].map(({ mebibytes }) => String(mebibytes)),
      ]),
    ),
    '',
    table(
      ['clients', 'requests'],
      [...counts].map(([name, count]) => [name, number(count)]),
    ),
    '',
  ].join('\n');
}

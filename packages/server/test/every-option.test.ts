// Every option of every package, at every depth: misspelt, it is named with what was meant; with a wrong value, it is named with
// what was expected. The cases are made out of the tables, so an option that is new is among them.

import { cgi } from '@onezero/cgi-process';
import { fastcgi, scgi } from '@onezero/cgi-process/fastcgi';
import { cgiFetch } from '@onezero/cgi-process/fetch';
import { cgiHandler } from '@onezero/cgi-process/node';
import { cgiTable, gatewayTable, mountTable } from '@onezero/cgi-process/options';
import { RequestParser, ResponseParser } from '@onezero/http-parser';
import { app, asgi, wsgi } from '@onezero/python';
import { appTable, asgiTable, wsgiTable } from '@onezero/python/options';
import { accessLog, createServer, readCertificate, startWorkers, watchCertificate } from '@onezero/server';
import { serveStatic } from '@onezero/static';
import { serveStatic as fetchStatic } from '@onezero/static/fetch';
import { serveStatic as nodeStatic } from '@onezero/static/node';
import { type Members, type Shape, staticTable } from '@onezero/static/options';
import { webdav } from '@onezero/webdav';
import { webdavTable } from '@onezero/webdav/options';
import { describe, expect, test } from 'vitest';
import { resolveConfiguration } from '../src/command-line/configuration/configuration.ts';
import { readCommandLine } from '../src/command-line/configuration/arguments.ts';
import { environmentName, flagName } from '../src/command-line/options/option.ts';
import { optionEntries } from '../src/command-line/options/table.ts';
import * as calls from '../src/call-tables.ts';
import { serverTable } from '../src/option-tables.ts';

/** A name with two neighbours swapped, or a letter lost or doubled: other slips for other names, the same in each run. */
function misspelt(name: string, known: readonly string[]): string {
  const at = 1 + ((name.length * 7) % Math.max(1, name.length - 2));
  const slips = [
    `${name.slice(0, at)}${name[at + 1] ?? ''}${name[at]}${name.slice(at + 2)}`,
    `${name.slice(0, at)}${name.slice(at + 1)}`,
    `${name.slice(0, at)}${name[at]}${name.slice(at)}`,
    `${name}x`,
  ];
  const first = name.length % 3;
  return [...slips.slice(first), ...slips].find((slip) => slip !== name && !known.includes(slip)) ?? `${name}xx`;
}

/** Something that the shape takes, for options beside the one in question. */
function fitting(shape: Shape): unknown {
  switch (shape.type) {
    case 'boolean':
      return true;
    case 'choice':
      return shape.values[0];
    case 'function':
      return () => undefined;
    case 'list':
      return [fitting(shape.item)];
    case 'map':
      return {};
    case 'object':
      return withRequired(shape.members, {});
    case 'either':
      return fitting(shape.shapes[0] as Shape);
    case 'text':
      return ['/a', 'a', '-----BEGIN ', 'http://a', '.a'].find((text) => shape.pattern?.test(text) ?? true);
    default:
      return 'minimum' in shape ? shape.minimum : shape.type === 'path' || shape.type === 'program' ? '/a' : 1;
  }
}

/** Something that no option takes, and its like in JSON. */
const misfit = new Date(0);
const misfitOfJson = null;

function withRequired(members: Members, given: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const required = Object.entries(members).filter(([, { isRequired }]) => isRequired);
  return { ...Object.fromEntries(required.map(([name, { shape }]) => [name, fitting(shape)])), ...given };
}

interface Case {
  readonly options: Record<string, unknown>;
  /** Begins so. */
  readonly message: string;
  readonly isName: boolean;
}

/** For each option of a table, and of tables in it: one with its name misspelt, one with a value that cannot be. */
function casesOf(members: Members, path = ''): readonly Case[] {
  const names = Object.keys(members);
  return Object.entries(members).flatMap(([name, { shape }]): readonly Case[] => {
    const slip = misspelt(name, names);
    return [
      { options: { [slip]: 1 }, message: `${path}${slip}: is not an option; did you mean ${path}`, isName: true },
      {
        options: withRequired(members, { [name]: misfit }),
        message: `${path}${name}: expected `,
        isName: false,
      },
      ...innerCases(shape, `${path}${name}`).map(({ options, ...rest }) => ({
        ...rest,
        options: withRequired(members, { [name]: options }),
      })),
    ];
  });
}

function innerCases(shape: Shape, path: string): readonly (Omit<Case, 'options'> & { readonly options: unknown })[] {
  switch (shape.type) {
    case 'object':
      return casesOf(shape.members, `${path}.`);
    case 'list':
      return innerCases(shape.item, `${path}.0`).map(({ options, ...rest }) => ({ ...rest, options: [options] }));
    case 'either': {
      const [inner] = shape.shapes.filter(({ type }) => type === 'object');
      return innerCases(inner ?? shape.shapes.find(({ type }) => type === 'list') ?? { type: 'nothing' }, path);
    }
    default:
      return [];
  }
}

function asJson(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value, (_, one: unknown) => (one === misfit.toISOString() ? misfitOfJson : one)));
}

async function messageOf(make: () => unknown): Promise<string> {
  try {
    await make();
    return 'taken';
  } catch (error) {
    return error instanceof TypeError || error instanceof RangeError ? error.message : `not refused: ${String(error)}`;
  }
}

const parserLimits: Members = Object.fromEntries(
  ['maxRequestLineBytes', 'maxHeadBytes', 'maxFields', 'maxChunkLineBytes', 'maxTrailerBytes', 'maxEmptyLines'].map(
    (name) => [name, { shape: { type: 'integer', minimum: 0 }, summary: '' }],
  ),
);
const here = import.meta.dirname;
const mounted = { ...cgiTable, ...mountTable };
const called: readonly (readonly [string, string, Members, (options: never) => unknown, number])[] = [
  ['createServer', 'createServer: ', serverTable, createServer, 600],
  ['reload', 'createServer: ', serverTable, async (options) => createServer().reload(options), 600],
  ['listen', 'listen: ', calls.listenerTable, async (options) => createServer().listen(options), 25],
  ['close', 'close: ', calls.stopTable, async (options) => createServer().close(options), 4],
  ['explain', 'explain: ', calls.questionTable, (question) => createServer().explain(question), 4],
  ['accessLog', 'accessLog: ', calls.accessLogTable, accessLog, 10],
  ['startWorkers', 'startWorkers: ', calls.workersTable, startWorkers, 25],
  ['readCertificate', 'readCertificate: ', calls.certificateFilesTable, readCertificate, 8],
  [
    'watchCertificate',
    'watchCertificate: ',
    calls.certificateWatchTable,
    (watch) => watchCertificate({ cert: 'a', key: 'b' }, watch),
    8,
  ],
  ['serveStatic', '', staticTable, (options) => serveStatic(here, options), 90],
  ['serveStatic of fetch', '', staticTable, (options) => fetchStatic(here, options), 90],
  ['webdav', 'webdav: ', webdavTable, webdav, 25],
  ['cgi', 'cgi: ', cgiTable, cgi, 90],
  ['cgiHandler', 'cgi: ', mounted, cgiHandler, 90],
  ['cgiFetch', 'cgi: ', mounted, cgiFetch, 90],
  ['fastcgi', 'fastcgi: ', gatewayTable, fastcgi, 70],
  ['scgi', 'scgi: ', gatewayTable, scgi, 70],
  ['wsgi', 'wsgi: ', wsgiTable, wsgi, 50],
  ['asgi', 'asgi: ', asgiTable, asgi, 50],
  ['app', 'app: ', appTable, app, 50],
  ['RequestParser', 'RequestParser: ', parserLimits, (options) => new RequestParser(options), 12],
  ['ResponseParser', 'ResponseParser: ', parserLimits, (options) => new ResponseParser(options), 12],
];

describe('a wrong option is one line that names it', () => {
  test.each(called)('%s', async (_, subject, table, make, atLeast) => {
    const cases = casesOf(table);
    expect(cases.length).toBeGreaterThanOrEqual(atLeast);
    for (const { options, message } of cases) {
      const said = await messageOf(() => make(options as never));
      expect(said.slice(0, subject.length + message.length)).toBe(subject + message);
      expect(said).not.toContain('\n');
    }
  });

  test('serveStatic of node, whose own names others use', async () => {
    const own = ['dotfiles', 'etag', 'index', 'extensions', 'cacheControl', 'immutable'];
    const table = Object.fromEntries(Object.entries(staticTable).filter(([name]) => !own.includes(name)));
    for (const { options, message } of casesOf(table)) {
      const said = await messageOf(() => nodeStatic(here, options));
      expect(said.slice(0, message.length)).toBe(message);
      expect(said).not.toContain('\n');
    }
  });
});

const PREFIX = 'ONEZERO_';

describe('the same in a configuration', () => {
  const members: Members = Object.fromEntries(optionEntries.filter(([, { only }]) => only !== 'command'));
  const resolve = (value: unknown, environment = {}): ReturnType<typeof resolveConfiguration> =>
    resolveConfiguration({
      written: [],
      environment,
      workingDirectory: '/srv',
      file: { value, places: new Map(), path: '/srv/x.json', shownPath: 'x.json' },
    });

  test('file', () => {
    const cases = casesOf(members);
    expect(cases.length).toBeGreaterThan(500);
    for (const { options, message, isName } of cases) {
      const { problems } = resolve(asJson(options));
      const path = message.slice(0, message.indexOf(':'));
      const isTop = !path.includes('.');
      const expected = isName
        ? isTop
          ? `"${path}" is not an option of the file (did you mean `
          : `${path} is not an option here (did you mean `
        : `${path} expects `;
      expect(problems.join('\n').slice(0, expected.length)).toBe(expected);
      expect(problems.join('\n')).toMatch(/^[^\n]* \(x\.json:1:1\)$/);
    }
  });

  test('environment, where others may have variables of their own', () => {
    const flags = optionEntries.filter(([, { only }]) => only !== 'file');
    const names = flags.map(([key, option]) => environmentName(key, option));
    for (const name of names) {
      const known = names.map((one) => one.slice(PREFIX.length));
      const slip = `${PREFIX}${misspelt(name.slice(PREFIX.length), known)}`;
      const { warnings } = resolve({}, { [slip]: '1' });
      expect(warnings).toEqual([expect.stringContaining(`${slip} in the environment is not an option (did you mean `)]);
    }
  });

  test('command line', () => {
    const names = optionEntries.flatMap(([key, option]) => (option.only === 'file' ? [] : [flagName(key, option)]));
    for (const name of names.filter(({ length }) => length > 3)) {
      const slip = `--${misspelt(name, names)}`;
      expect(readCommandLine([slip]).problems).toEqual([
        expect.stringContaining(`${slip} is not a flag (did you mean "--`),
      ]);
    }
  });
});

import { dirname, join, resolve } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import type { CgiOptions, CgiRequest } from '../../src/index.ts';
import type { LaunchPlan } from '../../src/process/launch.ts';
import type { FoundScript } from '../../src/request/find-script.ts';
import { RunPlanner } from '../../src/request/run-plan.ts';
import { nothing } from '../../src/spool/collect-content.ts';
import type { Collected } from '../../src/spool/collect-content.ts';
import { request, Scripts } from '../mount.ts';

const scripts = new Scripts({ 'a.cgi': '#!/bin/sh\n' });
afterAll(() => scripts.remove());

const found: FoundScript = {
  kind: 'script',
  file: join(scripts.path, 'a.cgi'),
  root: scripts.path,
  interpreter: undefined,
  scriptName: '/a.cgi',
  pathInfo: '/rest',
};

interface Given {
  readonly options?: Partial<CgiOptions>;
  readonly request?: CgiRequest;
  readonly found?: FoundScript;
  readonly content?: Collected;
}

function planned(given: Given = {}): LaunchPlan | Promise<LaunchPlan> {
  const planner = new RunPlanner({ directory: scripts.path, ...given.options });
  return planner.plan(given.request ?? request('/a.cgi/rest'), given.found ?? found, given.content ?? nothing);
}

function plan(given: Given = {}): LaunchPlan {
  return planned(given) as LaunchPlan;
}

describe('RunPlanner', () => {
  test('starts the script itself, in its directory, without input', () => {
    const made = plan();
    expect(made).toMatchObject({
      command: found.file,
      args: [],
      program: undefined,
      cwd: scripts.path,
      stdin: 'ignore',
    });
    expect(made.environment).toMatchObject({
      SCRIPT_NAME: '/cgi-bin/a.cgi',
      PATH_INFO: '/rest',
      SCRIPT_FILENAME: found.file,
      DOCUMENT_ROOT: scripts.path,
      PATH_TRANSLATED: join(scripts.path, 'rest'),
      PATH: process.env['PATH'],
    });
    expect(made.environment).not.toHaveProperty('HOME');
  });

  test('starts an interpreter with the script, then the arguments of the mount', () => {
    const made = plan({ options: { args: ['-x', 'a b'] }, found: { ...found, interpreter: '/usr/bin/perl' } });
    expect(made).toMatchObject({ command: '/usr/bin/perl', args: [found.file, '-x', 'a b'], program: undefined });
  });

  test.each([
    ['/usr/bin/php-cgi8.2', undefined],
    ['/usr/bin/perl', join(scripts.path, 'rest')],
    ['/opt/php/bin/perl', join(scripts.path, 'rest')],
  ])('names no other file for PHP to run, which it would with cgi.fix_pathinfo=0: %s', (interpreter, expected) => {
    expect(plan({ found: { ...found, interpreter } }).environment['PATH_TRANSLATED']).toBe(expected);
  });

  test('puts a wrapper before the script, found in PATH, and says which program it is to execute', () => {
    const made = plan({ options: { wrapper: ['env', 'A=1'], args: ['x'] } });
    expect(made.command).toMatch(/^\/.*\/env$/);
    expect(made).toMatchObject({ args: ['A=1', found.file, 'x'], program: found.file });
  });

  test('does not ask of a script that it is a program where an interpreter is under the wrapper', () => {
    const made = plan({ options: { wrapper: ['/usr/bin/nice'] }, found: { ...found, interpreter: '/usr/bin/perl' } });
    expect(made).toMatchObject({ command: '/usr/bin/nice', args: ['/usr/bin/perl', found.file], program: undefined });
  });

  test('refuses a wrapper that is no command, when the mount is made', () => {
    expect(() => plan({ options: { wrapper: ['no-such-command-of-anybody'] } })).toThrow('is not in PATH');
  });

  test.each([
    ['a relative one, of this process', 'sub', resolve('sub')],
    ['an absolute one', '/var', '/var'],
    ['none: the script’s', undefined, dirname(found.file)],
  ])('takes the directory: %s', (_, cwd, expected) => {
    expect(plan({ options: { cwd } }).cwd).toBe(expected);
  });

  test('hands on who the script runs as', () => {
    expect(plan({ options: { uid: 1, gid: 2, umask: 0o77 } })).toMatchObject({ uid: 1, gid: 2, umask: 0o77 });
    expect(plan()).toMatchObject({ uid: undefined, gid: undefined, umask: undefined });
  });

  test.each<[string, Collected, LaunchPlan['stdin']]>([
    ['a file where content is in one', { ...nothing, file: 17, length: 5 }, 17],
    ['a pipe where content is in memory', { ...nothing, memory: [Buffer.from('x')], length: 1 }, 'pipe'],
    ['nothing where there is none', nothing, 'ignore'],
  ])('gives as input %s', (_, content, stdin) => {
    expect(plan({ content }).stdin).toBe(stdin);
  });

  test('gives the announced length, and the collected one where none was announced', () => {
    const length = (made: LaunchPlan): unknown => made.environment['CONTENT_LENGTH'];
    const announced = request('/', { content: 'abc' });
    const chunked = request('/', { content: announced.content, fields: [['transfer-encoding', 'chunked']] });
    expect(length(plan({ request: announced, content: { ...nothing, length: 3 } }))).toBe('3');
    expect(length(plan({ request: chunked, content: { ...nothing, length: 12 } }))).toBe('12');
    expect(length(plan({ request: chunked, content: { ...nothing, length: 0 } }))).toBe('0');
    expect(length(plan())).toBeUndefined();
  });
});

describe('the environment', () => {
  test('has what passEnv names and is set, and nothing else of this process', () => {
    process.env['ONEZERO_TEST_KNOWN'] = 'ü';
    try {
      const { environment } = plan({ options: { passEnv: ['ONEZERO_TEST_KNOWN', 'ONEZERO_TEST_UNKNOWN'] } });
      expect(environment).toMatchObject({ ONEZERO_TEST_KNOWN: '\xc3\xbc' });
      expect(environment).not.toHaveProperty('ONEZERO_TEST_UNKNOWN');
      expect(environment).not.toHaveProperty('PATH');
    } finally {
      delete process.env['ONEZERO_TEST_KNOWN'];
    }
  });

  test('has what env says over everything else, as UTF-8', () => {
    const { environment } = plan({ options: { env: { PATH: '/only', SERVER_NAME: 'ö', EMPTY: '' } } });
    expect(environment).toMatchObject({ PATH: '/only', SERVER_NAME: '\xc3\xb6', EMPTY: '' });
  });

  test('asks a function for every request, and waits for its promise', async () => {
    const seen: (string | undefined)[] = [];
    const env = (asked: CgiRequest): Record<string, string> => {
      seen.push(asked.query);
      return { WHO: asked.query ?? '' };
    };
    expect(plan({ options: { env }, request: request('/', { query: 'a' }) }).environment).toMatchObject({ WHO: 'a' });
    const later = planned({ options: { env: async (asked: CgiRequest) => env(asked) }, request: request('/') });
    expect(later).toBeInstanceOf(Promise);
    expect((await later).environment).toMatchObject({ WHO: '' });
    expect(seen).toEqual(['a', undefined]);
  });

  test('throws, or rejects, what such a function throws', async () => {
    const fails = (): never => {
      throw new Error('no database');
    };
    expect(() => planned({ options: { env: fails } })).toThrow('no database');
    await expect(planned({ options: { env: async () => fails() } })).rejects.toThrow('no database');
  });

  test('does not keep the variables of one request for the next', () => {
    const planner = new RunPlanner({ directory: scripts.path, env: { GIVEN: '1' } });
    const withCookie = request('/', { fields: [['cookie', 'secret']] });
    expect((planner.plan(withCookie, found, nothing) as LaunchPlan).environment).toHaveProperty('HTTP_COOKIE');
    expect((planner.plan(request('/'), found, nothing) as LaunchPlan).environment).not.toHaveProperty('HTTP_COOKIE');
  });

  test('takes the members of a request from wherever they are', () => {
    class Inherited {
      readonly #given = request('/rest', { query: 'q', user: 'ann', authType: 'Basic' });
      get method(): string {
        return this.#given.method;
      }
      get query(): string | undefined {
        return this.#given.query;
      }
      get user(): string | undefined {
        return this.#given.user;
      }
    }
    const others = request('/rest', { authType: 'Basic' });
    const { method, query, user, ...rest } = others;
    expect([method, query, user]).toEqual(['GET', undefined, undefined]);
    const asked = Object.assign(new Inherited(), rest) as unknown as CgiRequest;
    expect(plan({ request: asked }).environment).toMatchObject({
      QUERY_STRING: 'q',
      REMOTE_USER: 'ann',
      AUTH_TYPE: 'Basic',
    });
  });
});

describe('the query as arguments (RFC 3875 §4.4)', () => {
  test.each<[string, string | undefined, string, readonly string[]]>([
    ['words', 'one+two', 'GET', ['one', 'two']],
    ['words for HEAD', 'one', 'HEAD', ['one']],
    ['an encoded plus', 'a%2Bb+c', 'GET', ['a+b', 'c']],
    ['an encoded equals sign', 'a%3Db', 'GET', ['a=b']],
    ['empty words', 'a++b', 'GET', ['a', '', 'b']],
    ['UTF-8', '%C3%BC', 'GET', ['ü']],
    ['what a shell would read otherwise', '%24HOME+%60id%60+a%3Bb', 'GET', ['$HOME', '`id`', 'a;b']],
    ['none of a form', 'a=b', 'GET', []],
    ['none of a form behind a word', 'a+b=c', 'GET', []],
    ['none of a POST', 'one', 'POST', []],
    ['none of an empty query', '', 'GET', []],
    ['none without a query', undefined, 'GET', []],
    ['none of an option', 'a+-x', 'GET', []],
    ['none of an encoded option', '%2Dd+allow_url_include', 'GET', []],
    ['none of a broken escape', 'a+%zz', 'GET', []],
    ['none of what is no UTF-8', 'a+%ff', 'GET', []],
    ['none with NUL', 'a%00b', 'GET', []],
  ])('takes %s: %s', (_, query, method, words) => {
    const asked = request('/', { query, method });
    expect(plan({ options: { queryArgs: true, args: ['own'] }, request: asked }).args).toEqual(['own', ...words]);
    expect(plan({ options: { args: ['own'] }, request: asked }).args).toEqual(['own']);
  });

  test('gives none to an interpreter, which might take them for its own', () => {
    const asked = { options: { queryArgs: true }, found: { ...found, interpreter: '/usr/bin/php-cgi' } };
    expect(plan({ ...asked, request: request('/', { query: 'word' }) }).args).toEqual([found.file]);
  });
});

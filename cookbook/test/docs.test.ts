// The documentation holds together: links lead somewhere, promises and requirements name tests that exist, and the
// reference is the one that the doc comments make.
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { describe, expect, test } from 'vitest';
import { anchors, links } from './markdown.ts';

const root = join(import.meta.dirname, '../..');
/** What a run of the tests executes: tests, tables that tests go through, and recipes. */
const executed = /\/test\/.+\.ts$|cookbook\/[\w-]+\/README\.md$/;

const skipped = new Set(['node_modules', 'dist', '.git', '.turbo', 'CHANGELOG.md', 'fixtures']);

function pages(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true })
    .filter(({ name }) => !skipped.has(name))
    .flatMap((entry) => {
      const path = join(folder, entry.name);
      if (entry.isDirectory()) return pages(path);
      return entry.name.endsWith('.md') ? [path] : [];
    });
}

/** What is wrong with a page's links to files of the repository. */
function brokenLinks(page: string): string[] {
  return links(readFileSync(page, 'utf8')).flatMap(({ target }) => {
    if (/^[a-z]+:/.test(target)) return [];
    const [path = '', anchor] = target.split('#');
    const file = path === '' ? page : join(dirname(page), path);
    if (!existsSync(file)) return [`${target}: no such file`];
    if (anchor === undefined || statSync(file).isDirectory() || !file.endsWith('.md')) return [];
    return anchors(readFileSync(file, 'utf8')).includes(anchor) ? [] : [`${target}: no such heading`];
  });
}

/** The rows of all tables of a page, as cells; the head and the line below it are left out. */
function rows(page: string): string[][] {
  const lines = readFileSync(page, 'utf8').split('\n');
  return lines
    .filter((line, at) => line.startsWith('|') && !line.startsWith('|-') && !lines[at + 1]?.startsWith('|-'))
    .map((line) =>
      line
        .slice(1, -1)
        .split(' | ')
        .map((cell) => cell.trim()),
    );
}

/** What is wrong with the tests that a row names: the text of a link has to stand in the file it leads to. */
function missingTests(page: string, row: readonly string[]): string[] {
  const named = links(row.join(' | ')).filter(({ target }) => executed.test(target));
  if (named.length === 0) return [`${row[0]}: names no test`];
  return named.flatMap(({ text, target }) => {
    const file = join(dirname(page), target);
    if (!existsSync(file)) return [`${row[0]}: there is no ${target}`];
    const source = readFileSync(file, 'utf8').replaceAll("\\'", "'");
    return source.includes(text) ? [] : [`${row[0]}: ${target} has no “${text}”`];
  });
}

describe('the documentation', () => {
  test.each(pages(root).map((page) => relative(root, page)))('%s has no broken link', (page) => {
    expect(brokenLinks(join(root, page))).toEqual([]);
  });

  test('names an existing test for every promise', () => {
    const page = join(root, 'docs/promises.md');
    const table = rows(page);
    expect(table.length).toBeGreaterThan(40);
    expect(table.flatMap((row) => missingTests(page, row))).toEqual([]);
  });

  test('names an existing test for every requirement that is met', () => {
    const page = join(root, 'docs/rfc-conformance.md');
    const met = rows(page).filter((row) => row.length === 4);
    expect(met.length).toBeGreaterThan(60);
    expect(met.flatMap((row) => missingTests(page, row))).toEqual([]);
  });

  test('begins with the program of the first recipe', () => {
    const program = readFileSync(join(root, 'cookbook/first-program/site.mjs'), 'utf8');
    expect(readFileSync(join(root, 'README.md'), 'utf8')).toContain(`\`\`\`js\n${program}\`\`\`\n`);
  });

  test('begins with a program that runs in an empty folder', async () => {
    const program = /^```js\n([^]*?)^```$/m.exec(readFileSync(join(root, 'README.md'), 'utf8'))?.[1] ?? '';
    const folder = mkdtempSync(join(tmpdir(), 'onezero-readme-'));
    try {
      symlinkSync(join(root, 'cookbook/node_modules'), join(folder, 'node_modules'));
      writeFileSync(join(folder, 'site.mjs'), program.replace('port: 8080', 'port: 0'));
      const child = spawn(process.execPath, ['site.mjs'], { cwd: folder, stdio: ['ignore', 'pipe', 'inherit'] });
      const [address] = (await once(child.stdout, 'data')) as [Buffer];
      const url = new URL('hello/you', String(address).trim());
      expect(await (await fetch(url)).text()).toBe('GET hello/you\n');
      child.kill();
      await once(child, 'exit');
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  test('shows all code of the reference in fences', () => {
    for (const name of readdirSync(join(root, 'docs/api'))) {
      const text = readFileSync(join(root, 'docs/api', name), 'utf8');
      const prose = text.replaceAll(/^```[^]*?^```$/gm, '');
      expect(prose.split('\n').filter((line) => /[)}];$|^@/.test(line))).toEqual([]);
      expect(text.match(/^```/gm)?.length).toSatisfy((fences: number) => fences % 2 === 0);
    }
  });

  test('has the reference that the doc comments make, and every decision in its index', () => {
    execFileSync(process.execPath, ['docs/api.mjs', '--check'], { cwd: root, stdio: 'pipe' });
  });
});

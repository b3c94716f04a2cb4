// Cooks every recipe as its page says, command by command.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { Kitchen } from './kitchen.ts';
import { matches, readPage, type Step } from './page.ts';
import { isThere } from './programs.ts';

const cookbook = join(import.meta.dirname, '..');
const recipes = readdirSync(cookbook, { withFileTypes: true })
  .filter((entry) => entry.isDirectory() && !['test', 'node_modules', '.turbo'].includes(entry.name))
  .map(({ name }) => ({ name, page: readPage(readFileSync(join(cookbook, name, 'README.md'), 'utf8')) }));

async function cook(kitchen: Kitchen, step: Step): Promise<void> {
  if (step.kind === 'section') await kitchen.endServers();
  if (step.kind === 'background') await kitchen.start(step.text);
  if (step.kind !== 'commands') return;
  const printed = await kitchen.run(step.text);
  const expected = kitchen.withPorts(step.output ?? '');
  if (step.output !== undefined && !matches(expected, printed)) {
    expect(printed, `${step.text}${kitchen.logs()}`).toBe(expected);
  }
}

describe('the cookbook', () => {
  test('names every recipe in its index', () => {
    const index = readFileSync(join(cookbook, 'README.md'), 'utf8');
    for (const { name } of recipes) expect(index).toContain(`(${name}/README.md)`);
  });

  test.each(recipes)('$name shows its files as they are', ({ name, page }) => {
    for (const step of page.steps) {
      if (step.kind === 'file') expect(step.text).toBe(readFileSync(join(cookbook, name, step.name), 'utf8'));
    }
    expect(page.steps.some(({ kind }) => kind === 'commands')).toBe(true);
  });

  for (const { name, page } of recipes) {
    const missing = page.needs.filter((program) => !isThere(program));
    // Where the real programs are promised, a missing one is a failure, not a quieter run.
    const skip = missing.length > 0 && process.env['CI'] === undefined;
    (skip ? test.skip : test.concurrent)(`${name} works${skip ? ` (needs ${missing.join(', ')})` : ''}`, async () => {
      const kitchen = await Kitchen.open(name, page.needs);
      try {
        for (const step of page.steps) await cook(kitchen, step);
      } finally {
        await kitchen.close();
      }
    });
  }
});

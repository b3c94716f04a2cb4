// Recipes for the programs around the server, read by those programs.

import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { run, site } from './command.ts';

const place = site({ 'www/a.txt': 'hello', 'app.py': 'def app(environ, start): pass\n' });
afterAll(() => place.remove());

const has = (program: string): boolean =>
  process.env['CI'] !== undefined || spawnSync('sh', ['-c', 'command -v "$1"', 'sh', program]).status === 0;

async function recipe(name: string, ...flags: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await run(['recipe', name, 'www', ...flags], { cwd: place.path });
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  return stdout;
}

function save(name: string, text: string): string {
  const path = join(place.path, name);
  writeFileSync(path, text);
  return path;
}

/** The number that stands where the pattern has its group. */
const figure = (text: string, pattern: RegExp): number => Number(pattern.exec(text)?.[1]);

const kinds: readonly (readonly string[])[] = [
  [],
  ['--host', '--port', '80', '--hosts', 'www.example,*.example'],
  ['--drain-delay', '800ms', '--grace', '3s', '--idle-timeout', '4s', '--health', '/up'],
  ['--drain-delay', '20s', '--grace', '60s', '--answer-timeout', '0', '--idle-timeout', '0'],
  ['--wsgi', '/app=app:app', '--header', 'X-Odd: 100% "of" $it', '--log-file', 'log/access.log'],
];

describe('a recipe', () => {
  test.skipIf(!has('haproxy')).each(kinds)('for HAProxy is sound: %j', async (...flags) => {
    const text = await recipe('haproxy', ...flags);
    execFileSync('haproxy', ['-c', '-q', '-f', save('haproxy.cfg', text)], { stdio: 'pipe' });
    const drainMs = figure(text, /A stop takes (\S+) s in/) * 1000;
    // It notices before the listener closes, also where one check has just been.
    expect(figure(text, /check inter (\d+)ms fall 1/) * 2).toBeLessThan(drainMs);
  });

  test.skipIf(!has('nginx')).each(kinds)('for nginx is sound: %j', async (...flags) => {
    const text = await recipe('nginx', ...flags);
    const whole = `pid ${place.path}/pid;\nevents {}\nhttp {\n${text}\n}\n`;
    execFileSync('nginx', ['-t', '-q', '-e', 'stderr', '-c', save('nginx.conf', whole)], { stdio: 'pipe' });
    const idle = flags.includes('--idle-timeout')
      ? Number.parseFloat(flags[flags.indexOf('--idle-timeout') + 1] ?? '')
      : 65;
    if (idle > 0) expect(figure(text, /keepalive_timeout (\d+)s/)).toBeLessThan(idle);
  });

  test.skipIf(!has('systemd-analyze')).each(kinds)(
    'for systemd is sound, and starts the same words: %j',
    async (...flags) => {
      const text = await recipe('systemd', ...flags);
      const path = save('onezero.service', text);
      const checked = spawnSync('systemd-analyze', ['verify', '--man=no', '--recursive-errors=no', path]);
      expect(
        checked.stderr
          .toString()
          .split('\n')
          .filter((line) => line.includes(path)),
      ).toEqual([]);
      expect(checked.status).toBe(0);
      const [drain, stop] = [figure(text, /A stop takes (\S+) s in/), figure(text, /^TimeoutStopSec=(\d+)/m)];
      const grace = flags.includes('--grace') ? Number.parseFloat(flags[flags.indexOf('--grace') + 1] ?? '') : 10;
      expect(stop).toBeGreaterThan(drain + grace);
      const words = /^ExecStart=\/usr\/bin\/env onezero (.*)$/m.exec(text)?.[1] ?? '';
      expect(words.startsWith('www')).toBe(true);
      expect(words).not.toMatch(/(?<!%)%(?!%)/);
    },
  );

  test.skipIf(!has('python3') || spawnSync('python3', ['-c', 'import yaml']).status !== 0).each(kinds)(
    'for Kubernetes is a Deployment whose times fit together: %j',
    async (...flags) => {
      const text = await recipe('kubernetes', ...flags);
      const script = 'import json, sys, yaml; print(json.dumps(list(yaml.safe_load_all(sys.stdin))))';
      const [deployment, service] = JSON.parse(execFileSync('python3', ['-c', script], { input: text }).toString()) as [
        Deployment,
        { spec: { ports: { targetPort: string }[] } },
      ];
      const { terminationGracePeriodSeconds, containers } = deployment.spec.template.spec;
      const [container] = containers;
      const grace = flags.includes('--grace') ? Number.parseFloat(flags[flags.indexOf('--grace') + 1] ?? '') : 10;
      const drain = figure(text, /A stop takes (\S+) s in/);
      expect(terminationGracePeriodSeconds).toBeGreaterThan(drain + grace);
      expect(container?.command.slice(0, 2)).toEqual(['onezero', 'www']);
      expect(container?.command).toContain('--health');
      expect(container?.command.some((word) => word.startsWith('--drain-delay'))).toBe(true);
      expect(container?.readinessProbe.httpGet.path).toBe(flags.includes('/up') ? '/up' : '/healthz');
      const host = flags.includes('--hosts') ? [{ name: 'Host', value: 'www.example' }] : undefined;
      expect(container?.readinessProbe.httpGet.httpHeaders).toEqual(host);
      expect(container?.livenessProbe).toHaveProperty('tcpSocket');
      expect(service.spec.ports[0]?.targetPort).toBe('http');
    },
  );

  test('for logrotate moves the log and has it opened anew', async () => {
    const text = await recipe('logrotate', '--log-file', 'log/access.log');
    expect(text).toContain(`"${join(place.path, 'log/access.log')}" {`);
    const program = ['/usr/sbin/logrotate', '/usr/bin/logrotate'].find(existsSync);
    if (program !== undefined)
      execFileSync(program, ['-d', '-s', join(place.path, 'state'), save('rotate.conf', text)], { stdio: 'pipe' });
    else expect(process.env['CI']).toBeUndefined();
    const refused = await run(['recipe', 'logrotate', 'www'], { cwd: place.path });
    expect(refused).toMatchObject({ code: 2, stderr: 'Error: logrotate needs --log-file\n' });
  });

  test.skipIf(!has('promtool')).each([[], ['--metrics', '/m', '--port', '9999']])(
    'for Prometheus is sound: %j',
    async (...flags) => {
      const text = await recipe('prometheus', ...flags);
      execFileSync('promtool', ['check', 'config', save('prometheus.yml', text)], { stdio: 'pipe' });
      expect(text).toContain(flags.length === 0 ? 'lacks: --metrics /metrics' : 'metrics_path: "/m"');
    },
  );

  test('of another name is refused with the nearest', async () => {
    const refused = await run(['recipe', 'nginks'], { cwd: place.path });
    expect(refused).toMatchObject({ code: 2, stderr: expect.stringContaining('nginx') as string });
    expect(await run(['recipe'], { cwd: place.path })).toMatchObject({ code: 2 });
  });
});

interface Deployment {
  readonly spec: {
    readonly template: {
      readonly spec: {
        readonly terminationGracePeriodSeconds: number;
        readonly containers: readonly {
          readonly command: readonly string[];
          readonly readinessProbe: { readonly httpGet: { readonly path: string; readonly httpHeaders?: unknown } };
          readonly livenessProbe: object;
        }[];
      };
    };
  };
}

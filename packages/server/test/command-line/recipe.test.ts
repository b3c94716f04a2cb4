// Recipes for the programs around the server, read by those programs.

import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { afterAll, describe, expect, onTestFinished, test } from 'vitest';
import { freePort } from '../free-port.ts';
import { run, site, start } from './command.ts';

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

const proxyFlags = ['--trusted-proxy', '127.0.0.1'];

/** A whole configuration around what belongs into its http block. */
function nginxConf(http: string): string {
  const places = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (kind) => `${kind}_temp_path ${place.path}/${kind};`,
  );
  return `daemon off;\npid ${place.path}/pid;\nevents {}\nhttp {\naccess_log off;\n${places.join('\n')}\n${http}\n}\n`;
}

/** What a client gets that asks for a host of the proxy's. */
function through(port: number): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    let text = '';
    socket.on('data', (bytes) => {
      text += String(bytes);
    });
    socket.on('error', () => resolve('refused'));
    socket.on('close', () => resolve(text));
    socket.write('GET /a.txt HTTP/1.1\r\nHost: shop.example\r\nConnection: close\r\n\r\n');
  });
}

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
    execFileSync('nginx', ['-t', '-q', '-e', 'stderr', '-c', save('nginx.conf', nginxConf(text))], { stdio: 'pipe' });
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
      // In tenths of systemd's points from 0 to 10, of which most packages' units have 9.
      const exposure = ['security', '--offline=true', '--threshold=25', path];
      expect(spawnSync('systemd-analyze', exposure).status).toBe(0);
      const [drain, stop] = [figure(text, /A stop takes (\S+) s in/), figure(text, /^TimeoutStopSec=(\d+)/m)];
      const grace = flags.includes('--grace') ? Number.parseFloat(flags[flags.indexOf('--grace') + 1] ?? '') : 10;
      expect(stop).toBeGreaterThan(drain + grace);
      const words = /^ExecStart=\/usr\/bin\/env onezero (.*)$/m.exec(text)?.[1] ?? '';
      expect(words.startsWith('www')).toBe(true);
      expect(words).not.toMatch(/(?<!%)%(?!%)/);
    },
  );

  test.skipIf(!has('haproxy') || !has('nginx')).each([
    [['-l', 'unix:/run/site.sock'], 'unix:/run/site.sock', 'unix@/run/site.sock', 'unix'],
    [['--host', '192.0.2.7', '-p', '90'], '192.0.2.7:90', '192.0.2.7:90', '192.0.2.7'],
    [['--host', '::1', '-p', '90'], '[::1]:90', '[::1]:90', '::1'],
    [['--host', '-p', '90'], '127.0.0.1:90', '127.0.0.1:90', '127.0.0.1'],
  ])('for proxies leads to where the server listens: %j', async (flags, forNginx, forHaproxy, trusted) => {
    const [one, other] = [await recipe('nginx', ...flags), await recipe('haproxy', ...flags)];
    expect(one).toContain(`  server ${forNginx} max_fails`);
    expect(other).toContain(`  server one ${forHaproxy}\n`);
    for (const text of [one, other]) expect(text).toContain(`--trusted-proxy ${trusted}\n`);
    execFileSync('nginx', ['-t', '-q', '-e', 'stderr', '-c', save('at.conf', nginxConf(one))], { stdio: 'pipe' });
    execFileSync('haproxy', ['-c', '-q', '-f', save('at.cfg', other)], { stdio: 'pipe' });
  });

  test('speaks TLS where a certificate is made on the spot', async () => {
    expect(await recipe('nginx', '--https')).toContain('proxy_pass https://onezero;');
    expect(await recipe('haproxy', '--https')).toContain(' ssl verify none check-ssl\n');
    expect(await recipe('kubernetes', '--https')).toContain('scheme: HTTPS');
    expect(await recipe('systemd', '--https')).toContain('\nStateDirectory=onezero\nEnvironment=XDG_STATE_HOME=%S\n');
  });

  test('for systemd makes the folders that the server writes to, or says that it cannot', async () => {
    const made = [
      '--log-file',
      '/var/log/site/access.log',
      '--ready-file',
      '/run/site/ready',
      '-l',
      'unix:/run/site/a',
    ];
    const text = await recipe('systemd', ...made);
    expect(text).toContain('\nLogsDirectory=site\nRuntimeDirectory=site\nProtectHome=yes\n');
    expect(text).not.toContain('cannot be written:');
    expect(await recipe('systemd', '--log-file', '/dev/stdout')).not.toContain('cannot be written:');
    expect(await recipe('systemd', '--log-file', '/var/log/access.log')).toContain(
      '\n# /var/log/access.log cannot be written:',
    );
  });

  test('for systemd says which folder the service could not see', async () => {
    const text = await recipe('systemd', '--cgi-bin', '/root/scripts');
    expect(text).toContain('\n# ProtectHome= below hides /root/scripts: move it');
    expect(text.includes(`# PrivateTmp= below hides ${place.path}: move it`)).toBe(place.path.startsWith('/tmp/'));
    expect(text).not.toContain('hides /srv');
  });

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

  test.skipIf(!has('haproxy') || !has('nginx')).each(['haproxy', 'nginx'])(
    'for %s works with the flags that it names, for a host of its own',
    async (name) => {
      const server = await start(
        ['www', '--host', '127.0.0.1', '--health', '/up', '--drain-delay', '1s', ...proxyFlags],
        {
          cwd: place.path,
        },
      );
      onTestFinished(() => void server.stop());
      const text = await recipe(name, '--port', `${server.port}`, '--health', '/up', '--drain-delay', '1s');
      expect(text).toContain(`lacks: ${proxyFlags.join(' ')}\n`);
      const front = await freePort();
      const moved = text.replace('127.0.0.1:8000', `127.0.0.1:${front}`);
      const words =
        name === 'haproxy'
          ? ['-db', '-f', save('live.cfg', moved)]
          : ['-e', 'stderr', '-c', save('live.conf', nginxConf(moved))];
      const proxy = spawn(name, words, { stdio: 'ignore' });
      onTestFinished(() => void proxy.kill());
      await expect.poll(() => through(front)).toMatch(/^HTTP\/1\.1 200 [^]*hello$/);
    },
  );

  test.each(['haproxy', 'nginx', 'systemd', 'kubernetes'])(
    'for %s has numbers also where nothing is limited',
    async (name) => {
      const unlimited = ['idle', 'answer', 'close'].map((what) => `--${what}-timeout=unlimited`);
      expect(await recipe(name, ...unlimited, '--drain-delay=unlimited')).not.toMatch(/Infinity|NaN|null/);
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

  test('asks for health and metrics where they are, below a base path too', async () => {
    const flags = ['--base', '/app/', '--health', '/up', '--metrics', '/counts'];
    expect(await recipe('haproxy', ...flags)).toContain(' uri /app/up ');
    expect(await recipe('kubernetes', ...flags)).toContain('path: "/app/up"');
    expect(await recipe('prometheus', ...flags)).toContain('metrics_path: "/app/counts"');
    const without = await recipe('prometheus', '--base', '/app');
    expect(without).toContain('lacks: --metrics /metrics\n');
    expect(without).toContain('metrics_path: "/app/metrics"');
    const server = await start(['www', ...flags], { cwd: place.path });
    for (const path of ['/app/up', '/app/counts']) expect((await server.fetch(path)).status).toBe(200);
    await server.stop();
  });

  test.skipIf(!has('haproxy'))('asks HAProxy for a health path with quotes in it', async () => {
    const text = await recipe('haproxy', '--health', `/h"zé's%20`);
    expect(text).toContain(' uri /h%22z%C3%A9%27s%20 ver ');
    execFileSync('haproxy', ['-c', '-q', '-f', save('quotes.cfg', text)], { stdio: 'pipe' });
  });

  test('for Prometheus, which asks no Unix sockets, wants a port', async () => {
    const refused = await run(['recipe', 'prometheus', '-l', 'unix:/run/site.sock'], { cwd: place.path });
    expect(refused).toEqual({
      code: 2,
      stdout: '',
      stderr: 'Error: prometheus needs a port: put it first, as --listen :8080\n',
    });
    expect(await recipe('prometheus', '-l', ':9090', '-l', 'unix:/run/site.sock')).toContain('["127.0.0.1:9090"]');
  });

  test.skipIf(!has('systemd-analyze'))('for systemd has what the environment says', async () => {
    const env = {
      ONEZERO_PORT: '9090',
      ONEZERO_LOG_FORMAT: 'json',
      ONEZERO_AUTH_REALM: '50% "of" $it \\ é',
      ONEZERO_AUTH: 'me:mellon',
    };
    const { stdout } = await run(['recipe', 'systemd', 'www'], { cwd: place.path, env });
    expect(stdout).toContain('\nEnvironment="ONEZERO_PORT=9090"\n');
    expect(stdout).toContain('\n# ONEZERO_AUTH is not shown: ');
    expect(stdout).not.toContain('mellon');
    expect(stdout).toContain('\nEnvironment="ONEZERO_AUTH_REALM=50%% \\"of\\" $it \\\\ é"\n');
    const path = save('environment.service', stdout);
    const { stderr } = spawnSync('systemd-analyze', ['verify', '--man=no', '--recursive-errors=no', path]);
    expect(
      String(stderr)
        .split('\n')
        .filter((line) => line.includes(path)),
    ).toEqual([]);
  });

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

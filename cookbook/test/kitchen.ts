// Where recipes are cooked: a copy of the recipe's folder, free ports in place of the page's, and every process ended.
//
// A page says 8080 as people do; a test cannot, so each port that a page or its files name becomes a free one, in the
// copy of the files and in the commands. Nothing else is changed.
import { spawn, type ChildProcess } from 'node:child_process';
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { cp, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { pythonNeeded } from './programs.ts';

const cookbook = join(import.meta.dirname, '..');
const portsOfPages = /\b(8080|8081|8082|8443|9000)\b/g;
const textFiles = /\.(m?js|ts|json|conf|cfg|service|py|sh|ini)$|Containerfile$/;

/** How long a server of a recipe may take until it listens: Django on a busy machine needs most of it. */
const startTimeoutMs = 200_000;

interface Background {
  readonly child: ChildProcess;
  /** Standard output: what a page shows. */
  printed: string;
  /** Standard error: system tools also complain there about what is not ours, so it is shown where something failed. */
  complained: string;
}

export class Kitchen {
  readonly folder: string;
  readonly #ports: ReadonlyMap<string, string>;
  readonly #claims: readonly Socket[];
  #running: Background[] = [];
  #path = `${process.env['PATH']}:/usr/sbin`;

  private constructor(folder: string, { ports, claims }: FreePorts) {
    this.folder = folder;
    this.#ports = ports;
    this.#claims = claims;
  }

  static async open(recipe: string, needs: readonly string[]): Promise<Kitchen> {
    const folder = await mkdtemp(join(tmpdir(), 'onezero-recipe-'));
    await cp(join(cookbook, recipe), folder, { recursive: true });
    const page = await readFile(join(folder, 'README.md'), 'utf8');
    const kitchen = new Kitchen(folder, await freePorts(page));
    await kitchen.#movePorts();
    // After the ports were moved: Node 22 and later follow a link where a directory is read with all below it.
    await symlink(join(cookbook, 'node_modules'), join(folder, 'node_modules'));
    const python = pythonNeeded(needs);
    if (python?.startsWith('/')) await kitchen.#preferPython(python);
    return kitchen;
  }

  /** The text with free ports in place of the page's. */
  withPorts(text: string): string {
    return text.replaceAll(portsOfPages, (port) => this.#ports.get(port) ?? port);
  }

  /** Makes `python3` the one that has what the recipe needs, as activating its virtual environment would. */
  async #preferPython(python: string): Promise<void> {
    const bin = join(this.folder, '.python');
    await mkdir(bin);
    await symlink(python, join(bin, 'python3'));
    this.#path = `${bin}:${this.#path}`;
  }

  async #movePorts(): Promise<void> {
    for (const entry of await readdir(this.folder, { recursive: true, withFileTypes: true })) {
      const file = join(entry.parentPath, entry.name);
      if (!entry.isFile() || !textFiles.test(file)) continue;
      const text = await readFile(file, 'utf8');
      const moved = this.withPorts(text);
      if (moved !== text) await writeFile(file, moved);
    }
  }

  /** Runs commands to their end and returns what they printed on standard output; throws where one of them fails. */
  async run(commands: string): Promise<string> {
    const background = this.#spawn(`set -e\n${commands}`);
    const [code] = await once(background.child, 'close');
    const { printed, complained } = background;
    if (code !== 0) throw new Error(`exit ${code} of\n${commands}\n${printed}\n${complained}\n${this.logs()}`);
    return printed;
  }

  /** Starts a server and returns when the last port its commands name, or 8080, answers. */
  async start(commands: string): Promise<void> {
    const port = Number(this.withPorts(commands.match(portsOfPages)?.at(-1) ?? '8080'));
    const background = this.#spawn(`exec 2>&1\n${commands}`);
    this.#running.push(background);
    const deadline = Date.now() + startTimeoutMs;
    while (!(await answers(port))) {
      if (background.child.exitCode !== null) throw new Error(`${commands}ended early:\n${background.printed}`);
      if (Date.now() > deadline) throw new Error(`${commands}does not listen on ${port}:\n${background.printed}`);
      await wait(50);
    }
  }

  #spawn(commands: string): Background {
    const env: NodeJS.ProcessEnv = {
      ...process.env,
      PATH: this.#path,
      NO_COLOR: '1',
      npm_config_update_notifier: 'false',
    };
    delete env['PORT'];
    delete env['CI'];
    const child = spawn('sh', ['-c', this.withPorts(commands)], {
      cwd: this.folder,
      env,
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const background: Background = { child, printed: '', complained: '' };
    child.stdout.setEncoding('utf8').on('data', (text: string) => (background.printed += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (background.complained += text));
    return background;
  }

  /** What the servers have printed so far. */
  logs(): string {
    return this.#running.map(({ printed }) => `--- server\n${printed}`).join('');
  }

  /** Ends the servers, youngest first, each with its whole process group. */
  async endServers(): Promise<void> {
    const running = this.#running.toReversed();
    this.#running = [];
    for (const { child } of running) {
      const closed = child.exitCode === null && child.signalCode === null ? once(child, 'close') : undefined;
      signalGroup(child, 'SIGTERM');
      const late = setTimeout(() => signalGroup(child, 'SIGKILL'), 120_000);
      await closed;
      clearTimeout(late);
      signalGroup(child, 'SIGKILL');
    }
  }

  async close(): Promise<void> {
    await this.endServers();
    for (const claim of this.#claims) claim.close();
    await rm(this.folder, { recursive: true, force: true });
  }
}

function signalGroup({ pid }: ChildProcess, signal: NodeJS.Signals): void {
  try {
    if (pid !== undefined) process.kill(-pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

async function answers(port: number): Promise<boolean> {
  const socket = connect(port, 'localhost');
  try {
    await once(socket, 'connect');
    return true;
  } catch (error) {
    if (!['ECONNREFUSED', undefined].includes((error as NodeJS.ErrnoException).code)) throw error;
    return false;
  } finally {
    socket.destroy();
  }
}

interface FreePorts {
  /** What stands in the page, and what takes its place. */
  readonly ports: ReadonlyMap<string, string>;
  readonly claims: readonly Socket[];
}

/**
 * Free ports below the range from which the system takes the near ends of connections: asking again and again whether a
 * port inside that range answers can connect a socket to itself.
 */
async function freePorts(page: string): Promise<FreePorts> {
  const ports = new Map<string, string>();
  const claims: Socket[] = [];
  for (const port of new Set(['8080', ...(page.match(portsOfPages) ?? [])])) {
    let claim: Socket | undefined;
    let free = 0;
    while (claim === undefined) {
      free = 20_000 + Math.floor(Math.random() * 10_000);
      claim = (await canListen(free)) ? await claimOf(free) : undefined;
    }
    ports.set(port, String(free));
    claims.push(claim);
  }
  return { ports, claims };
}

/**
 * Keeps a port from other kitchens, of this process or another, until it is closed: recipes are cooked side by side, and the server
 * listens some time after its port was found free. Undefined where another kitchen has the port.
 */
async function claimOf(port: number): Promise<Socket | undefined> {
  const socket = createSocket('udp4');
  const isBound = await new Promise<boolean>((resolve) => {
    socket
      .once('error', () => resolve(false))
      .bind({ port: port - 10_000, address: '127.0.0.1', exclusive: true }, () => resolve(true));
  });
  if (isBound) return socket;
  socket.close();
  return undefined;
}

async function canListen(port: number): Promise<boolean> {
  const server = createServer();
  const listening = new Promise<boolean>((resolve) => {
    server.once('error', () => resolve(false)).listen(port, () => resolve(true));
  });
  if (!(await listening)) return false;
  await new Promise((resolve) => server.close(resolve));
  return true;
}

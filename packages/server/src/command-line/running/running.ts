// A server that runs as a configuration says, until it is stopped: in one process, or as one worker of several.

import { setTimeout as delay } from 'node:timers/promises';
import type { MetricsSnapshot } from '../../operations/metrics.ts';
import { createMetrics, type Health } from '../../operations/metrics.ts';
import type { Certificates } from '../../operations/certificates.ts';
import { accessLog, type AccessLog } from '../../operations/access-log.ts';
import type { Address, Listener, Server, ServerOptions, TlsOptions } from '../../options.ts';
import { HttpServer } from '../../server.ts';
import { certificatePlaces } from '../configuration/certificate-places.ts';
import { generationOptions, type Surroundings } from './generation.ts';
import { listenersOf, onFreePort } from './listeners.ts';
import type { InheritedListener } from '../../operations/worker-messages.ts';
import type { Configuration } from '../options/table.ts';
import type { WsgiConfiguration } from '../options/mounts.ts';

// How long an application that did not load is left alone before it is asked again.
const ASK_AGAIN_MS = 500;

export interface RunningOptions {
  readonly configuration: Configuration;
  /** The port to ask for, and whether the next may be taken when it is in use. */
  readonly port: number;
  readonly mayMovePort: boolean;
  /** Sockets that are bound already, in place of the configured addresses. */
  readonly inherited?: readonly InheritedListener[] | undefined;
  /** Standard error: whole lines without their ends. */
  readonly report: (line: string) => void;
  /** Where there are several workers, adds up what all of them counted. */
  readonly addUpWorkers?: ((own: MetricsSnapshot) => Promise<MetricsSnapshot>) | undefined;
}

/** A running server. */
export class Running {
  readonly #options: RunningOptions;
  readonly #metrics = createMetrics();
  readonly #surroundings: Surroundings;
  #server!: Server;
  #configuration: Configuration;
  #log: AccessLog | undefined;
  #health: Health = 'starting';
  #certificates: Certificates | undefined;
  #addresses: readonly Address[] = [];
  #port = 0;
  /** Resolves when every application is loaded, or the server stops before. Has a meaning once `listen` has resolved. */
  whenReady: Promise<void> = Promise.resolve();

  /** Rejects for options that cannot be used, and for a log file that cannot be opened. Nothing listens yet. */
  static async prepare(options: RunningOptions): Promise<Running> {
    const running = new Running(options);
    running.#server = new HttpServer(await running.#generation(options.configuration), running.#surroundings.makers);
    return running;
  }

  private constructor(options: RunningOptions) {
    this.#options = options;
    this.#configuration = options.configuration;
    this.#surroundings = {
      accessLog: (entry) => {
        this.#log?.(entry);
        this.#metrics.observe(entry);
      },
      health: () => this.#health,
      collectMetrics: () => options.addUpWorkers?.(this.snapshot()) ?? this.snapshot(),
      report: options.report,
      makers: {},
    };
    this.#log = openLog(options.configuration, options.report);
  }

  /** Where it listens. */
  get addresses(): readonly Address[] {
    return this.#addresses;
  }

  /** The port that was asked for in the end, which is 0 where any would do. */
  get port(): number {
    return this.#port;
  }

  snapshot(): MetricsSnapshot {
    return this.#metrics.snapshot(this.#server);
  }

  /**
   * Opens the listeners once the applications are loaded, or before where they may take their time. Rejects with the
   * system's error, and when an application does not load or the certificate cannot be used.
   */
  async listen(): Promise<void> {
    const { configuration, port, mayMovePort } = this.#options;
    const isPatient = mayLoadLater(configuration);
    if (!isPatient) await this.#server.ready();
    this.#certificates = await readCertificates(configuration, this.#options.report);
    const tls = this.#certificates?.tls;
    const { inherited } = this.#options;
    const listen = (at: number): Promise<readonly Address[]> =>
      this.#server.listen(inherited?.map(inheritedListener(tls)) ?? listenersOf(configuration, tls, at));
    const opened = await onFreePort(port, mayMovePort && configuration.listen === undefined, listen);
    this.#addresses = opened.result;
    this.#port = opened.port;
    this.#certificates?.watch((renewed) => this.#renew(renewed));
    if (isPatient) this.whenReady = this.#untilReady();
    else this.#health = 'ok';
  }

  /** Asks until every application is loaded; each reason why one is not is reported once. */
  async #untilReady(): Promise<void> {
    for (let reported = ''; this.#health !== 'stopping';) {
      try {
        await this.#server.ready();
        if (this.#health === 'starting') this.#health = 'ok';
        return;
      } catch (error) {
        const { message } = error as Error;
        if (message !== reported) this.#options.report(`Warning: not ready, trying again: ${message}`);
        reported = message;
        await delay(ASK_AGAIN_MS, undefined, { ref: false });
      }
    }
  }

  /** Swaps in another configuration. Rejects, with everything as before, when it cannot be used. */
  async reload(configuration: Configuration): Promise<void> {
    const certificates = await readCertificates(configuration, this.#options.report, this.#certificates);
    const log = openLog(configuration, this.#options.report);
    try {
      await this.#server.reload(await this.#generation(configuration));
    } catch (error) {
      await log?.close();
      throw error;
    }
    const old = this.#log;
    this.#log = log;
    // It may have been moved away while the applications loaded.
    this.reopenLog();
    this.#configuration = configuration;
    this.#certificates?.close();
    this.#certificates = certificates;
    if (certificates !== undefined) this.#renew(certificates.tls);
    certificates?.watch((renewed) => this.#renew(renewed));
    await old?.close();
  }

  /** Opens the log file anew. */
  reopenLog(): void {
    try {
      this.#log?.reopen();
    } catch (error) {
      this.#options.report(`Error: the log stays in the old file: ${(error as Error).message}`);
    }
  }

  /** Stops taking connections, finishes what is under way within `graceMs`, and writes the rest of the log. */
  async stop(graceMs?: number): Promise<void> {
    this.#health = 'stopping';
    this.#certificates?.close();
    await this.#server.close({ graceMs: graceMs ?? Math.round(this.#configuration.closeTimeout * 1000) });
    await this.#log?.close();
  }

  /** Without a log and without metrics nobody is told of requests, and nothing is made to tell. */
  async #generation(configuration: Configuration): Promise<ServerOptions> {
    const options = await generationOptions(configuration, this.#surroundings);
    const isHeard = isLogged(configuration) || configuration.metrics !== undefined;
    return isHeard ? options : { ...options, accessLog: undefined };
  }

  #renew(tls: TlsOptions): void {
    for (const [index, address] of this.#addresses.entries()) {
      if (address.secure) this.#server.renewCertificate(index, tls);
    }
  }
}

function inheritedListener(tls: TlsOptions | undefined): (inherited: InheritedListener) => Listener {
  return ({ descriptors, secure }) => {
    if (secure && tls === undefined)
      throw new Error('the configuration names no certificate for a TLS listener any more');
    return { fd: descriptors, tls: secure ? tls : undefined };
  };
}

/** Where sources are watched somebody is at work on them, and an application that does not load now may do so soon. */
function mayLoadLater({ keepTrying, wsgi, asgi, app, sites = [] }: Configuration): boolean {
  return (
    keepTrying ||
    [wsgi, asgi, app, ...sites.flatMap((site) => [site.wsgi, site.asgi, site.app])].some((mounts) =>
      mounts?.some(isWatched),
    )
  );
}

function isWatched(mount: WsgiConfiguration): boolean {
  return mount['reload'] === true;
}

function isLogged({ accessLog: isWanted, quiet, logFile }: Configuration): boolean {
  return isWanted && (!quiet || logFile !== undefined);
}

function openLog(configuration: Configuration, report: (line: string) => void): AccessLog | undefined {
  if (!isLogged(configuration)) return undefined;
  const { logFormat, logFile } = configuration;
  const isTerminal = logFile === undefined && process.stdout.isTTY;
  const useColor = isTerminal && process.stdout.hasColors();
  const onError = ({ message }: Error): void => report(`Warning: ${message}`);
  return accessLog({ format: logFormat ?? (isTerminal ? 'dev' : 'combined'), file: logFile, useColor, onError });
}

async function readCertificates(
  configuration: Configuration,
  report: (line: string) => void,
  before?: Certificates,
): Promise<Certificates | undefined> {
  const places = certificatePlaces(configuration);
  if (places.length === 0) return undefined;
  const { Certificates } = await import('../../operations/certificates.ts');
  return new Certificates(places, report, before);
}

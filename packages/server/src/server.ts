// `HttpServer`, which `createServer` makes: what is listened on, who is connected, what is served now, and how all of that ends.

import { checkAsked, checkListeners, checkQuestion, checkStopOptions } from './check-options.ts';
import { compose, type Makers } from './compose.ts';
import { Ends } from './transport/ends.ts';
import { Clock } from './connection/clock.ts';
import { Connection, type Engine } from './connection/connection.ts';
import { Members } from './connection/members.ts';
import { openListener, type Listening } from './transport/listening.ts';
import { serviceOf, type Service } from './connection/service.ts';
import type { Receiver, Transport } from './transport/transport.ts';
import { ProxyGate } from './connection/proxy-gate.ts';
import type { ReadHeader } from './transport/accept.ts';
import { TurnedAway } from './connection/turned-away.ts';
import type {
  Address,
  ApplicationState,
  Explanation,
  Listener,
  Question,
  Server,
  ServerOptions,
  StopOptions,
  TlsOptions,
} from './options.ts';
import { bindMethods, refuseHabits } from './server-habits.ts';
import { Stop } from './stop.ts';
import { warnOnce } from './warn-once.ts';
import { refuseExposure } from './webdav-mounts.ts';

// Beyond the limit of connections so many more get an answer before they are closed; the rest are only closed.
const TURNED_AWAY_AT_ONCE = 256;

const CLOSED = 'the server is closed; createServer makes another';

/**
 * A server that can make what `makers` can: their packages are a third of all the code, which a server of files would read at
 * every start for nothing. The object may be filled later, before a reload that needs more.
 */
export class HttpServer implements Server, Engine {
  readonly clock: Clock;
  service: Service;
  isStopping = false;
  readonly #listening: Listening[] = [];
  /** Those of proxies that have not said yet who their client is, too. */
  readonly #connections = new Members<'serverPlace', Connection | ProxyGate>('serverPlace');
  readonly #byAddress = new Map<string, number>();
  /** Earlier generations that still answer what began with them. */
  readonly #retiring = new Set<Service>();
  #turnedAway = 0;
  /** The last reload, which the next one waits for. */
  #reloads: Promise<void> = Promise.resolve();
  /** Ends the reload that is waiting for its responders. */
  #cancelReload: (() => void) | undefined;
  #accepted = 0;
  readonly #stop: Stop;
  readonly #makers: Makers;
  #closing: Promise<void> | undefined;

  constructor(options: ServerOptions, makers: Makers) {
    this.#makers = makers;
    this.service = this.#serviceOf(options);
    this.#stop = new Stop({
      connections: this.#connections,
      listening: this.#listening,
      accepted: () => this.#accepted,
      drain: () => this.service.site.drain(),
    });
    const { headTimeoutMs, contentTimeoutMs, idleTimeoutMs, answerTimeoutMs, silenceTimeoutMs, drainTimeoutMs } =
      this.service.limits;
    const timeouts = [
      headTimeoutMs,
      contentTimeoutMs,
      idleTimeoutMs,
      answerTimeoutMs,
      silenceTimeoutMs,
      drainTimeoutMs,
    ];
    this.clock = new Clock(timeouts);
    bindMethods(this);
  }

  #serviceOf(options: ServerOptions): Service {
    return serviceOf(options, (given) => compose(given, this.#makers, () => this.addresses));
  }

  async fetch(request: Request | URL | string, init?: RequestInit): Promise<Response> {
    if (this.isStopping) throw new Error(CLOSED);
    const asked = typeof request === 'string' ? new URL(request, 'http://localhost') : request;
    checkAsked(asked);
    const { fetchInMemory } = await import('./fetch-in-memory.ts');
    return fetchInMemory(new Request(asked, init), (transport) => {
      const receiver = this.#admit(transport, new Ends(transport, this.service.isTrusted));
      if (receiver === undefined) transport.destroy();
      else transport.open(receiver);
    });
  }

  get addresses(): readonly Address[] {
    return this.#listening.map(({ address }) => address);
  }

  get connections(): number {
    return this.#connections.size;
  }

  get applications(): readonly ApplicationState[] {
    return this.service.site.applications();
  }

  get requests(): number {
    let sum = this.service.underWay;
    for (const { underWay } of this.#retiring) sum += underWay;
    return sum;
  }

  async listen(
    given: number | Listener | readonly Listener[] = {},
    ...more: readonly unknown[]
  ): Promise<readonly Address[]> {
    if (this.isStopping) throw new Error(CLOSED);
    const listeners = typeof given === 'number' ? [{ port: given }] : [given].flat();
    checkListeners(listeners, more);
    const { headTimeoutMs } = this.service.limits;
    const settings = {
      accept: (transport: Transport, header?: ReadHeader) => this.#accept(transport, header),
      sendsProxyHeader: (address: string) => this.service.sendsProxyHeader?.(address) === true,
      failed: (error: Error) => warnOnce('accepting connections', error),
      handshakeTimeoutMs: headTimeoutMs || 120_000,
      maxConnections: () => this.service.limits.maxConnections,
    };
    const opened: Listening[] = [];
    try {
      for (const listener of listeners) opened.push(await openListener(listener, settings));
      // It may have been closed meanwhile, and would hold these for ever.
      if (this.isStopping) throw new Error(CLOSED);
      const addresses = opened.map(({ address }) => address);
      refuseExposure(this.service.site.openFolder, addresses);
      this.#listening.push(...opened);
      return addresses;
    } catch (error) {
      await Promise.all(opened.map((one) => one.close()));
      throw error;
    }
  }

  #accept(transport: Transport, header?: ReadHeader): Receiver | undefined {
    const { isTrusted, sendsProxyHeader } = this.service;
    const ends = new Ends(transport, isTrusted, header?.ends);
    const isGated = header === undefined && sendsProxyHeader?.(ends.remote.address) === true;
    return isGated ? this.#awaitHeader(transport) : this.#admit(transport, ends);
  }

  /** The client behind a proxy counts from the moment it is known. */
  #awaitHeader(transport: Transport): Receiver | undefined {
    const { headTimeoutMs, maxConnections } = this.service.limits;
    if (maxConnections > 0 && this.#connections.size >= maxConnections) return this.#turnAway(transport);
    this.#accepted += 1;
    const gate = new ProxyGate({
      transport,
      clock: this.clock,
      timeoutMs: headTimeoutMs,
      admit: (announced) => {
        this.#connections.delete(gate);
        return this.#admit(transport, new Ends(transport, this.service.isTrusted, announced));
      },
      closed: () => {
        this.#connections.delete(gate);
        this.#stop.closed();
      },
    });
    this.#connections.add(gate);
    return gate;
  }

  #admit(transport: Transport, ends: Ends): Receiver | undefined {
    const { maxConnections, maxConnectionsPerAddress } = this.service.limits;
    const { address } = ends.remote;
    const count = this.#byAddress.get(address) ?? 0;
    const isTooMany =
      (maxConnections > 0 && this.#connections.size >= maxConnections) ||
      (maxConnectionsPerAddress > 0 && count >= maxConnectionsPerAddress);
    if (isTooMany) return this.#turnAway(transport);
    this.#byAddress.set(address, count + 1);
    this.#accepted += 1;
    const connection = new Connection(this, transport, ends);
    this.#connections.add(connection);
    return connection;
  }

  #turnAway(transport: Transport): Receiver | undefined {
    if (this.#turnedAway >= TURNED_AWAY_AT_ONCE) {
      transport.destroy();
      return undefined;
    }
    this.#turnedAway += 1;
    return new TurnedAway(transport, this.clock, () => {
      this.#turnedAway -= 1;
    });
  }

  closed(connection: Connection): void {
    if (!this.#connections.delete(connection)) return;
    const { address } = connection.ends.remote;
    const count = (this.#byAddress.get(address) ?? 1) - 1;
    if (count === 0) this.#byAddress.delete(address);
    else this.#byAddress.set(address, count);
    this.#stop.closed();
  }

  idle(service: Service): void {
    if (service !== this.service) this.#retire(service);
  }

  /** Closes what an earlier generation of options had opened, once it answers nothing any more. */
  #retire(service: Service): void {
    this.#retiring.add(service);
    if (service.underWay > 0) return;
    this.#retiring.delete(service);
    void closeSite(service);
  }

  explain(question: Question): Explanation {
    checkQuestion(question);
    return this.service.site.explain(question);
  }

  ready(): Promise<void> {
    return this.service.site.ready();
  }

  reload(options: ServerOptions): Promise<void> {
    const turn = this.#reloads.then(() => this.#reload(options));
    // The caller has the rejection; the next reload begins after it.
    this.#reloads = turn.catch(() => undefined);
    return turn;
  }

  async #reload(options: ServerOptions): Promise<void> {
    if (this.isStopping) throw new Error(CLOSED);
    const next = this.#serviceOf(options);
    const closed = new Promise<never>((_, reject) => {
      this.#cancelReload = () => reject(new Error('the server was closed meanwhile'));
    });
    try {
      refuseExposure(next.site.openFolder, this.addresses);
      await Promise.race([next.site.ready(), closed]);
    } catch (error) {
      await closeSite(next);
      throw error;
    } finally {
      this.#cancelReload = undefined;
    }
    const before = this.service;
    this.service = next;
    this.#retire(before);
  }

  renewCertificate(index: number, tls: TlsOptions): void {
    const listening = this.#listening[index];
    if (listening === undefined) throw new RangeError(`there is no listener ${index}`);
    listening.renewCertificate(tls);
  }

  close(options: StopOptions = {}): Promise<void> {
    checkStopOptions(options);
    const { graceMs, drainDelayMs } = options;
    const { limits } = this.service;
    const isFirst = this.#closing === undefined;
    this.isStopping = true;
    this.#cancelReload?.();
    this.#stop.cutOffAfter(graceMs ?? limits.closeTimeoutMs, !isFirst);
    // Where nobody can connect, nobody has to notice.
    this.#closing ??= this.#close(this.#listening.length === 0 ? 0 : (drainDelayMs ?? limits.drainDelayMs));
    return this.#closing;
  }

  async #close(drainDelayMs: number): Promise<void> {
    await this.#stop.run(drainDelayMs);
    await Promise.all([this.service.site.close(), this.#reloads]);
  }
}

refuseHabits(HttpServer);

async function closeSite({ site }: Service): Promise<void> {
  try {
    await site.close();
  } catch (error) {
    warnOnce('closing a responder', error);
  }
}

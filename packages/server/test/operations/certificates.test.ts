// Several certificates, each from files of its own: which are used, which are complained about, what happens when they change.

import { mkdtempSync, rmSync, symlinkSync, unlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { type CertificatePlace, Certificates } from '../../src/operations/certificates.ts';
import { selfSigned } from '../../src/operations/self-signed.ts';
import type { TlsOptions } from '../../src/options.ts';

const folder = mkdtempSync(join(tmpdir(), 'onezero-certificates-'));
afterAll(() => rmSync(folder, { recursive: true }));

const place = (name: string): CertificatePlace => ({
  cert: join(folder, `${name}.pem`),
  key: join(folder, `${name}.key`),
});
let written = 0;

/** Writes a certificate for a name, with a time of its own, so that it is seen to have changed. */
function write(name: string, host = `${name}.example`): string {
  const { cert, key } = selfSigned([host], new Date(), new Date(Date.now() + 86_400_000));
  const files = place(name);
  writeFileSync(files.cert, cert);
  writeFileSync(files.key, key);
  touch(files.cert);
  return cert;
}

function touch(path: string): void {
  written += 10;
  utimesSync(path, written, written);
}

let reports: string[] = [];
const report = (line: string): void => void reports.push(line);

beforeEach(() => {
  reports = [];
  vi.useFakeTimers();
});
afterEach(() => vi.useRealTimers());

describe('certificates', () => {
  test('are the first alone, or the first with all of them for their names', () => {
    const [one, two] = [write('one'), write('two')];
    expect(new Certificates([place('one')], report).tls).toMatchObject({ cert: one });
    expect(new Certificates([place('one')], report).tls.others).toBeUndefined();
    const both = new Certificates([place('one'), { ...place('two'), hosts: ['two.org'] }], report).tls;
    expect(both.cert).toBe(one);
    expect(both.others?.map(({ cert, hosts }) => [cert, hosts])).toEqual([
      [one, undefined],
      [two, ['two.org']],
    ]);
    expect(reports).toEqual([]);
  });

  test('that cannot even be looked at any more stay in use, with a complaint, until they can', () => {
    const before = write('lost');
    const used: TlsOptions[] = [];
    const certificates = new Certificates([place('lost')], report);
    certificates.watch((tls) => used.push(tls));
    unlinkSync(place('lost').cert);
    symlinkSync(place('lost').cert, place('lost').cert);
    vi.advanceTimersByTime(2000);
    expect(reports).toEqual([expect.stringMatching(/^Error: the old certificate stays in use: cannot read .*ELOOP/)]);
    expect(certificates.tls.cert).toBe(before);
    unlinkSync(place('lost').cert);
    const after = write('lost');
    vi.advanceTimersByTime(2000);
    expect(used.map(({ cert }) => cert)).toEqual([after]);
    certificates.close();
  });

  test('that cannot be used give way to the default, with a complaint each', () => {
    const two = write('two');
    writeFileSync(place('bad').cert, 'nonsense');
    writeFileSync(place('bad').key, 'nonsense');
    const { tls } = new Certificates([place('none'), place('two'), place('bad')], report);
    expect(tls.cert).toBe(two);
    expect(tls.others?.map(({ cert }) => cert)).toEqual([two]);
    expect(reports).toEqual([
      expect.stringMatching(/^Error: the default certificate is used in its place: cannot read .*none\.pem/),
      expect.stringMatching(/^Error: the default certificate is used in its place: cannot use .*bad\.pem/),
    ]);
  });

  test('of which none can be used are refused with what is wrong with the first', () => {
    expect(() => new Certificates([place('none'), place('bad')], report)).toThrow(/cannot read .*none\.pem/);
    expect(reports).toEqual([]);
  });

  test('that are broken at a reload stay as they were before it', () => {
    const [one, two] = [write('one'), write('two')];
    const before = new Certificates([place('one'), place('two')], report);
    unlinkSync(place('two').key);
    const after = new Certificates([place('one'), place('two')], report, before);
    expect(after.tls.others?.map(({ cert }) => cert)).toEqual([one, two]);
    expect(reports).toEqual([
      expect.stringMatching(/^Error: the old certificate stays in use: cannot read .*two\.key/),
    ]);
    // One in other files is another, whatever stood there before.
    expect(before.of({ ...place('two'), key: place('one').key })).toBeUndefined();
    expect(before.of(place('two'))?.cert).toBe(two);
  });

  test('that change one by one are used one by one, until they are closed', () => {
    const one = write('one');
    write('two');
    const certificates = new Certificates([place('one'), place('two')], report);
    const seen: TlsOptions[] = [];
    certificates.watch((tls) => seen.push(tls));
    vi.advanceTimersByTime(2000);
    expect(seen).toEqual([]);
    const renewed = write('two');
    vi.advanceTimersByTime(2000);
    expect(seen.map(({ others }) => others?.map(({ cert }) => cert))).toEqual([[one, renewed]]);
    writeFileSync(place('one').cert, 'nonsense');
    vi.advanceTimersByTime(2000);
    expect(seen).toHaveLength(1);
    expect(reports).toEqual([expect.stringMatching(/^Error: the old certificate stays in use: cannot use .*one\.pem/)]);
    // The same trouble is told once, and its end is no news to report.
    vi.advanceTimersByTime(10_000);
    expect(reports).toHaveLength(1);
    const mended = write('one');
    vi.advanceTimersByTime(2000);
    expect(seen.at(-1)?.cert).toBe(mended);
    certificates.close();
    write('one');
    vi.advanceTimersByTime(10_000);
    expect(seen).toHaveLength(2);
  });

  test('that change together are told once, and those that did not are not read again at a reload', () => {
    const names = ['one', 'two', 'three'];
    for (const name of names) write(name);
    const certificates = new Certificates(names.map(place), report);
    const seen: TlsOptions[] = [];
    certificates.watch((tls) => seen.push(tls));
    const renewed = names.map((name) => write(name));
    vi.advanceTimersByTime(2000);
    expect(seen.map(({ others }) => others?.map(({ cert }) => cert))).toEqual([renewed]);
    certificates.close();
    const before = new Certificates(names.map(place), report);
    const two = write('two');
    const after = new Certificates(names.map(place), report, before);
    const isKept = names.map((name) => after.of(place(name)) === before.of(place(name)));
    expect([isKept, after.of(place('two'))?.cert]).toEqual([[true, false, true], two]);
  });

  test('that could not be read at first are used from when they can', () => {
    write('one');
    const certificates = new Certificates([place('one'), place('late')], report);
    const seen: TlsOptions[] = [];
    certificates.watch((tls) => seen.push(tls));
    expect(certificates.tls.others).toHaveLength(1);
    const late = write('late');
    vi.advanceTimersByTime(2000);
    expect(seen[0]?.others?.at(-1)?.cert).toBe(late);
    certificates.close();
    unlinkSync(place('late').cert);
  });

  test('that change between their reading and the watch are not missed', () => {
    write('one');
    const certificates = new Certificates([place('one')], report);
    const renewed = write('one');
    const seen: TlsOptions[] = [];
    certificates.watch((tls) => seen.push(tls));
    vi.advanceTimersByTime(2000);
    expect(seen.map(({ cert }) => cert)).toEqual([renewed]);
    certificates.close();
  });
});

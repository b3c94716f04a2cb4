// The records of a zip archive (PKWARE APPNOTE 6.3.10 §4.3): numbers of 16 and 32 bits, or of 64 where they exceed these.

const MAX_32 = 0xffff_ffff;
const MAX_SIGNED_32 = 0x7fff_ffff;
const MAX_16 = 0xffff;

// With room for what deflating adds to a file that cannot be compressed.
const LARGE_BYTES = 4_000_000_000;

const UTF8 = 0x0800;
const DESCRIPTOR = 0x0008;
const DEFLATE = 8;
const UNIX = 3 << 8;

/** What the central directory says of a member. */
export interface Written {
  readonly name: Buffer;
  readonly isDirectory: boolean;
  readonly modifiedMs: number;
  readonly offset: number;
  readonly crc: number;
  readonly bytes: number;
  readonly packedBytes: number;
}

/** Whether a file of this length has its sizes in 64 bits. */
export function isLargeFile(bytes: number): boolean {
  return bytes > LARGE_BYTES;
}

/** What is known of a member before its content. */
interface Head {
  readonly name: Buffer;
  readonly isDirectory: boolean;
  readonly modifiedMs: number;
  readonly isLarge: boolean;
}

/** What stands before a member. */
export function localHeader({ name, isDirectory, modifiedMs, isLarge }: Head): Buffer {
  const extra = Buffer.concat([timestamp(modifiedMs), ...(isLarge ? [zip64([0, 0])] : [])]);
  const head = Buffer.alloc(30);
  const size = isLarge ? MAX_32 : 0;
  head.writeUInt32LE(0x0403_4b50, 0);
  writeMethod(head, 4, { isDirectory, isZip64: isLarge });
  head.writeUInt32LE(dosTime(modifiedMs), 10);
  head.writeUInt32LE(size, 18);
  head.writeUInt32LE(size, 22);
  head.writeUInt16LE(name.length, 26);
  head.writeUInt16LE(extra.length, 28);
  return Buffer.concat([head, name, extra]);
}

/** The version that is needed, the flags and the method, in this order. */
function writeMethod(
  head: Buffer,
  at: number,
  { isDirectory, isZip64 }: { readonly isDirectory: boolean; readonly isZip64: boolean },
): void {
  head.writeUInt16LE(isZip64 ? 45 : 20, at);
  head.writeUInt16LE(isDirectory ? UTF8 : UTF8 | DESCRIPTOR, at + 2);
  head.writeUInt16LE(isDirectory ? 0 : DEFLATE, at + 4);
}

/** What stands behind a file: its sum and sizes. */
export function dataDescriptor(
  { crc, bytes, packedBytes }: { readonly crc: number; readonly bytes: number; readonly packedBytes: number },
  isLarge: boolean,
): Buffer {
  const record = Buffer.alloc(isLarge ? 24 : 16);
  record.writeUInt32LE(0x0807_4b50, 0);
  record.writeUInt32LE(crc, 4);
  if (isLarge) {
    record.writeBigUInt64LE(BigInt(packedBytes), 8);
    record.writeBigUInt64LE(BigInt(bytes), 16);
  } else {
    record.writeUInt32LE(packedBytes, 8);
    record.writeUInt32LE(bytes, 12);
  }
  return record;
}

/** The entry of a member in the central directory. */
export function centralHeader({ name, isDirectory, modifiedMs, offset, crc, bytes, packedBytes }: Written): Buffer {
  const isWide = isLargeFile(bytes);
  const isFar = offset >= MAX_32;
  const wide = [...(isWide ? [bytes, packedBytes] : []), ...(isFar ? [offset] : [])];
  const extra = Buffer.concat([timestamp(modifiedMs), ...(wide.length > 0 ? [zip64(wide)] : [])]);
  const head = Buffer.alloc(46);
  head.writeUInt32LE(0x0201_4b50, 0);
  head.writeUInt16LE(UNIX | 45, 4);
  writeMethod(head, 6, { isDirectory, isZip64: wide.length > 0 });
  head.writeUInt32LE(dosTime(modifiedMs), 12);
  head.writeUInt32LE(crc, 16);
  head.writeUInt32LE(isWide ? MAX_32 : packedBytes, 20);
  head.writeUInt32LE(isWide ? MAX_32 : bytes, 24);
  head.writeUInt16LE(name.length, 28);
  head.writeUInt16LE(extra.length, 30);
  // Mode 0755 or 0644, and the mark of a folder for DOS.
  head.writeUInt32LE(isDirectory ? ((0o40755 << 16) | 0x10) >>> 0 : (0o100644 << 16) >>> 0, 38);
  head.writeUInt32LE(isFar ? MAX_32 : offset, 42);
  return Buffer.concat([head, name, extra]);
}

/** What stands at the end: where the directory is, and how many members it has. */
export function endRecords(count: number, directoryBytes: number, directoryOffset: number): Buffer {
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x0605_4b50, 0);
  end.writeUInt16LE(Math.min(count, MAX_16), 8);
  end.writeUInt16LE(Math.min(count, MAX_16), 10);
  end.writeUInt32LE(Math.min(directoryBytes, MAX_32), 12);
  end.writeUInt32LE(Math.min(directoryOffset, MAX_32), 16);
  if (count < MAX_16 && directoryBytes < MAX_32 && directoryOffset < MAX_32) return end;
  const wide = Buffer.alloc(56);
  wide.writeUInt32LE(0x0606_4b50, 0);
  wide.writeBigUInt64LE(44n, 4);
  wide.writeUInt16LE(UNIX | 45, 12);
  wide.writeUInt16LE(45, 14);
  wide.writeBigUInt64LE(BigInt(count), 24);
  wide.writeBigUInt64LE(BigInt(count), 32);
  wide.writeBigUInt64LE(BigInt(directoryBytes), 40);
  wide.writeBigUInt64LE(BigInt(directoryOffset), 48);
  const locator = Buffer.alloc(20);
  locator.writeUInt32LE(0x0706_4b50, 0);
  locator.writeBigUInt64LE(BigInt(directoryOffset + directoryBytes), 8);
  locator.writeUInt32LE(1, 16);
  return Buffer.concat([wide, locator, end]);
}

/** Numbers of 64 bits in the order that the specification gives them. */
function zip64(values: readonly number[]): Buffer {
  const field = Buffer.alloc(4 + 8 * values.length);
  field.writeUInt16LE(0x0001, 0);
  field.writeUInt16LE(8 * values.length, 2);
  for (const [index, value] of values.entries()) field.writeBigUInt64LE(BigInt(value), 4 + 8 * index);
  return field;
}

/** The time of the last change as UTC, which DOS times are not; nothing where it exceeds the 32 bits that readers take. */
function timestamp(modifiedMs: number): Buffer {
  const seconds = Math.floor(modifiedMs / 1000);
  if (Math.abs(seconds) > MAX_SIGNED_32) return Buffer.alloc(0);
  const field = Buffer.alloc(9);
  field.writeUInt16LE(0x5455, 0);
  field.writeUInt16LE(5, 2);
  field.writeUInt8(1, 4);
  field.writeInt32LE(seconds, 5);
  return field;
}

/** Time in the lower half, date in the upper; from 1980 on, in steps of two seconds. */
function dosTime(modifiedMs: number): number {
  const date = new Date(Math.max(modifiedMs, Date.UTC(1980, 0, 1)));
  const time = (date.getUTCHours() << 11) | (date.getUTCMinutes() << 5) | (date.getUTCSeconds() >> 1);
  const day = (Math.min(date.getUTCFullYear() - 1980, 127) << 9) | ((date.getUTCMonth() + 1) << 5) | date.getUTCDate();
  return ((day << 16) | time) >>> 0;
}

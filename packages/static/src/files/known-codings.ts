// Codings made of small files, for as long as there is room: of files whose content did not fit the cache, too.
//
// A coding is found by its tag, which names the content it was made of. So nothing of it has to be checked: whatever file has this
// content now, is served by these bytes. They stand one behind the other in memory that is filled again from its beginning when its
// end is reached, each behind its tag, since a row of the table is found by hashes alone.

import { lendBytes } from './lent-buffers.ts';
import { ROW_BYTES, TextRows } from './text-rows.ts';

/** Memory is taken in pieces of this size, as it is filled. No coding spans two. */
const PIECE_BYTES = 64 * 1024;

/** Where a coding stands, and its length. */
const COLUMN_BYTES = 12;

/** Of small codings, with their tags: were there fewer rows, memory would be left unused. */
const SMALL_BYTES = 64;

export class KnownCodings {
  readonly #rows: TextRows;
  readonly #pieces: Buffer[] = [];
  readonly #maxPieces: number;
  #rowBytes = 0;
  /** Counted from the first coding on, so that it shows which ones were overwritten. */
  #places = new Float64Array(0);
  #lengths = new Uint32Array(0);
  #end = 0;

  constructor(maxBytes: number) {
    const rowBytes = ROW_BYTES + COLUMN_BYTES;
    const maxRows = Math.floor(maxBytes / (rowBytes + SMALL_BYTES));
    this.#maxPieces = Math.floor((maxBytes - maxRows * rowBytes) / PIECE_BYTES);
    this.#rows = new TextRows(this.#maxPieces === 0 ? 0 : maxRows, (rows) => {
      this.#places = new Float64Array(rows);
      this.#lengths = new Uint32Array(rows);
      this.#rowBytes = rows * rowBytes;
    });
  }

  /** The memory taken. */
  get bytes(): number {
    return this.#pieces.length * PIECE_BYTES + this.#rowBytes;
  }

  /** A copy of the coding with this tag, lent; of no bytes where coding did not make the content smaller. */
  find(tag: string): Uint8Array | undefined {
    const row = this.#rows.find(tag);
    if (row === -1) return undefined;
    const place = this.#places[row] ?? 0;
    const length = this.#lengths[row] ?? 0;
    if (place < this.#end - this.#maxPieces * PIECE_BYTES) return undefined;
    const piece = this.#pieceOf(place);
    const start = place % PIECE_BYTES;
    if (piece?.toString('latin1', start, start + tag.length) !== tag) return undefined;
    const coded = lendBytes(length);
    piece.copy(coded, 0, start + tag.length, start + tag.length + length);
    return coded;
  }

  /** Remembers the coding with this tag. */
  add(tag: string, coded: Uint8Array): void {
    const size = tag.length + coded.length;
    const row = size > PIECE_BYTES ? -1 : this.#rows.take(tag);
    if (row === -1) return;
    const left = PIECE_BYTES - (this.#end % PIECE_BYTES);
    if (left < size) this.#end += left;
    const place = this.#end;
    const piece = this.#pieceOf(place) ?? this.#addPiece();
    const start = place % PIECE_BYTES;
    piece.write(tag, start, 'latin1');
    piece.set(coded, start + tag.length);
    this.#places[row] = place;
    this.#lengths[row] = coded.length;
    this.#end += size;
  }

  #pieceOf(place: number): Buffer | undefined {
    return this.#pieces[Math.floor(place / PIECE_BYTES) % this.#maxPieces];
  }

  #addPiece(): Buffer {
    const piece = Buffer.allocUnsafeSlow(PIECE_BYTES);
    this.#pieces.push(piece);
    return piece;
  }
}

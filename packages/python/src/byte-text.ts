// Text as a byte string: a JavaScript string in which every character stands for one byte.

const ASCII = /^[\x00-\x7f]*$/;

/** The UTF-8 bytes of a text. */
export function utf8(text: string): string {
  return ASCII.test(text) ? text : Buffer.from(text, 'utf8').toString('latin1');
}

// The parsers that `parser.mjs` compares, behind one interface: a function that reads some buffers on a new connection and adds
// what it saw to a tally. All of them hand the content on without copying it; http-parser-js and llhttp make a string of every
// name and value as they go, ours when it is asked.

import { createRequire } from 'node:module';
import { RequestParser } from '@onezero/http-parser';

const require = createRequire(import.meta.url);

/** What a run has seen: every parser must agree, or it did not do the work. */
export class Tally {
  messages = 0;
  contentBytes = 0;
  targetLength = 0;
  fields = 0;
}

function onezero(reads, tally, readsFields) {
  const parser = new RequestParser();
  for (const bytes of reads) {
    for (const event of parser.push(bytes)) {
      if (event.type === 'head') {
        tally.targetLength += event.head.target.length;
        if (readsFields) tally.fields += event.head.fields.length;
      } else if (event.type === 'content') tally.contentBytes += event.bytes.length;
      else if (event.type === 'end') tally.messages++;
      else throw event.error;
    }
    if (parser.state === 'paused') parser.next();
  }
}

/** http-parser-js and Node's own binding have the same interface. */
function callbacks(HTTPParser, initialize) {
  return (reads, tally) => {
    const parser = initialize();
    let content = 0;
    const onHead = (...head) => {
      const info = head.length === 1 ? head[0] : { url: head[4], headers: head[2] };
      tally.targetLength += info.url.length;
      tally.fields += info.headers.length / 2;
      return 0;
    };
    parser[HTTPParser.kOnHeadersComplete | 0] = onHead;
    parser[HTTPParser.kOnHeaders | 0] = (headers) => {
      tally.fields += headers.length / 2;
    };
    parser[HTTPParser.kOnBody | 0] = (bytes, _start, length) => {
      content += length ?? bytes.length;
    };
    parser[HTTPParser.kOnMessageComplete | 0] = () => {
      tally.messages++;
    };
    for (const bytes of reads) {
      const read = parser.execute(bytes, 0, bytes.length);
      if (read instanceof Error) throw read;
    }
    tally.contentBytes += content;
  };
}

function httpParserJs() {
  const { HTTPParser } = require('http-parser-js');
  return callbacks(HTTPParser, () => new HTTPParser(HTTPParser.REQUEST));
}

/** Node's binding of llhttp; Node 20 and 22 are the last to hand it out. */
function nodeBinding() {
  if (Number(process.versions.node.split('.')[0]) > 22) return undefined;
  process.removeAllListeners('warning');
  const { HTTPParser } = process.binding('http_parser');
  return callbacks(HTTPParser, () => {
    const parser = new HTTPParser();
    parser.initialize(HTTPParser.REQUEST, {});
    return parser;
  });
}

/** llhttp as WebAssembly, as undici ships it, with the strings that a server needs. */
function undiciWasm() {
  let tally;
  const memory = () => Buffer.from(exports.memory.buffer);
  let view;
  const text = (at, length) => view.latin1Slice(at, at + length);
  const env = {
    wasm_on_message_begin: () => 0,
    wasm_on_status: () => 0,
    wasm_on_url: (_, at, length) => {
      tally.targetLength += text(at, length).length;
      return 0;
    },
    wasm_on_header_field: (_, at, length) => {
      if (text(at, length).length > 0) tally.fields++;
      return 0;
    },
    wasm_on_header_value: (_, at, length) => (text(at, length).length > 1e9 ? 1 : 0),
    wasm_on_headers_complete: () => 0,
    wasm_on_body: (_, at, length) => {
      tally.contentBytes += new Uint8Array(view.buffer, at, length).length;
      return 0;
    },
    wasm_on_message_complete: () => {
      tally.messages++;
      return 0;
    },
  };
  const module = new WebAssembly.Module(require('undici/lib/llhttp/llhttp_simd-wasm.js'));
  const { exports } = new WebAssembly.Instance(module, { env });
  const REQUEST = 1;
  const pointer = exports.malloc(65_536);
  return (reads, into) => {
    tally = into;
    const parser = exports.llhttp_alloc(REQUEST);
    view = memory();
    for (const bytes of reads) {
      view.set(bytes, pointer);
      const code = exports.llhttp_execute(parser, pointer, bytes.length);
      if (code !== 0) throw new Error(`llhttp says ${code}`);
    }
    exports.llhttp_free(parser);
  };
}

/** By name; a parser that this version of Node does not have is undefined when it is made. The first is what ratios refer to. */
export const PARSERS = {
  'http-parser-js': httpParserJs,
  '@onezero/http-parser': () => (reads, tally) => onezero(reads, tally, false),
  'same, every field read': () => (reads, tally) => onezero(reads, tally, true),
  'undici (llhttp, wasm)': undiciWasm,
  'node (llhttp, binding)': nodeBinding,
};

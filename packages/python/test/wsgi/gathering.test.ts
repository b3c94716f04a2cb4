// How often a worker writes: blocks that follow each other quickly leave together.

import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { python } from '../harness.ts';

const folder = fileURLToPath(new URL('../../python', import.meta.url));

/** Answers one request by a worker's connection, and prints what reached the server: the writes, the content, the end. */
const program = `
import socket, struct, sys, threading
sys.path.insert(0, ${JSON.stringify(folder)})
sys.dont_write_bytecode = True
from onezero_worker import wsgi
from onezero_worker.records import BEGIN, PARAMS, STDIN, STDOUT, END, record

class Counted:
    """The worker's end of the connection, which counts the writes."""
    def __init__(self, sock):
        self.sock, self.count = sock, 0
    def sendall(self, data):
        self.count += bool(len(data))
        self.sock.sendall(data)
    def sendmsg(self, parts):
        self.count += 1
        return self.sock.sendmsg(parts)
    def __getattr__(self, name):
        return getattr(self.sock, name)

def application(environ, start_response):
    start_response("200 OK", [])
    for number in range(1000):
        if number == 500:
            environ["wsgi.errors"].write("half\\n")
        yield b"block %d\\n" % number

ours, theirs = socket.socketpair()
counted = Counted(theirs)
connection = wsgi.Connection(counted, application, wsgi.base_environ({"threads": 1, "processes": 1, "environ": {}}))
threading.Thread(target=connection.serve, daemon=True).start()
variables = bytes(7)  # what is told by its place, all empty
ours.sendall(record(BEGIN, 1, 8) + bytes(8) + record(PARAMS, 1, 7) + variables + record(PARAMS, 1, 0) + record(STDIN, 1, 0))
stream = ours.makefile("rb")
content, errors_at = b"", None
while True:
    _, kind, _, low, _, high = struct.unpack(">BBHHBB", stream.read(8))
    data = stream.read(low + (high << 16))
    if kind == END:
        break
    if kind == STDOUT:
        content += data
    else:
        errors_at = content.count(b"\\n")
assert content == b"Status: 200 OK\\n\\n" + b"".join(b"block %d\\n" % number for number in range(1000)), content
# A line of the status and an empty one come first.
assert errors_at == 502, errors_at
print(counted.count)
`;

test('a thousand small blocks leave in few writes, in order with what is logged between them', () => {
  const writes = Number(execFileSync(python, ['-c', program], { encoding: 'utf8', timeout: 120_000 }));
  // Two would do; on a busy machine a pause between two blocks costs one.
  expect(writes).toBeLessThan(200);
});

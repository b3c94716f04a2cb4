"""ASGI 3: one connection for all requests, and an event loop that answers them.

What is written in one turn of the loop leaves in one send. uvloop is used where it can be imported.
"""

import asyncio
import os
import socket
import sys
import threading
import time
import traceback
from collections import deque

from . import forked
from .fields import CONTROL_BYTES, FILE_NAMERS_BYTES, HOP_BY_HOP_BYTES, TOKEN_BYTES
from .records import (
    ABORT, BARE_REQUEST, BEGIN, COPY_LIMIT, DRAIN, END, FILE_REPLY, LAST_OUTPUT, MAX_CONTENT, PARAMS, PAUSE, PING, RECORD,
    RECORD_AND_END, RECORD_HEAD, REQUEST, SEND_BUFFER_SIZE, STDERR, STDIN, STDOUT, Disconnected, application_traceback,
    file_offer, record,
)  # fmt: skip
from .remembered import Remembered

# Content of a request that waits for receive(): beyond it the server is asked to wait.
RECEIVE_LIMIT = 0x40000
# Content that has come in smaller pieces is received as one of at most so much; more would be copied for nothing.
JOIN_LIMIT = 0x10000
# What is read at once: as much as the kernel lets be on its way.
BUFFER_SIZE = 0x40000
# Bytes on their way to the server beyond which send() waits.
SEND_LIMIT = 0x40000
# Bytes written in one turn of the loop beyond which they leave, and others get their turn.
TURN_LIMIT = 0x10000
# Up to so much, requests without content are taken out of a copy: bytes are cut in less time than a view of memory.
HEADS_LIMIT = 0x4000
# How long an application may go on after its client has left before it is cancelled (daphne's application_close_timeout).
CANCEL_AFTER = 10
# How often the end is told to who asks on: one that does not look at what it receives would never let the loop turn.
MAX_ENDS_TOLD = 1000
# An event loop that did not turn for so long is reported, with the stack of what holds it.
BLOCKED_AFTER = 1.0
FILE_PIECE = 0x40000

known_names = {}
# Fields that came before and their lines: an application says the same in most of its responses.
known_lines = {}
known_statuses = {}
MAX_KNOWN = 1000
MAX_KNOWN_VALUE = 256


def encode_head(status, headers):
    """
    The head as the server reads it, without an empty line and without its length, and the declared length. Raises for what must not
    be on the wire.
    """
    line = known_statuses.get(status) if type(status) is int else None
    lines = [line or status_line(status)]
    length = None
    names_file = False
    for pair in headers:
        try:
            line = known_lines.get(pair)
        except TypeError:  # a list, or a value that may change
            line = None
        if line is None:
            name, value = pair
            if name == b"content-length" and length is None and type(value) is bytes and value.isdigit():
                length = int(value)
                continue
            kind, line = field_line(name, value)
            if kind == b"content-length":
                if length is not None and length != int(value):
                    raise ValueError("two Content-Length fields that differ: %d and %d" % (length, int(value)))
                length = int(value)
            elif kind in FILE_NAMERS_BYTES:
                names_file = True
        lines.append(line)
    if names_file:  # the length is that of the file
        length = None
    return b"".join(lines), length


def status_line(status):
    if not isinstance(status, int) or not 200 <= status <= 599:
        raise ValueError("the status must be a number from 200 to 599, not %r" % (status,))
    line = known_statuses[int(status)] = b"Status: %d \n" % status
    return line


def field_line(name, value):
    """What the field is, and its line: empty for what is told in another way, or belongs to the connection."""
    kind = (known_names.get(name) if type(name) is bytes else None) or field_kind(name)
    if not isinstance(value, (bytes, bytearray)):
        raise TypeError("the value of %r must be bytes, not %s" % (name, type(value).__name__))
    if CONTROL_BYTES(value):
        raise ValueError("control character in the value of %r: %r" % (name, value))
    if kind == b"content-length":
        if not value.isdigit():
            raise ValueError("not a Content-Length: %r" % value)
        return kind, b""
    line = b"" if kind in HOP_BY_HOP_BYTES else b"%b: %b\n" % (kind, value.strip(b" \t"))
    is_lasting = type(name) is bytes and type(value) is bytes and kind not in FILE_NAMERS_BYTES
    if is_lasting and len(value) <= MAX_KNOWN_VALUE and len(known_lines) < MAX_KNOWN:
        known_lines[(name, value)] = line
    return kind, line


def field_kind(name):
    if not isinstance(name, (bytes, bytearray)):
        raise TypeError("header names must be bytes, not %s: %r" % (type(name).__name__, name))
    if not TOKEN_BYTES(name):
        raise ValueError("not a header name: %r" % name)
    kind = bytes(name).lower()
    if len(known_names) < MAX_KNOWN:
        known_names[bytes(name)] = kind
    return kind


def take_apart(text):
    """What a client says in most of its requests: members of the scope, with its headers."""
    address, method, kind, version, scheme, root_path, host, port, *fields = text.split(b"\0")
    scope = {
        "type": kind.decode("latin-1"),
        "http_version": version.decode("latin-1"),
        "scheme": scheme.decode("latin-1"),
        "root_path": root_path.decode("utf-8", "surrogateescape"),
        "server": (host.decode("latin-1"), int(port)),
        "headers": list(zip(fields[::2], fields[1::2])),
        "client": (address.decode("latin-1"), 0) if address else None,
        # Set for each request; a dict that has them does not grow.
        "path": "", "raw_path": b"", "query_string": b"", "extensions": None,
    }  # fmt: skip
    if kind == b"http":
        scope["method"] = method.decode("latin-1")
    else:
        scope["subprotocols"] = None
    return scope


class Request:
    """One call of the application: its scope, what it receives and what it sends."""

    __slots__ = (
        "connection", "number", "scope", "chunks", "waiting", "paused_content", "content_ended", "is_content_told", "disconnected",
        "receiver", "head", "length", "is_head", "sent", "started", "is_streaming", "complete", "room", "task",
        "ends_told",
    )  # fmt: skip

    def __init__(self, connection, number, scope):
        self.connection = connection
        self.number = number
        self.scope = scope
        self.chunks = None  # a deque, once there is content
        self.waiting = 0  # bytes in chunks
        self.paused_content = False
        self.content_ended = False
        self.is_content_told = False  # all of it was received, its end included
        self.disconnected = False
        self.receiver = None
        self.head = None
        self.length = None
        self.is_head = scope.get("method") == "HEAD"
        self.sent = 0
        self.started = False
        self.is_streaming = False  # content of no declared length is being sent to a client that is there
        self.complete = False
        self.room = None  # a future while the server cannot take more of this response
        self.task = None

    # What comes from the server

    def add_content(self, data):
        if self.chunks is None:
            self.chunks = deque()
        self.chunks.append(data)
        self.waiting += len(data)
        if self.waiting > RECEIVE_LIMIT and not self.paused_content:
            self.paused_content = True
            self.connection.write(record(PAUSE, self.number, 1) + b"\1")
        self.wake()

    def end_content(self):
        self.content_ended = True
        self.wake()

    def disconnect(self):
        if self.complete:
            return
        self.disconnected = True
        self.is_streaming = False
        self.wake()
        self.let_go()
        self.connection.loop.call_later(CANCEL_AFTER, self.cancel)

    def cancel(self):
        if self.task is not None:
            self.task.cancel()

    def wake(self):
        if self.receiver is not None and not self.receiver.done():
            self.receiver.set_result(None)

    def let_go(self):
        if self.room is not None and not self.room.done():
            self.room.set_result(None)
        self.room = None

    def pause(self, is_paused):
        if not is_paused:
            self.let_go()
        elif self.room is None:
            self.room = self.connection.loop.create_future()

    # What the application calls

    async def receive(self):
        while True:
            if self.disconnected or (self.complete and (self.is_content_told or not self.chunks)):
                return self.tell_end({"type": "http.disconnect"})
            if self.chunks or (self.content_ended and not self.is_content_told):
                return self.take_content()
            await self.something()

    def tell_end(self, event):
        self.ends_told = getattr(self, "ends_told", 0) + 1
        if self.ends_told > MAX_ENDS_TOLD:
            raise RuntimeError("receive() was called %d times after %s" % (self.ends_told, event["type"]))
        return event

    async def something(self):
        """Waits until there may be something to receive. Several tasks may wait, and one that is cancelled wakes the next."""
        receiver = self.receiver
        if receiver is None or receiver.done():
            self.receiver = self.connection.loop.create_future()
            await self.receiver
        else:
            await asyncio.wait((receiver,))

    def take_content(self):
        chunks = self.chunks
        body = chunks.popleft() if chunks else b""
        size = len(body)
        if chunks and size + len(chunks[0]) <= JOIN_LIMIT:
            parts = [body]
            while chunks and size + len(chunks[0]) <= JOIN_LIMIT:
                parts.append(chunks.popleft())
                size += len(parts[-1])
            body = b"".join(parts)
        self.waiting -= size
        if self.paused_content and self.waiting <= RECEIVE_LIMIT // 2:
            self.paused_content = False
            self.connection.write(record(PAUSE, self.number, 1) + b"\0")
        self.is_content_told = self.content_ended and not chunks
        return {"type": "http.request", "body": body, "more_body": not self.is_content_told}

    async def send(self, message):
        kind = message["type"]
        if kind == "http.response.body" and self.head is not None:
            body = message.get("body", b"")
            more = message.get("more_body", False)
            connection = self.connection
            follows = more and self.is_streaming and connection.output_number == self.number
            if follows and type(body) is bytes and len(body) <= COPY_LIMIT:
                connection.output.append(body)
                connection.out_bytes += len(body)
            elif self.disconnected:
                raise Disconnected("the client has left")
            else:
                self.send_body(body, more)
                if more and self.is_head:  # nothing of it leaves, so nothing else would let others run
                    await asyncio.sleep(0)
            if connection.out_bytes > TURN_LIMIT or self.room is not None or connection.is_full:
                await self.take_turn()
        elif kind == "http.response.start" and self.head is None:
            status = message["status"]
            self.head, self.length = encode_head(status, message.get("headers", ()))
            if status == 204 or status == 304:
                self.is_head = True
        elif kind == "http.response.pathsend" and self.head is not None and not self.complete:
            if self.disconnected:
                raise Disconnected("the client has left")
            await self.send_path(message["path"])
        else:
            state = "complete" if self.complete else "under way" if self.head is not None else "not started"
            raise RuntimeError("unexpected message %r: the response is %s" % (kind, state))

    def send_body(self, body, more):
        if self.complete:
            raise RuntimeError("unexpected message 'http.response.body': the response is complete")
        if type(body) is not bytes:
            if not isinstance(body, (bytes, bytearray, memoryview)):
                raise TypeError("the body must be bytes, not %s" % type(body).__name__)
            body = bytes(body)  # what it is made of may change before it has left
        size = 0 if self.is_head else len(body)
        if size and not more and not self.started and size + len(self.head) < COPY_LIMIT:
            if self.length is None or self.length == size:
                self.started = True
                self.connection.write_last(self.number, self.head, body)
                return self.finish()
        self.sent += size
        if self.length is not None and not self.is_head:
            if self.sent > self.length:
                raise RuntimeError("the content is longer than its Content-Length of %d" % self.length)
            if not more and self.sent < self.length:
                raise RuntimeError("the content is shorter than its Content-Length of %d" % self.length)
        output = self.connection.write_output
        if not self.started:
            self.started = True
            self.is_streaming = self.length is None and not self.is_head
            output(self.number, self.whole_head(self.length))
        if size:
            for start in range(0, size, MAX_CONTENT):
                output(self.number, body[start : start + MAX_CONTENT])
        if not more:
            self.connection.write(RECORD_AND_END.pack(1, END, self.number, 8, 0, 0, 0))
            self.finish()

    def whole_head(self, length):
        return self.head + b"\n" if length is None else b"%bcontent-length: %d\n\n" % (self.head, length)

    def finish(self):
        self.complete = True
        self.is_streaming = False
        self.connection.requests.pop(self.number, None)
        if self.receiver is not None:
            self.wake()
        if self.room is not None:  # another task sends as well
            self.let_go()

    async def take_turn(self):
        """Waits while the server takes no more, and lets others run: an application that only sends would hold the loop."""
        if self.connection.out_bytes > TURN_LIMIT:
            self.connection.flush()
            await asyncio.sleep(0)
        while (self.room is not None or self.connection.is_full) and not self.complete and not self.has_left():
            if self.room is not None:
                await asyncio.shield(self.room)
            else:
                await self.connection.drained()

    def has_left(self):
        return self.disconnected

    async def send_path(self, path):
        """Lets the server read the file (extension http.response.pathsend); reads it here where that cannot be."""
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        reply = None
        try:
            state = os.fstat(descriptor)
            size = state.st_size
            if self.length is not None and self.length != size:
                raise RuntimeError("the file has %d bytes, and its Content-Length is %d" % (size, self.length))
            if self.is_head:
                return self.send_body(b"", False)
            if not size:
                return await self.send_unsized(descriptor)
            if not self.started:
                self.started = True
                head = self.whole_head(size)
                self.connection.write(record(STDOUT, self.number, len(head)) + head)
            reply = self.connection.replies[self.number] = self.connection.loop.create_future()
            self.connection.write(file_offer(self.number, descriptor, 0, size, state))
            # The server opens it by its number, which would be that of another file if this one were closed before.
            if await asyncio.shield(reply):
                return self.finish()
            if self.disconnected:
                raise Disconnected("the client has left")
            for start in range(0, size, FILE_PIECE):
                body = await self.connection.loop.run_in_executor(None, os.pread, descriptor, FILE_PIECE, start)
                await self.send({"type": "http.response.body", "body": body, "more_body": start + FILE_PIECE < size})
        finally:
            if reply is None or reply.done():
                os.close(descriptor)
            else:
                reply.add_done_callback(lambda _: os.close(descriptor))

    async def send_unsized(self, descriptor):
        """Reads to the end: files of /proc tell no size."""
        more = True
        while more:
            body = await self.connection.loop.run_in_executor(None, os.read, descriptor, FILE_PIECE)
            more = bool(body)
            await self.send({"type": "http.response.body", "body": body, "more_body": more})

    async def run(self, application):
        if forked.is_child:
            forked.leave()
        try:
            await application(self.scope, self.receive, self.send)
            if forked.is_child:
                forked.leave()
            if not self.complete:
                self.returned()
                if not self.complete and self.disconnected:
                    self.fail("")  # there is no response, and nobody waits for one
        except Disconnected:
            self.fail("")
        except asyncio.CancelledError:
            self.fail("" if self.disconnected else "cancelled\n")
        except BaseException as error:
            if forked.is_child:
                forked.leave(error)
            self.fail("" if self.disconnected and isinstance(error, OSError) else application_traceback(error))
        finally:
            if forked.is_child:
                forked.leave()
            connection = self.connection
            connection.running.discard(self)
            if connection.on_idle is not None and not connection.running:
                connection.on_idle()

    def returned(self):
        """The application has returned, and its response is not complete."""
        if not self.disconnected:
            state = "whole" if self.started else "started"
            raise RuntimeError("the application returned before its response was %s" % state)

    def go_away(self):
        """The worker is to stop; a response may end."""

    def fail(self, text):
        """The application broke: 500 if nothing was sent, otherwise the server breaks the connection off."""
        data = text.encode("utf-8", "backslashreplace")
        for start in range(0, len(data), MAX_CONTENT):
            piece = data[start : start + MAX_CONTENT]
            self.connection.write(record(STDERR, self.number, len(piece)) + piece)
        if not self.complete:
            self.connection.write(RECORD_AND_END.pack(1, END, self.number, 8, 0, 1, 0))
            self.finish()


class Connection(asyncio.BufferedProtocol):
    """The socket of the server: records to requests, and what they write back in one send for each turn of the loop."""

    def __init__(self, loop, application, base, state, is_path_stripped, settings=None):
        self.loop = loop
        self.create_task = loop.create_task
        self.application = application
        self.known_scopes = Remembered(lambda text: dict(base, **take_apart(text)))
        self.state = state
        self.is_path_stripped = is_path_stripped
        self.settings = settings  # the extension of our name, if any
        self.requests = {}  # by number, until the response is whole
        self.running = set()  # until the application returns
        self.replies = {}  # futures of files that were offered, by the request's number
        self.parameters = {}
        self.buffer = bytearray(BUFFER_SIZE)
        self.view = memoryview(self.buffer)
        self.rest = 0  # bytes of a record that is not here whole, at the beginning of the buffer
        self.content_left = 0  # of a STDIN record of which a part has been handed on
        self.content_number = 0
        self.out = []
        self.out_bytes = 0
        self.is_flush_due = False
        self.has_large = False  # parts of `out` that are not copied to leave with others
        self.output = []  # parts of a record of content that may grow, behind `out`
        self.output_start = 0  # what out_bytes was when that record began
        self.output_number = 0
        self.transport = None
        self.is_full = False
        self.drain_waiters = []
        self.on_idle = None

    def connection_made(self, transport):
        self.transport = transport
        transport.set_write_buffer_limits(SEND_LIMIT)
        transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_SIZE)

    def connection_lost(self, error):
        os._exit(0)  # the server is gone, or wants no more of us

    def pause_writing(self):
        self.is_full = True

    def resume_writing(self):
        self.is_full = False
        waiters, self.drain_waiters = self.drain_waiters, []
        for waiter in waiters:
            if not waiter.done():
                waiter.set_result(None)

    def drained(self):
        waiter = self.loop.create_future()
        self.drain_waiters.append(waiter)
        return waiter

    # Writing

    def write(self, data):
        """Writes records, at the end of this turn of the loop."""
        self.close_output()
        self.want_flush()
        self.out.append(data)
        size = len(data)
        self.out_bytes += size
        if size > COPY_LIMIT:
            self.has_large = True

    def write_last(self, number, head, body):
        """Writes a small response in one record."""
        if self.output:
            self.close_output()
        if not self.is_flush_due:
            self.want_flush()
        size = len(head) + 1 + len(body)
        self.out += (RECORD.pack(1, LAST_OUTPUT, number, size, 0, 0), head, b"\n", body)
        self.out_bytes += size

    def write_output(self, number, data):
        """Writes content of a response. What follows itself is one record."""
        if number != self.output_number or self.out_bytes - self.output_start + len(data) > MAX_CONTENT:
            self.close_output()
            self.want_flush()
            self.output_number = number
            self.output_start = self.out_bytes
        self.output.append(data)
        size = len(data)
        self.out_bytes += size
        if size > COPY_LIMIT:
            self.has_large = True

    def close_output(self):
        """Ends the record of content that is being gathered."""
        if self.output:
            self.out.append(record(STDOUT, self.output_number, self.out_bytes - self.output_start))
            self.out += self.output
            self.output = []
        self.output_number = 0

    def want_flush(self):
        if not self.is_flush_due:
            self.is_flush_due = True
            self.loop.call_soon(self.flush)

    def is_crowded(self):
        """Whether who writes should let others run, or wait."""
        return self.is_full or self.out_bytes > TURN_LIMIT

    def flush(self):
        if forked.is_child:
            forked.leave()
        self.is_flush_due = False
        if self.output:
            self.close_output()
        out, self.out = self.out, []
        self.out_bytes = 0
        if self.has_large:
            self.has_large = False
            parts, out = out, []
            for part in parts:
                if len(part) <= COPY_LIMIT:
                    out.append(part)
                    continue
                if out:
                    self.transport.write(b"".join(out))
                    out = []
                self.transport.write(part)
        if out:
            self.transport.write(b"".join(out))

    # Reading

    def get_buffer(self, _):
        return self.view[self.rest :] if self.rest else self.view

    def buffer_updated(self, received):
        """Takes the records apart. Content that waits is copied once: into the bytes that the application receives."""
        if forked.is_child:
            forked.leave()
        view, start, size = self.view, 0, self.rest + received
        if size <= HEADS_LIMIT and view[1] == BARE_REQUEST and not self.rest and not self.content_left:
            start = self.take_heads(bytes(view[:size]), size)
            if start == size:
                return
        if self.content_left:
            start = min(size, self.content_left)
            self.content_left -= start
            self.take(STDIN, self.content_number, bytes(view[:start]))
        while size - start >= 8:
            kind, number, length, padding, high = RECORD_HEAD(view, start)
            content = start + 8
            end = content + length + (high << 16) + padding
            if end > size:
                if kind != STDIN or padding or content == size:
                    break
                # What is here of the content is handed on, and the rest when it comes.
                self.take(STDIN, number, bytes(view[content:size]))
                self.content_left = end - size
                self.content_number = number
                start = size
                break
            self.take(kind, number, bytes(view[content : end - padding]))
            start = end
        self.rest = size - start
        if self.rest and start:
            self.view[: self.rest] = bytes(view[start:size])

    def take_heads(self, data, size):
        """Takes requests without content that are here whole, which is what mostly comes; how far it got."""
        start = 0
        begin = self.begin
        while size - start >= 8:
            kind, number, length, padding, high = RECORD_HEAD(data, start)
            end = start + 8 + length
            if kind != BARE_REQUEST or padding or high or end > size:
                break
            begin(number, data[start + 8 : end], True)
            start = end
        if start:
            self.want_flush()  # behind the first steps of what has begun, so that answers that are ready leave in the same turn
        return start

    def take(self, kind, number, content):
        if kind == PARAMS:
            if content:
                self.parameters[number] += content
            else:
                self.begin(number, self.parameters.pop(number))
        elif kind == STDIN:
            request = self.requests.get(number)
            if request is None:
                return
            if content:
                request.add_content(content)
            else:
                request.end_content()
        elif kind == BARE_REQUEST or kind == REQUEST:
            self.begin(number, content, kind == BARE_REQUEST)
        elif kind == BEGIN:
            self.parameters[number] = b""
        elif kind == ABORT:
            self.settle(number, False)
            request = self.requests.get(number)
            if request is not None:
                request.disconnect()
        elif kind == PAUSE:
            request = self.requests.get(number)
            if request is not None:
                request.pause(content == b"\1")
        elif kind == FILE_REPLY:
            self.settle(number, content == b"\1")
        elif kind == PING:
            self.write(record(PING, 0, 0))
        elif kind == DRAIN:
            for request in list(self.running):
                request.go_away()

    def settle(self, number, is_taken):
        reply = self.replies.pop(number, None)
        if reply is not None:
            reply.set_result(is_taken)

    def begin(self, number, parameters, is_bare=False):
        scope = self.make_scope(parameters)
        if scope["type"] == "http":
            request = Request(self, number, scope)
        else:
            from .asgi_websocket import WebSocket

            request = WebSocket(self, number, scope)
        request.content_ended = is_bare  # before its task, which an eager factory of the application's begins at once
        self.requests[number] = request
        self.running.add(request)
        request.task = self.create_task(request.run(self.application))

    def make_scope(self, parameters):
        port, path, raw_path, query, rest = parameters.split(b"\0", 4)
        scope = self.known_scopes[rest].copy()
        scope["asgi"] = scope["asgi"].copy()
        path = path.decode("utf-8", "surrogateescape")
        if self.is_path_stripped:
            path = path[len(scope["root_path"]) :]
        scope["path"] = path
        scope["raw_path"] = raw_path
        scope["query_string"] = query
        client = scope["client"]
        if client is not None:
            scope["client"] = (client[0], int(port))
        scope["headers"] = headers = scope["headers"].copy()
        if scope["type"] == "http":
            scope["extensions"] = {"http.response.pathsend": {}}
        else:
            protocols = [value for name, value in headers if name == b"sec-websocket-protocol"]
            scope["subprotocols"] = [word.strip() for word in b",".join(protocols).decode("latin-1").split(",") if word.strip()]
            scope["extensions"] = {"websocket.http.response": {}}
        if self.settings:
            scope["extensions"]["onezero"] = self.settings.copy()
        if self.state is not None:
            scope["state"] = self.state.copy()
        return scope


class Lifespan:
    """The application's own start and end. One that knows no lifespan raises, which is no failure."""

    def __init__(self, loop, application, base, state):
        self.scope = dict(base, type="lifespan", state=state)
        self.application = application
        self.events = asyncio.Queue()
        self.started = loop.create_future()
        self.stopped = loop.create_future()
        self.is_supported = True
        self.task = None

    async def startup(self):
        """None, or why the application does not start."""
        self.task = asyncio.ensure_future(self.run())
        self.events.put_nowait({"type": "lifespan.startup"})
        return await self.started

    async def shutdown(self):
        if not self.is_supported or self.task.done():
            return
        self.events.put_nowait({"type": "lifespan.shutdown"})
        message = await self.stopped
        if message:
            print(message, file=sys.stderr)

    async def run(self):
        error = None
        try:
            await self.application(self.scope, self.events.get, self.send)
        except BaseException as raised:
            error = raised
        self.is_supported = False
        if not self.started.done():
            self.started.set_result(None)
        elif error is not None and not isinstance(error, asyncio.CancelledError) and not self.stopped.done():
            print(application_traceback(error), file=sys.stderr)
        if not self.stopped.done():
            self.stopped.set_result(None)

    async def send(self, message):
        kind = message["type"]
        for phase, reported in (("startup", self.started), ("shutdown", self.stopped)):
            if kind == "lifespan.%s.complete" % phase and not reported.done():
                return reported.set_result(None)
            if kind == "lifespan.%s.failed" % phase and not reported.done():
                return reported.set_result(message.get("message") or "the application reported that its %s failed" % phase)
        raise RuntimeError("unexpected message %r" % kind)


class LoopWatch:
    """Reports code that blocks the event loop, with its stack: every request of the process waits for it."""

    def __init__(self, connection):
        self.connection = connection
        self.main_thread = threading.get_ident()
        self.tick()

    def tick(self):
        self.beat = time.monotonic()
        self.connection.loop.call_later(BLOCKED_AFTER / 4, self.tick)

    def run(self):
        reported = None
        while True:
            time.sleep(BLOCKED_AFTER / 4)
            beat = self.beat
            blocked = time.monotonic() - beat
            if blocked < BLOCKED_AFTER or beat == reported or not self.connection.running:
                continue
            reported = beat
            frame = sys._current_frames().get(self.main_thread)
            stack = "".join(traceback.format_stack(frame)[-20:]) if frame else ""
            print("the event loop has been blocked for %.1f s by\n%s" % (blocked, stack), file=sys.stderr, end="")


def strips_path(application):
    """
    Whether the application wants `path` without `root_path`. The specification has the one inside of the other; Starlette
    before 0.33 did not know, and its routes and addresses are right without it only.
    """
    modules = [cls.__module__.partition(".")[0] for cls in type(application).__mro__]
    if "starlette" not in modules and ("quart" in sys.modules or "django" in modules):
        return False
    # One in a wrapper is known by what it has imported.
    routing = sys.modules.get("starlette.routing")
    return routing is not None and not hasattr(routing, "get_route_path")


def loop_of_application():
    """The event loop that the application got while it was loaded, on which it may have made tasks and connections; else None."""
    if sys.version_info >= (3, 14):
        try:
            loop = asyncio.get_event_loop()
        except RuntimeError:
            return None
    else:
        # Asked for openly, one would be made.
        loop = getattr(getattr(asyncio.get_event_loop_policy(), "_local", None), "_loop", None)
    return None if loop is None or loop.is_closed() or loop.is_running() else loop


def new_loop():
    try:
        import uvloop
    except ImportError:
        return asyncio.new_event_loop()
    return uvloop.new_event_loop()


def serve(application, sock, settings, read_orders, report_ready, report_failure):
    """Serves until `stop` is ordered and the last request has ended. Returns the loop, which still has to be ended."""
    loop = loop_of_application() or new_loop()
    asyncio.set_event_loop(loop)
    loop.run_until_complete(serve_on(loop, application, sock, settings, read_orders, report_ready, report_failure))
    return loop


def end(loop):
    """Cancels what the application has left running, as asyncio.run does."""
    tasks = asyncio.all_tasks(loop)
    for task in tasks:
        task.cancel()
    if tasks:
        loop.run_until_complete(asyncio.wait(tasks))
    loop.run_until_complete(loop.shutdown_asyncgens())


async def serve_on(loop, application, sock, settings, read_orders, report_ready, report_failure):
    base = {"asgi": {"version": "3.0", "spec_version": "2.4"}}
    state = {}
    lifespan = Lifespan(loop, application, base, state)
    failure = await lifespan.startup()
    stop = asyncio.Event()
    read_orders(lambda: loop.call_soon_threadsafe(stop.set))
    if failure is not None:
        report_failure(failure)
        await stop.wait()
        return
    state = state if lifespan.is_supported else None
    connection = Connection(loop, application, base, state, strips_path(application), settings)
    await loop.create_unix_connection(lambda: connection, sock=sock)
    threading.Thread(target=LoopWatch(connection).run, daemon=True).start()
    report_ready()
    await stop.wait()
    idle = asyncio.Event()
    connection.on_idle = idle.set
    if connection.running:
        await idle.wait()
    await lifespan.shutdown()
    connection.flush()

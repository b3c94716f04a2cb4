"""WebSocket as ASGI 3 has it: the server hands over the raw bytes of a connection, and messages come of them here."""

from collections import deque

from .asgi import RECEIVE_LIMIT, Request, encode_head
from .records import END, MAX_CONTENT, PAUSE, RECORD_AND_END, STDOUT, Disconnected, record
from .websocket import (
    ABNORMAL, BINARY, CLOSE, GOING_AWAY, MIN_DEFLATED, NO_STATUS, NORMAL, PING, PONG, TEXT, Deflate, Frames, accept_key,
    encode_close, encode_frame, is_received_code, negotiate_deflate,
)  # fmt: skip

# A client that has gone without a word is found out by a ping (uvicorn's ws_ping_interval and ws_ping_timeout).
PING_INTERVAL = 20
# How long a client may take to answer a close frame.
CLOSE_TIMEOUT = 5
# And while the worker is to stop.
STOP_TIMEOUT = 2
# What a message that waits takes beside its content: many that are empty count too.
MESSAGE_COST = 256


class WebSocket(Request):
    """One call of the application for a WebSocket."""

    __slots__ = (
        "messages", "is_connect_told", "accepted", "denial", "frames", "deflate", "closing", "close_event", "is_heard", "timer", "pong",
    )  # fmt: skip

    def __init__(self, connection, number, scope):
        super().__init__(connection, number, scope)
        self.messages = deque()
        self.is_connect_told = False
        self.accepted = False
        self.denial = None  # a response of the application that is no 101
        self.frames = None
        self.deflate = None
        self.closing = False  # a close frame of ours is out
        self.close_event = None
        self.is_heard = True
        self.timer = None
        self.pong = None  # for the last ping, while the client takes nothing

    # What comes from the server

    def add_content(self, data):
        self.is_heard = True
        if self.frames is None:
            return
        for event in self.frames.feed(data):
            self.take_event(event)
        error = self.frames.error
        if error is not None:
            if not self.closing:
                self.close(error.code, str(error))
            self.disconnected_with(error.code, str(error))
            return self.end()
        if self.waiting > RECEIVE_LIMIT and not self.paused_content:
            self.paused_content = True
            self.connection.write(record(PAUSE, self.number, 1) + b"\1")

    def take_event(self, event):
        kind = event[0]
        if kind == TEXT or kind == BINARY:
            if self.closing:
                return
            self.waiting += len(event[1]) + MESSAGE_COST
            self.messages.append({"type": "websocket.receive", "text" if kind == TEXT else "bytes": event[1]})
            self.wake()
        elif kind == PING:
            self.pong = encode_frame(PONG, event[1])
            if self.room is None:
                self.answer_ping()
        elif kind == CLOSE:
            if not self.closing:
                self.write(encode_close(event[1], event[2]))
            self.disconnected_with(event[1], event[2])
            self.end()

    def pause(self, is_paused):
        super().pause(is_paused)
        if not is_paused:
            self.answer_ping()

    def answer_ping(self):
        """One answer is enough for several pings (RFC 6455 section 5.5.3): a client that only asks makes nothing grow."""
        pong, self.pong = self.pong, None
        if pong is not None and not self.closing and not self.complete:
            self.write(pong)

    def end_content(self):
        """The client has closed its side, or the connection is lost."""
        if self.accepted:
            self.disconnected_with(ABNORMAL, "")
            self.end()

    def disconnect(self):
        self.disconnected_with(ABNORMAL, "")
        super().disconnect()

    def disconnected_with(self, code, reason):
        if self.close_event is None:
            self.close_event = {"type": "websocket.disconnect", "code": code, "reason": reason}
            self.wake()
            self.let_go()

    # What the application calls

    async def receive(self):
        while True:
            if not self.is_connect_told:
                self.is_connect_told = True
                return {"type": "websocket.connect"}
            if self.messages:
                return self.take_message()
            if self.close_event is not None:
                return self.tell_end(self.close_event)
            await self.something()

    def take_message(self):
        message = self.messages.popleft()
        self.waiting -= len(message.get("text") or message.get("bytes") or "") + MESSAGE_COST
        if self.paused_content and self.waiting <= RECEIVE_LIMIT // 2:
            self.paused_content = False
            self.connection.write(record(PAUSE, self.number, 1) + b"\0")
        return message

    async def send(self, message):
        kind = message["type"]
        if kind == "websocket.send" and self.accepted:
            if self.close_event is not None or self.closing:
                raise Disconnected("the client has left")
            self.send_message(message)
            if self.room is not None or self.connection.is_crowded():
                await self.take_turn()
        elif kind == "websocket.accept" and not self.accepted and self.denial is None and not self.complete:
            if self.close_event is not None:
                raise Disconnected("the client has left")
            self.accept(message)
        elif kind == "websocket.close" and self.denial is None:
            if not self.accepted:
                self.deny()
            elif self.close_event is None and not self.closing:
                self.close(message.get("code", NORMAL), message.get("reason") or "")
        elif kind == "websocket.http.response.start" and not self.accepted and self.denial is None:
            self.head, self.length = encode_head(message["status"], message.get("headers", ()))
            self.denial = message
        elif kind == "websocket.http.response.body" and self.denial is not None:
            self.send_body(message.get("body", b""), message.get("more_body", False))
        else:
            raise RuntimeError("unexpected message %r" % kind)

    def accept(self, message):
        headers = dict(self.scope["headers"])
        answer, options = negotiate_deflate(
            b",".join(value for name, value in self.scope["headers"] if name == b"sec-websocket-extensions")
        )
        lines = [
            b"Status: 101 Switching Protocols",
            b"upgrade: websocket",
            b"sec-websocket-accept: " + accept_key(headers.get(b"sec-websocket-key", b"").strip()),
        ]
        if answer is not None:
            self.deflate = Deflate(options)
            lines.append(b"sec-websocket-extensions: " + answer)
        own = list(message.get("headers", ()))
        if message.get("subprotocol"):
            own.append((b"sec-websocket-protocol", message["subprotocol"].encode("latin-1")))
        fields = encode_head(200, own)[0].split(b"\n")[1:]  # checked like any other head
        head = b"\n".join(lines + fields) + b"\n"
        self.frames = Frames(self.deflate)
        self.accepted = True
        self.started = True
        self.connection.write(record(STDOUT, self.number, len(head)) + head)
        self.timer = self.connection.loop.call_later(PING_INTERVAL, self.ping)

    def deny(self):
        self.head, self.length = encode_head(403, ())
        self.disconnected_with(ABNORMAL, "")
        self.send_body(b"", False)

    def send_message(self, message):
        text = message.get("text")
        data = message.get("bytes") if text is None else text
        if not isinstance(data, (bytes, bytearray, memoryview) if text is None else str):
            raise TypeError("websocket.send takes text of str or bytes of bytes, not %s" % type(data).__name__)
        opcode = BINARY if text is None else TEXT
        data = bytes(data) if text is None else text.encode()
        if self.deflate is not None and len(data) >= MIN_DEFLATED:
            self.write(encode_frame(opcode, self.deflate.deflate(data), True))
        else:
            self.write(encode_frame(opcode, data))

    def write(self, data):
        for start in range(0, len(data), MAX_CONTENT):
            self.connection.write_output(self.number, data[start : start + MAX_CONTENT])

    def close(self, code, reason):
        if not is_received_code(code) and code != NO_STATUS:
            raise ValueError("%r is not a code to close with" % code)
        self.closing = True
        self.write(encode_close(code, reason))
        self.connection.loop.call_later(CLOSE_TIMEOUT, self.end)

    def ping(self):
        if not self.is_heard and not self.paused_content:  # what is not read may be the answer
            self.disconnected_with(ABNORMAL, "no answer to a ping")
            return self.end()
        self.is_heard = False
        self.write(encode_frame(PING, b""))
        self.timer = self.connection.loop.call_later(PING_INTERVAL, self.ping)

    def end(self):
        """Nothing more is sent: the server closes the connection."""
        if self.timer is not None:
            self.timer.cancel()
        if self.complete:
            return
        self.connection.write(RECORD_AND_END.pack(1, END, self.number, 8, 0, 0, 0))
        self.finish()

    def finish(self):
        self.disconnected_with(ABNORMAL, "")  # for who still receives
        super().finish()

    def go_away(self):
        """The worker is to stop: clients connect again, to another one."""
        if self.accepted:
            if self.close_event is None and not self.closing:
                self.close(GOING_AWAY, "")
                self.disconnected_with(GOING_AWAY, "")
            self.connection.loop.call_later(STOP_TIMEOUT, self.end)

    def has_left(self):
        return self.close_event is not None

    def returned(self):
        """The application has returned without closing: that is a normal end."""
        if not self.accepted and self.close_event is None:
            raise RuntimeError("the application returned before it accepted or closed the WebSocket")
        if self.close_event is None and not self.closing:
            self.close(NORMAL, "")

    def fail(self, text):
        if self.accepted and self.close_event is None and not self.closing and text:
            self.write(encode_close(1011))
        if self.timer is not None:
            self.timer.cancel()
        super().fail(text)

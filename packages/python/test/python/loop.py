"""An ASGI connection without a socket: records in, records out, and an event loop that is run as far as it goes."""

import asyncio

from onezero_worker.asgi import Connection
from wire import BARE_REQUEST, PARAMS, REQUEST, record, records

PAUSE, PING, DRAIN = 18, 19, 20
BEGIN, STDIN = 1, 5


class Transport:
    def __init__(self):
        self.data = b""
        self.limit = None

    def write(self, data):
        self.data += bytes(data)

    def get_extra_info(self, name):
        return self if name == "socket" else None

    def setsockopt(self, *words):
        pass

    def set_write_buffer_limits(self, high):
        self.limit = high


class Server:
    """The server's side of an event loop."""

    def __init__(self, application, state=None, is_path_stripped=False):
        self.loop = asyncio.new_event_loop()
        asyncio.set_event_loop(self.loop)
        self.transport = Transport()
        self.connection = Connection(self.loop, application, {"asgi": {"version": "3.0"}}, state, is_path_stripped)
        self.connection.connection_made(self.transport)

    def close(self):
        for task in asyncio.all_tasks(self.loop):
            task.cancel()
            self.loop.run_until_complete(asyncio.gather(task, return_exceptions=True))
        asyncio.set_event_loop(None)
        self.loop.close()

    def turn(self, count=20):
        """Lets the loop turn, which is enough for all that waits for nothing from outside."""

        async def turns():
            for _ in range(count):
                await asyncio.sleep(0)

        self.loop.run_until_complete(turns())

    def say(self, data, size=None):
        """Hands bytes over, in pieces of a size, and lets them act."""
        size = size or len(data) or 1
        for start in range(0, len(data), size):
            self.receive(data[start : start + size])
            self.turn(3)
        self.turn()

    def receive(self, data):
        while data:
            buffer = self.connection.get_buffer(len(data))
            size = min(len(buffer), len(data))
            buffer[:size] = data[:size]
            self.connection.buffer_updated(size)
            data = data[size:]

    def heard(self):
        """The records since the last time."""
        data, self.transport.data = self.transport.data, b""
        return records(data)


def scope(kind="http", method="GET", path="/", fields=(), **changes):
    words = {
        "client_port": "4000", "path": path, "raw_path": path, "query": "",
        "client": "192.0.2.1", "method": method, "type": kind, "version": "1.1", "scheme": "http", "root_path": "", "server": "192.0.2.2", "server_port": "80",
    }  # fmt: skip
    words.update(changes)
    return "\0".join([*words.values(), *[word for field in fields for word in field]]).encode("latin-1")


def begin(number=1, **words):
    if number % 2:  # in one record, as what is not large comes
        return record(REQUEST, scope(**words), number)
    return record(BEGIN, b"\0\1\1\0\0\0\0\0", number) + record(PARAMS, scope(**words), number) + record(PARAMS, b"", number)


def request(number=1, content=(), **words):
    if number % 2 and not content:
        return record(BARE_REQUEST, scope(**words), number)
    return begin(number, **words) + b"".join(record(STDIN, piece, number) for piece in content) + record(STDIN, b"", number)

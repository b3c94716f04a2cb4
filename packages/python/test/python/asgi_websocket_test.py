"""WebSocket by ASGI 3: the order of messages, closing from either side, and what becomes of frames meanwhile."""

import asyncio
import base64
import unittest
import zlib

from loop import DRAIN, PAUSE, Server, begin
from onezero_worker import asgi_websocket
from onezero_worker.asgi import RECEIVE_LIMIT
from onezero_worker.asgi_websocket import MESSAGE_COST
from onezero_worker.websocket import BINARY, CLOSE, PING, PONG, TEXT
from websocket_test import compressed, frame
from wire import ABORT, END, STDERR, STDIN, STDOUT, record

KEY = ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==")
ACCEPT = {"type": "websocket.accept"}


def frames_in(data):
    """(opcode, content) of frames of a server, which are not masked; of a close frame, its code and reason."""
    found, at = [], 0
    while at < len(data):
        first, size, start = data[at], data[at + 1], at + 2
        if size == 126:
            size, start = int.from_bytes(data[at + 2 : at + 4], "big"), at + 4
        elif size == 127:
            size, start = int.from_bytes(data[at + 2 : at + 10], "big"), at + 10
        content = data[start : start + size]
        opcode = first & 0x0F
        if opcode == CLOSE:
            content = (int.from_bytes(content[:2], "big"), content[2:].decode()) if content else None
        elif first & 0x40:
            content = zlib.decompressobj(wbits=-15).decompress(content + b"\0\0\xff\xff")
        found.append((opcode, content))
        at = start + size
    return found


class Case(unittest.TestCase):
    def setUp(self):
        self.seen = []

    def do_not_wait(self, timeout):
        self.addCleanup(setattr, asgi_websocket, timeout, getattr(asgi_websocket, timeout))
        setattr(asgi_websocket, timeout, 0)

    def start(self, application, fields=(KEY,), **words):
        self.server = Server(application)
        self.addCleanup(self.server.close)
        self.server.say(begin(kind="websocket", scheme="ws", fields=fields, **words))
        self.is_open = False

    def heard(self):
        """The head, if it is there, the frames, the status of the end, and errors."""
        found = self.server.heard()
        output = b"".join(content for kind, _, content in found if kind == STDOUT)
        head = b""
        if not self.is_open and output:
            head, _, output = output.partition(b"\n\n")
            self.is_open = head.startswith(b"Status: 101")
        ends = [int.from_bytes(content[:4], "big") for kind, _, content in found if kind == END]
        errors = b"".join(content for kind, _, content in found if kind == STDERR).decode()
        return head.decode("latin-1"), frames_in(output) if self.is_open else output, ends, errors

    def say(self, *frames):
        self.server.say(record(STDIN, b"".join(frames)))
        return self.heard()[1:]

    async def echo(self, scope, receive, send):
        """Writes down all that comes, and sends messages back."""
        while True:
            message = await receive()
            self.seen.append(message)
            if message["type"] == "websocket.connect":
                await send(ACCEPT)
            elif message["type"] == "websocket.disconnect":
                return
            else:
                await send({**message, "type": "websocket.send"})

    async def listen(self, scope, receive, send):
        await send(ACCEPT)
        while not self.seen or self.seen[-1]["type"] != "websocket.disconnect":
            self.seen.append(await receive())

    def tries(self, *messages, then=None):
        """An application that sends these, and keeps the errors."""

        async def application(scope, receive, send):
            self.seen.append((await receive())["type"])
            for message in messages:
                try:
                    await send(message)
                except Exception as error:
                    self.seen.append(error)
            if then == "wait":
                await asyncio.Event().wait()

        return application


class Opening(Case):
    def test_nothing_is_answered_before_it_is_accepted(self):
        self.start(self.tries(then="wait"))
        self.assertEqual((self.heard(), self.seen), (("", b"", [], ""), ["websocket.connect"]))

    def test_the_head_of_an_accepted_one(self):
        self.start(self.tries({**ACCEPT, "subprotocol": "chat", "headers": [(b"X-A", b"b")]}, then="wait"))
        head = self.heard()[0]
        self.assertEqual(head.split("\n")[0], "Status: 101 Switching Protocols")
        self.assertIn("\nsec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=", head)
        self.assertIn("\nsec-websocket-protocol: chat", head)
        self.assertIn("\nx-a: b", head)
        self.assertNotIn("sec-websocket-extensions", head)

    def test_the_scope(self):
        async def application(scope, receive, send):
            self.seen.append(scope)

        self.start(application, fields=[KEY, ("sec-websocket-protocol", "a, b"), ("sec-websocket-protocol", ",c")])
        [scope] = self.seen
        self.assertEqual((scope["type"], scope["scheme"], scope["subprotocols"]), ("websocket", "ws", ["a", "b", "c"]))
        self.assertNotIn("method", scope)

    def test_what_an_application_cannot_accept_with(self):
        for message in ({"subprotocol": "a\nb"}, {"subprotocol": "\u20ac"}, {"headers": [(b"a", b"b\r\nc")]}, {"headers": [("a", b"b")]}):
            self.start(self.tries({**ACCEPT, **message}, ACCEPT, then="wait"))
            self.assertTrue(self.heard()[0].startswith("Status: 101"))
            self.assertIsInstance(self.seen.pop(), (ValueError, TypeError), message)

    def test_an_offer_that_no_one_should_make_is_declined(self):
        offers = ["permessage-deflate; server_max_window_bits=\xb2", "permessage-deflate; x", "other"]
        for offer in offers:
            self.start(self.echo, [KEY, ("sec-websocket-extensions", offer)])
            head, _, _, errors = self.heard()
            self.assertNotIn("sec-websocket-extensions", head)
            self.assertEqual(errors, "")

    def test_without_a_key_of_its_own(self):
        key = base64.b64encode(bytes(16)).decode()
        self.start(self.echo, [("sec-websocket-key", " %s " % key)])
        self.assertIn("sec-websocket-accept: ICX+Yqv66kxgM0FcWaLWlFLwTAI=", self.heard()[0])


class Denying(Case):
    def test_by_closing(self):
        self.start(self.tries({"type": "websocket.close", "code": 4000}))
        head, _, ends, errors = self.heard()
        self.assertEqual((head.split("\n")[0], ends, errors), ("Status: 403 ", [0], ""))

    def test_by_a_response(self):
        start = {"type": "websocket.http.response.start", "status": 401, "headers": [(b"x-a", b"b")]}
        parts = [{"type": "websocket.http.response.body", "body": data, "more_body": more} for data, more in ((b"no", True), (b"t you", False))]
        self.start(self.tries(start, *parts))
        head, content, ends, errors = self.heard()
        self.assertEqual((head, content, ends, errors), ("Status: 401 \nx-a: b", b"not you", [0], ""))

    def test_by_returning_or_raising(self):
        self.start(self.tries())
        _, _, ends, errors = self.heard()
        self.assertEqual(ends, [1])
        self.assertIn("returned before it accepted or closed", errors)

        async def application(scope, receive, send):
            raise ValueError("broken")

        self.start(application)
        _, _, ends, errors = self.heard()
        self.assertEqual((ends, errors.endswith("ValueError: broken\n")), ([1], True))

    def test_messages_out_of_order(self):
        start = {"type": "websocket.http.response.start", "status": 401, "headers": []}
        cases = {
            "content before accepting": [{"type": "websocket.send", "text": "x"}],
            "content of a response without its start": [{"type": "websocket.http.response.body"}],
            "accepting twice": [ACCEPT, ACCEPT],
            "a response after accepting": [ACCEPT, start],
            "accepting after a response": [start, ACCEPT],
            "two responses": [start, start],
            "accepting after denying": [{"type": "websocket.close"}, ACCEPT],
            "one of HTTP": [{"type": "http.response.start", "status": 200}],
        }
        for name, messages in cases.items():
            self.start(self.tries(*messages, then="wait"))
            errors = [error for error in self.seen if isinstance(error, RuntimeError)]
            self.assertEqual(len(errors), 1, name)
            self.seen.clear()


class Talking(Case):
    def test_messages_of_both_kinds(self):
        self.start(self.echo)
        self.heard()
        self.assertEqual(self.say(frame(TEXT, "ü".encode()), frame(BINARY, b"\0\xff"))[0], [(TEXT, "ü".encode()), (BINARY, b"\0\xff")])
        self.assertEqual(self.seen[1:], [{"type": "websocket.receive", "text": "ü"}, {"type": "websocket.receive", "bytes": b"\0\xff"}])

    def test_empty_ones(self):
        self.start(self.echo)
        self.heard()
        self.assertEqual(self.say(frame(TEXT, b""), frame(BINARY, b""))[0], [(TEXT, b""), (BINARY, b"")])

    def test_messages_of_every_type_of_bytes(self):
        messages = [{"type": "websocket.send", "bytes": data} for data in (b"a", bytearray(b"b"), memoryview(b"c"))]
        self.start(self.tries(ACCEPT, *messages, {"type": "websocket.send", "text": None, "bytes": b"d"}, then="wait"))
        self.assertEqual([content for _, content in self.heard()[1]], [b"a", b"b", b"c", b"d"])

    def test_what_is_no_message(self):
        wrong = [{}, {"text": None, "bytes": None}, {"text": b"x"}, {"bytes": "x"}, {"text": 1}, {"bytes": 1}]
        self.start(self.tries(ACCEPT, *[{"type": "websocket.send", **message} for message in wrong], then="wait"))
        self.assertEqual([type(error) for error in self.seen[1:]], [TypeError] * len(wrong))

    def test_a_ping_is_answered_with_its_content(self):
        self.start(self.echo)
        self.heard()
        self.assertEqual(self.say(frame(PING, b"abc"), frame(PONG, b"x"))[0], [(PONG, b"abc")])
        self.assertEqual(len(self.seen), 1)

    def test_compressed_ones_where_it_was_agreed(self):
        self.start(self.echo, [KEY, ("sec-websocket-extensions", "permessage-deflate; client_max_window_bits")])
        self.assertIn("sec-websocket-extensions: permessage-deflate", self.heard()[0])
        text = b"again and again and again " * 10
        self.assertEqual(self.say(frame(TEXT, compressed(text), 0xC0))[0], [(TEXT, text)])
        self.assertEqual(self.say(frame(TEXT, b"short"))[0], [(TEXT, b"short")])

    def test_messages_that_wait_make_the_client_wait(self):
        go_on = []

        async def application(scope, receive, send):
            await receive()
            await send(ACCEPT)
            go_on.append(asyncio.Event())
            await go_on[0].wait()
            while True:
                self.seen.append(len((await receive())["bytes"]))

        self.start(application)
        self.server.heard()
        half = frame(BINARY, b"x" * (RECEIVE_LIMIT // 2 - MESSAGE_COST))
        self.server.say(record(STDIN, half + half))
        self.assertEqual(self.server.heard(), [])
        self.server.say(record(STDIN, frame(BINARY, b"x")))
        self.assertEqual(self.server.heard(), [(PAUSE, 1, b"\1")])
        go_on[0].set()
        self.server.turn()
        self.assertEqual(self.server.heard(), [(PAUSE, 1, b"\0")])
        self.assertEqual(sum(self.seen), RECEIVE_LIMIT - 2 * MESSAGE_COST + 1)

    def test_empty_messages_that_wait_make_the_client_wait(self):
        async def application(scope, receive, send):
            await send(ACCEPT)
            await asyncio.Event().wait()

        self.start(application)
        self.server.heard()
        for _ in range(20):
            self.server.say(record(STDIN, frame(BINARY, b"") * 100))
        self.assertEqual(self.server.heard(), [(PAUSE, 1, b"\1")])

    def test_pings_of_a_client_that_takes_nothing_are_answered_once(self):
        self.start(self.echo)
        self.heard()
        self.server.say(record(PAUSE, b"\1"))
        self.assertEqual(self.say(*[frame(PING, b"%d" % number) for number in range(10)])[0], [])
        self.server.say(record(PAUSE, b"\0"))
        self.assertEqual(self.heard()[1], [(PONG, b"9")])
        self.assertEqual(self.say(frame(PING, b"a"), frame(PING, b"b"))[0], [(PONG, b"a"), (PONG, b"b")])

    def test_several_tasks_that_receive(self):
        async def application(scope, receive, send):
            await send(ACCEPT)
            await receive()
            self.seen += await asyncio.gather(receive(), receive(), receive())

        self.start(application)
        self.server.say(record(STDIN, frame(TEXT, b"one")))
        self.say(frame(CLOSE, b"\x03\xe8"))
        self.assertEqual([message.get("text") for message in self.seen], ["one", None, None])


class Closing(Case):
    def test_by_the_client(self):
        for data, told, answer in (
            (b"\x03\xe8", {"code": 1000, "reason": ""}, (1000, "")),
            (b"\x0f\xa0bye", {"code": 4000, "reason": "bye"}, (4000, "bye")),
            (b"", {"code": 1005, "reason": ""}, None),
        ):
            self.start(self.echo)
            self.heard()
            frames, ends, errors = self.say(frame(CLOSE, data), frame(TEXT, b"late"))
            self.assertEqual((frames, ends, errors), ([(CLOSE, answer)], [0], ""))
            self.assertEqual(self.seen[1:], [{"type": "websocket.disconnect", **told}])
            self.seen.clear()

    def test_by_the_application(self):
        self.start(self.tries(ACCEPT, {"type": "websocket.close", "code": 4001, "reason": "enough"}))
        _, frames, ends, errors = self.heard()
        self.assertEqual((frames, ends, errors), ([(CLOSE, (4001, "enough"))], [], ""))
        self.assertEqual(self.say(frame(TEXT, b"late"), frame(PING, b"x"), frame(CLOSE, b"\x0f\xa1")), ([], [0], ""))

    def test_by_the_application_without_saying_more(self):
        for message in ({}, {"reason": None}):
            self.start(self.tries(ACCEPT, {"type": "websocket.close", **message}))
            self.assertEqual(self.heard()[1], [(CLOSE, (1000, ""))])

    def test_by_returning(self):
        self.start(self.tries(ACCEPT))
        self.assertEqual(self.heard()[1:], ([(CLOSE, (1000, ""))], [], ""))

    def test_by_raising(self):
        async def application(scope, receive, send):
            await receive()
            await send(ACCEPT)
            raise ValueError("broken")

        self.start(application)
        _, frames, ends, errors = self.heard()
        self.assertEqual((frames, ends), ([(CLOSE, (1011, ""))], [1]))
        self.assertIn("ValueError: broken", errors)

    def test_with_codes_that_must_not_be_sent(self):
        for code in (0, 999, 1004, 1006, 1015, 2999, 5000):
            self.start(self.tries(ACCEPT, {"type": "websocket.close", "code": code}, then="wait"))
            self.assertIsInstance(self.seen.pop(), ValueError, code)
            self.assertEqual(self.heard()[1], [])

    def test_twice_is_once(self):
        close = {"type": "websocket.close", "code": 1000}
        self.start(self.tries(ACCEPT, close, close))
        self.assertEqual(self.heard()[1], [(CLOSE, (1000, ""))])

    def test_nothing_can_be_sent_behind_it(self):
        self.start(self.tries(ACCEPT, {"type": "websocket.close"}, {"type": "websocket.send", "text": "x"}))
        self.assertIsInstance(self.seen.pop(), OSError)

    def test_a_client_that_goes_without_a_word(self):
        for data in (record(STDIN, b""), record(ABORT)):
            self.start(self.echo)
            self.heard()
            self.server.say(data)
            self.assertEqual(self.seen[-1], {"type": "websocket.disconnect", "code": 1006, "reason": ""})
            self.assertEqual(len(self.heard()[2]), 1)

    def test_a_client_that_goes_before_it_is_accepted(self):
        async def application(scope, receive, send):
            await receive()
            self.seen.append(await receive())
            try:
                await send(ACCEPT)
            except OSError as error:
                self.seen.append(str(error))
                raise

        self.start(application)
        self.server.say(record(ABORT))
        self.assertEqual(self.seen, [{"type": "websocket.disconnect", "code": 1006, "reason": ""}, "the client has left"])
        self.assertEqual(self.heard()[1:], (b"", [1], ""))

    def test_a_client_that_goes_before_it_is_accepted_is_no_fault_of_the_application(self):
        async def application(scope, receive, send):
            await receive()
            await receive()

        self.start(application)
        self.server.say(record(ABORT))
        self.assertEqual(self.heard()[1:], (b"", [1], ""))

    def test_receiving_goes_on_to_the_end_that_the_client_does_not_answer(self):
        self.do_not_wait("CLOSE_TIMEOUT")

        async def application(scope, receive, send):
            await receive()
            await send(ACCEPT)
            await send({"type": "websocket.close"})
            self.seen.append(await asyncio.wait_for(receive(), 5))

        self.start(application)
        self.assertEqual(self.seen, [{"type": "websocket.disconnect", "code": 1006, "reason": ""}])
        self.assertEqual(self.heard()[1:], ([(CLOSE, (1000, ""))], [0], ""))

    def test_receiving_on_and_on_behind_the_end(self):
        async def application(scope, receive, send):
            await send({"type": "websocket.accept"})
            while True:
                self.seen.append((await receive())["type"])

        self.start(application)
        errors = self.say(frame(CLOSE, b"\x03\xe8"))[2]
        self.assertIn("RuntimeError: receive() was called 1001 times after websocket.disconnect", errors)
        self.assertEqual(self.server.connection.running, set())

    def test_receiving_behind_a_denial(self):
        start = {"type": "websocket.http.response.start", "status": 401, "headers": []}

        async def application(scope, receive, send):
            await receive()
            await send(start)
            await send({"type": "websocket.http.response.body", "body": b"no"})
            self.seen.append((await receive())["type"])

        self.start(application)
        self.assertEqual(self.seen, ["websocket.disconnect"])

    def test_what_is_no_websocket(self):
        for data, code in ((frame(3, b""), 1002), (frame(TEXT, b"\xff"), 1007), (b"\x82\xff" + (1 << 40).to_bytes(8, "big"), 1009)):
            self.start(self.listen)
            self.heard()
            frames, ends, errors = self.say(frame(TEXT, b"good"), data)
            self.assertEqual([opcode for opcode, _ in frames][-1:], [CLOSE])
            self.assertEqual((frames[-1][1][0], ends, errors), (code, [0], ""))
            self.assertEqual((self.seen[1]["text"], self.seen[-1]["code"]), ("good", code))
            self.seen.clear()

    def test_when_the_worker_is_to_stop(self):
        self.start(self.echo)
        self.heard()
        self.server.say(record(DRAIN, b"", 0))
        self.assertEqual(self.heard()[1], [(CLOSE, (1001, ""))])
        self.assertEqual(self.seen[-1], {"type": "websocket.disconnect", "code": 1001, "reason": ""})

    def test_the_client_has_time_to_answer_when_the_worker_is_to_stop(self):
        self.start(self.listen)
        self.heard()
        self.server.say(record(DRAIN, b"", 0))
        self.assertEqual(self.server.connection.running, set())
        self.assertEqual(self.heard()[1:3], ([(CLOSE, (1001, ""))], []))
        self.assertEqual(self.say(frame(CLOSE, b"\x03\xe9"))[1], [0])

    def test_a_client_that_does_not_answer_keeps_a_worker_that_is_to_stop_for_a_shorter_time(self):
        self.do_not_wait("STOP_TIMEOUT")
        self.start(self.listen)
        self.heard()
        self.server.say(record(DRAIN, b"", 0))
        self.assertEqual(self.heard()[1:3], ([(CLOSE, (1001, ""))], [0]))

    def test_nor_does_one_that_had_not_answered_before(self):
        self.do_not_wait("STOP_TIMEOUT")

        async def application(scope, receive, send):
            await receive()
            await send(ACCEPT)
            await send({"type": "websocket.close"})
            await receive()

        self.start(application)
        self.assertEqual(self.heard()[1:3], ([(CLOSE, (1000, ""))], []))
        self.server.say(record(DRAIN, b"", 0))
        self.assertEqual(self.heard()[1:3], ([], [0]))


class Pinging(Case):
    def test_a_client_is_asked_for_a_sign_of_life_and_given_up_without_one(self):
        self.start(self.echo)
        self.heard()
        [socket] = self.server.connection.requests.values()
        socket.ping()
        self.server.turn()
        self.assertEqual(self.heard()[1], [(PING, b"")])
        self.say(frame(PONG, b""))
        socket.ping()
        self.server.turn()
        self.assertEqual(self.heard()[1:3], ([(PING, b"")], []))
        socket.ping()
        self.server.turn()
        self.assertEqual(self.heard()[1:], ([], [0], ""))
        self.assertEqual((self.seen[-1]["code"], self.seen[-1]["reason"]), (1006, "no answer to a ping"))

    def test_a_client_that_has_to_wait_is_not_given_up(self):
        async def application(scope, receive, send):
            await send(ACCEPT)
            await asyncio.Event().wait()

        self.start(application)
        [socket] = self.server.connection.requests.values()
        self.say(*[frame(BINARY, b"x" * 0x8000)] * 9)
        self.assertTrue(socket.paused_content)
        for _ in range(3):
            socket.ping()
            self.server.turn()
        self.assertEqual((socket.close_event, socket.complete), (None, False))

    def test_the_times_of_others(self):
        self.assertEqual((asgi_websocket.PING_INTERVAL, asgi_websocket.CLOSE_TIMEOUT, asgi_websocket.STOP_TIMEOUT), (20, 5, 2))


if __name__ == "__main__":
    unittest.main()

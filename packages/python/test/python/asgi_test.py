"""HTTP by ASGI 3: the order of messages, what they may hold, and how many requests share one event loop."""

import asyncio
import http
import io
import os
import random
import sys
import tempfile
import unittest
from contextlib import redirect_stderr

from loop import DRAIN, PAUSE, PING, Server, begin, request
from onezero_worker import asgi
from onezero_worker.asgi import RECEIVE_LIMIT, Lifespan, encode_head, strips_path
from wire import ABORT, END, FILE_REPLY, STDIN, STDOUT, Answer, record, records


def start(status=200, headers=()):
    return {"type": "http.response.start", "status": status, "headers": headers}


def body(data=b"", more=False):
    return {"type": "http.response.body", "body": data, "more_body": more}


class Case(unittest.TestCase):
    def setUp(self):
        self.seen = []

    def server(self, application, **options):
        server = Server(application, **options)
        self.addCleanup(server.close)
        return server

    def ask(self, application, data=None, **options):
        server = self.server(application, **options)
        server.say(request() if data is None else data)
        return Answer(server.heard())

    def sends(self, *messages, method="GET"):
        """The answer of an application that sends these, and the errors that it met."""

        async def application(scope, receive, send):
            for message in messages:
                try:
                    await send(message)
                except Exception as error:
                    self.seen.append(error)

        return self.ask(application, request(method=method))


class Begun:
    """A coroutine whose first step has been run already."""

    def __init__(self, coroutine, first):
        self.coroutine = coroutine
        self.first = first

    def __await__(self):
        value = self.first
        while True:
            sent = yield value
            try:
                value = self.coroutine.send(sent)
            except StopIteration:
                return


def eager(loop):
    """Makes tasks that begin at once, as those of asyncio.eager_task_factory do."""

    async def rest(begun):
        await begun

    def begin_task(coroutine):
        try:
            return loop.create_task(rest(Begun(coroutine, coroutine.send(None))))
        except StopIteration:
            return None

    return begin_task


class Heads(unittest.TestCase):
    def test_fields_are_written_in_lower_case_without_white_space_around(self):
        head, length = encode_head(200, [(b"X-A", b" b\t"), (b"Set-Cookie", b"a"), (b"set-cookie", b"b"), (b"x-empty", b"")])
        self.assertEqual((head, length), (b"Status: 200 \nx-a: b\nset-cookie: a\nset-cookie: b\nx-empty: \n", None))

    def test_any_pairs_of_any_bytes(self):
        for name in (b"X-A", bytearray(b"X-A")):
            for value in (b"\xe9", bytearray(b"\xe9")):
                for pair in ((name, value), [name, value], iter((name, value))):
                    self.assertEqual(encode_head(200, iter([pair]))[0], b"Status: 200 \nx-a: \xe9\n")

    def test_what_belongs_to_the_connection_is_left_out(self):
        for name in (b"connection", b"Keep-Alive", b"transfer-encoding", b"TE", b"Trailer", b"upgrade"):
            self.assertEqual(encode_head(200, [(name, b"x"), (b"a", b"b")])[0], b"Status: 200 \na: b\n")

    def test_statuses(self):
        for status in (200, 299, 599, http.HTTPStatus.NOT_FOUND):
            self.assertTrue(encode_head(status, ())[0].startswith(b"Status: %d " % status))
        for status in (0, 100, 199, 600, -200, True, "200", b"200", 200.0, None):
            with self.assertRaises(ValueError, msg=status):
                encode_head(status, ())

    def test_what_must_not_be_on_the_wire(self):
        for name in (b"", b" a", b"a ", b"a:", b"a\n", b"a\0", b"\xe9"):
            with self.assertRaises(ValueError, msg=name):
                encode_head(200, [(name, b"x")])
        for byte in range(256):
            value = b"a" + bytes((byte,)) + b"b"
            if byte == 9 or (byte >= 32 and byte != 127):
                self.assertIn(value, encode_head(200, [(b"x", value)])[0])
            else:
                with self.assertRaises(ValueError, msg=value):
                    encode_head(200, [(b"x", value)])
        for pair in (("a", b"b"), (b"a", "b"), (b"a", None), (b"a", 1), (None, b"b")):
            with self.assertRaises(TypeError, msg=pair):
                encode_head(200, [pair])

    def test_lengths(self):
        self.assertEqual(encode_head(200, [(b"Content-Length", b"12")])[1], 12)
        self.assertEqual(encode_head(200, [(b"content-length", b"12"), (b"content-length", b"12")])[1], 12)
        for value in (b"", b"-1", b"1.0", b"+1", b"1,1", b"0x1", b"\xb2"):
            with self.assertRaises(ValueError, msg=value):
                encode_head(200, [(b"content-length", value)])
        with self.assertRaises(ValueError):
            encode_head(200, [(b"content-length", b"1"), (b"content-length", b"2")])


class Sending(Case):
    def test_a_response_in_one_and_in_many(self):
        for messages in ([body(b"abc")], [body(b"a", True), body(b"bc")], [body(b"abc", True), body()], [body(b"", True), body(b"abc")]):
            answer = self.sends(start(), *messages)
            self.assertEqual((answer.content, answer.status, answer.ends, self.seen), (b"abc", 0, 1, []))

    def test_without_content(self):
        for message in (body(), {"type": "http.response.body"}):
            answer = self.sends(start(), message)
            self.assertEqual((answer.content, answer.status, answer.line), (b"", 0, "200 "))

    def test_bytes_of_any_type_as_they_were(self):
        data = bytearray(b"abc")

        async def application(scope, receive, send):
            await send(start())
            await send(body(data, True))
            data[:] = b"xyz"
            await send(body(memoryview(b"def")))

        self.assertEqual(self.ask(application).content, b"abcdef")

    def test_nothing_leaves_before_the_first_content(self):
        async def application(scope, receive, send):
            await send(start())
            await asyncio.Event().wait()

        server = self.server(application)
        server.say(request())
        self.assertEqual(server.heard(), [])

    def test_messages_out_of_order(self):
        cases = {
            "content first": ([body(b"x")], "not started"),
            "two heads": ([start(), start()], "under way"),
            "a head after the end": ([start(), body(), start()], "complete"),
            "content after the end": ([start(), body(), body(b"x")], "complete"),
            "an unknown message": ([start(), {"type": "http.response.trailers"}], "under way"),
            "one of WebSocket": ([{"type": "websocket.accept"}], "not started"),
        }
        for name, (messages, state) in cases.items():
            self.sends(*messages)
            [error] = self.seen
            self.assertIsInstance(error, RuntimeError, name)
            self.assertIn(state, str(error))
            self.seen.clear()

    def test_content_that_is_no_bytes(self):
        for data in ("text", None, 1, ["x"]):
            answer = self.sends(start(), body(data), body(b"ok"))
            self.assertIsInstance(self.seen.pop(), TypeError)
            self.assertEqual((answer.content, answer.status), (b"ok", 0))

    def test_a_head_that_is_refused_may_be_sent_again(self):
        answer = self.sends(start(99), start(200, [(b"a", b"b\nc")]), start(404), body(b"x"))
        self.assertEqual((answer.line, answer.content), ("404 ", b"x"))
        self.assertEqual(len(self.seen), 2)

    def test_more_or_less_than_the_declared_length(self):
        for data in ([body(b"abcd")], [body(b"ab", True), body(b"cd", True)], [body(b"ab")], [body(b"abc", True), body(b"d")]):
            answer = self.sends(start(headers=[(b"content-length", b"3")]), *data)
            self.assertIn("Content-Length of 3", str(self.seen[0]))
            self.assertEqual(answer.status, 1)
            self.seen.clear()
        answer = self.sends(start(headers=[(b"content-length", b"3")]), body(b"ab", True), body(b"c"))
        self.assertEqual((answer.content, answer.status, self.seen), (b"abc", 0, []))

    def test_pieces_of_all_sizes_of_several_responses_at_once(self):
        chance = random.Random(7)
        sizes = (0, 1, 11, 11, 11, 400, 0x7FFF, 0x8001, 0x10000, 0x10001, 0x30000)
        pieces = {
            str(number): [bytes([number]) * chance.choice(sizes) for _ in range(40)] for number in range(1, 6)
        }

        async def application(scope, receive, send):
            await send(start())
            for piece in pieces[scope["path"]]:
                await send(body(piece if len(piece) % 3 else bytearray(piece), True))
                if len(piece) == 1:
                    await asyncio.sleep(0)
            await send(body())
            with self.assertRaises(RuntimeError):
                await send(body(b"late", True))

        server = self.server(application)
        server.say(b"".join(request(number, path=str(number)) for number in range(1, 6)))
        server.turn(2000)
        found = server.heard()
        self.assertNotIn(0, [len(content) for kind, _, content in found if kind == STDOUT])
        for number in range(1, 6):
            answer = Answer([entry for entry in found if entry[1] == number])
            self.assertEqual((answer.content, answer.status), (b"".join(pieces[str(number)]), 0))

    def test_a_stream_whose_client_has_left(self):
        async def application(scope, receive, send):
            await send(start())
            try:
                for _ in range(10):
                    await send(body(b"x", True))
                    await asyncio.sleep(0)
            except OSError as error:
                self.seen.append(error)

        server = self.server(application)
        server.receive(request())
        server.turn(3)
        server.say(record(ABORT, number=1))
        self.assertEqual([str(error) for error in self.seen], ["the client has left"])

    def test_no_content_where_there_must_be_none(self):
        for status, method in ((204, "GET"), (304, "GET"), (200, "HEAD")):
            answer = self.sends(start(status, [(b"content-length", b"5")]), body(b"ab", True), body(b"c"), method=method)
            self.assertEqual((answer.content, answer.status, answer.field("content-length"), self.seen), (b"", 0, "5", []))


class Failing(Case):
    def test_others_run_while_content_that_nobody_gets_is_made_without_end(self):
        async def application(scope, receive, send):
            await send(start(204 if scope["path"] == "/204" else 200))
            while True:
                await send(body(b"x" * 1000, True))

        for options in ({"method": "HEAD"}, {"path": "/204"}):
            server = self.server(application)
            server.say(request(**options))
            server.say(record(ABORT))
            self.assertEqual(server.connection.running, set())

    def test_before_and_after_the_first_content(self):
        async def application(scope, receive, send):
            await send(start())
            if scope["path"] == "/late":
                await send(body(b"part", True))
            raise ValueError("broken")

        for path, has_head in (("/", b""), ("/late", b"\n\n")):
            answer = self.ask(application, request(path=path))
            self.assertEqual((answer.has_head, answer.status, answer.ends), (has_head, 1, 1))
            self.assertTrue(answer.errors.endswith("ValueError: broken\n"))
            self.assertNotIn("onezero_worker", answer.errors)

    def test_after_the_end_is_told_and_changes_nothing(self):
        async def application(scope, receive, send):
            await send(start())
            await send(body(b"x"))
            raise ValueError("late")

        answer = self.ask(application)
        self.assertEqual((answer.content, answer.status, answer.ends), (b"x", 0, 1))
        self.assertIn("ValueError: late", answer.errors)

    def test_returning_too_early(self):
        for messages, state in (([], "started"), ([start()], "started"), ([start(), body(b"x", True)], "whole")):
            answer = self.sends(*messages)
            self.assertEqual((answer.status, answer.ends), (1, 1))
            self.assertIn("returned before its response was %s" % state, answer.errors)

    def test_exits_are_failures_of_the_request(self):
        for error in (SystemExit(1), KeyboardInterrupt(), asyncio.CancelledError()):

            async def application(scope, receive, send):
                raise error

            answer = self.ask(application)
            self.assertEqual((answer.status, answer.ends), (1, 1))

    def test_a_long_traceback(self):
        async def application(scope, receive, send):
            raise ValueError("ü" * 100_000)

        answer = self.ask(application)
        self.assertTrue(answer.errors.endswith("ü" * 100_000 + "\n"))


class Receiving(Case):
    async def reads(self, scope, receive, send):
        while True:
            message = await receive()
            self.seen.append((message["type"], message.get("body"), message.get("more_body")))
            if not message.get("more_body"):
                break
        await send(start())
        await send(body())

    def test_no_content(self):
        self.ask(self.reads)
        self.assertEqual(self.seen, [("http.request", b"", False)])

    def test_no_content_for_a_task_that_begins_at_once(self):
        server = self.server(self.reads)
        server.connection.create_task = eager(server.loop)
        for size in (None, 1):
            server.say(request(), size)
            self.assertEqual(Answer(server.heard()).status, 0)
        self.assertEqual(self.seen, [("http.request", b"", False)] * 2)

    def test_who_asks_on_and_on_behind_the_end_is_stopped(self):
        async def waits(scope, receive, send):
            while True:
                self.seen.append((await receive())["type"])

        async def answers_and_waits(scope, receive, send):
            await send(start())
            await send(body(b"x"))
            await waits(scope, receive, send)

        for application, data in ((waits, request() + record(ABORT)), (answers_and_waits, request())):
            self.seen.clear()
            server = self.server(application)
            server.say(data)
            self.assertEqual(set(self.seen[1:]), {"http.disconnect"})
            self.assertIn("RuntimeError: receive() was called 1001 times after http.disconnect", Answer(server.heard()).errors)
            self.assertEqual(server.connection.running, set())

    def test_content_that_is_all_here(self):
        self.ask(self.reads, request(content=[b"one", b"two"]))
        self.assertEqual(b"".join(data for _, data, _ in self.seen), b"onetwo")
        self.assertEqual(self.seen[-1][2], False)

    def test_content_however_it_is_cut(self):
        data = request(content=[b"a" * 20, b"b" * 300], method="POST", path="/x")
        for size in (1, 2, 3, 7, 8, 9, 50, 1000):
            server = self.server(self.reads)
            server.say(data, size)
            self.assertEqual(b"".join(piece for _, piece, _ in self.seen), b"a" * 20 + b"b" * 300, size)
            self.assertEqual(Answer(server.heard()).status, 0)
            self.seen.clear()

    def test_after_the_content_it_waits_for_the_client_to_leave(self):
        async def application(scope, receive, send):
            for _ in range(3):
                self.seen.append((await receive())["type"])

        server = self.server(application)
        server.say(request())
        self.assertEqual(self.seen, ["http.request"])
        server.say(record(ABORT))
        self.assertEqual(self.seen, ["http.request", "http.disconnect", "http.disconnect"])
        answer = Answer(server.heard())
        self.assertEqual((answer.status, answer.errors), (1, ""))

    def test_after_its_own_response_the_client_counts_as_gone(self):
        async def application(scope, receive, send):
            await receive()
            await send(start())
            await send(body())
            self.seen.append((await receive())["type"])

        self.ask(application)
        self.assertEqual(self.seen, ["http.disconnect"])

    def test_several_tasks_that_receive(self):
        async def application(scope, receive, send):
            self.seen += await asyncio.gather(receive(), receive(), receive())

        server = self.server(application)
        server.say(begin() + record(STDIN, b"one"))
        server.say(record(STDIN, b"two") + record(STDIN))
        self.assertEqual(self.seen, [])
        server.say(record(ABORT))
        self.assertEqual([message.get("body") for message in self.seen], [b"one", b"two", None])

    def test_one_of_several_tasks_that_stops_receiving(self):
        async def application(scope, receive, send):
            await receive()
            first, second, third = [asyncio.ensure_future(receive()) for _ in range(3)]
            await asyncio.sleep(0)
            first.cancel()
            await asyncio.sleep(0)
            fourth = asyncio.ensure_future(receive())
            await asyncio.sleep(0)
            fourth.cancel()
            self.seen += await asyncio.gather(second, third)

        server = self.server(application)
        server.say(request())
        server.say(record(ABORT))
        self.assertEqual([message["type"] for message in self.seen], ["http.disconnect"] * 2)

    def test_sending_to_a_client_that_has_left(self):
        async def application(scope, receive, send):
            await receive()
            await receive()
            await send(start())
            try:
                await send(body(b"x"))
            except OSError as error:
                self.seen.append(str(error))
                raise

        server = self.server(application)
        server.say(request() + record(ABORT))
        self.assertEqual(self.seen, ["the client has left"])
        self.assertEqual(Answer(server.heard()).errors, "")

    def test_going_on_after_the_client_has_left_is_cancelled_in_the_end(self):
        async def application(scope, receive, send):
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                self.seen.append("cancelled")
                raise

        server = self.server(application)
        server.say(request() + record(ABORT))
        self.assertEqual(self.seen, [])
        now = server.loop.time
        for late, seen in ((asgi.CANCEL_AFTER - 1, []), (asgi.CANCEL_AFTER, ["cancelled"])):
            server.loop.time = lambda late=late: now() + late
            server.turn()
            self.assertEqual(self.seen, seen)
        self.assertEqual(Answer(server.heard()).errors, "")

    def test_too_much_content_asks_the_server_to_wait(self):
        go_on = []

        async def application(scope, receive, send):
            event = asyncio.Event()
            go_on.append(event)
            await event.wait()
            while True:
                self.seen.append(len((await receive())["body"]))

        server = self.server(application)
        server.say(begin() + record(STDIN, b"x" * RECEIVE_LIMIT))
        self.assertEqual(server.heard(), [])
        server.say(record(STDIN, b"x"))
        self.assertEqual(server.heard(), [(PAUSE, 1, b"\1")])
        server.say(record(STDIN, b"x"))
        self.assertEqual(server.heard(), [])
        go_on[0].set()
        server.turn()
        self.assertEqual((sum(self.seen), server.heard()), (RECEIVE_LIMIT + 2, [(PAUSE, 1, b"\0")]))


class Scopes(Case):
    def scope_of(self, **words):
        async def application(scope, receive, send):
            self.seen.append(scope)
            await send(start())
            await send(body())

        stripped = words.pop("is_path_stripped", False)
        state = words.pop("state", None)
        self.ask(application, request(**words), is_path_stripped=stripped, state=state)
        return self.seen.pop()

    def test_its_members(self):
        scope = self.scope_of(path="/\xc3\xbc", raw_path="/%C3%BC", query="a=%20", fields=[("host", "h"), ("x", ""), ("x", "\xe9")])
        self.assertEqual((scope["type"], scope["method"], scope["http_version"], scope["scheme"]), ("http", "GET", "1.1", "http"))
        self.assertEqual((scope["path"], scope["raw_path"], scope["query_string"]), ("/ü", b"/%C3%BC", b"a=%20"))
        self.assertEqual((scope["client"], scope["server"]), (("192.0.2.1", 4000), ("192.0.2.2", 80)))
        self.assertEqual(scope["headers"], [(b"host", b"h"), (b"x", b""), (b"x", b"\xe9")])
        self.assertEqual(scope["asgi"]["version"], "3.0")
        self.assertNotIn("state", scope)

    def test_what_comes_again_belongs_to_its_request(self):
        """Members that a client repeats are taken apart once; an application may change what it is given."""
        source = random.Random(1)
        for _ in range(200):
            words = {
                "path": source.choice(["/", "/a"]), "query": source.choice(["", "q"]), "method": source.choice(["GET", "PUT"]),
                "client": source.choice(["", "192.0.2.1"]), "client_port": source.choice(["1", "2"]),
                "root_path": source.choice(["", "/m"]), "version": source.choice(["1.0", "1.1"]),
                "fields": [(name, source.choice("xy")) for name in "ab"[: source.randrange(3)]],
            }  # fmt: skip
            scope = self.scope_of(**words)
            self.assertEqual((scope["path"], scope["query_string"].decode(), scope["method"]), (words["path"], words["query"], words["method"]))
            self.assertEqual((scope["root_path"], scope["http_version"]), (words["root_path"], words["version"]))
            self.assertEqual(scope["client"], ("192.0.2.1", int(words["client_port"])) if words["client"] else None)
            self.assertEqual(scope["headers"], [(name.encode(), value.encode()) for name, value in words["fields"]])
            self.assertEqual((scope["server"], scope["extensions"]), (("192.0.2.2", 80), {"http.response.pathsend": {}}))
            scope["headers"].append((b"added", b""))
            scope["extensions"]["http.response.pathsend"]["added"] = scope["extensions"]["added"] = scope["added"] = True

    def test_what_an_application_changes_is_its_own(self):
        async def application(scope, receive, send):
            self.seen.append((dict(scope["asgi"]), list(scope["headers"]), dict(scope["extensions"])))
            scope["asgi"]["more"] = True
            scope["headers"].clear()
            scope["extensions"].clear()
            await send(start())
            await send(body())

        self.ask(application, request(fields=[("a", "b")]) * 4)
        self.assertEqual(self.seen, [({"version": "3.0"}, [(b"a", b"b")], {"http.response.pathsend": {}})] * 4)

    def test_no_client_is_none(self):
        self.assertIsNone(self.scope_of(client="", client_port="0")["client"])

    def test_the_mount_is_in_the_path_or_not(self):
        words = {"root_path": "/a", "path": "/a/b"}
        self.assertEqual((self.scope_of(**words)["path"], self.scope_of(**words)["root_path"]), ("/a/b", "/a"))
        self.assertEqual(self.scope_of(is_path_stripped=True, **words)["path"], "/b")

    def test_the_state_of_one_request_is_not_that_of_another(self):
        state = {"shared": []}
        first, second = self.scope_of(state=state)["state"], self.scope_of(state=state)["state"]
        first["own"] = 1
        self.assertNotIn("own", second)
        self.assertIs(first["shared"], second["shared"])


class ManyRequests(Case):
    def test_they_are_answered_as_they_are_done(self):
        events = {}

        async def application(scope, receive, send):
            events[scope["path"]] = asyncio.Event()
            await events[scope["path"]].wait()
            await send(start())
            await send(body(scope["path"].encode()))

        server = self.server(application)
        server.say(b"".join(request(number, path="/%d" % number) for number in (1, 2, 3, 0xFFFF)))
        for number in (3, 0xFFFF, 1, 2):
            events["/%d" % number].set()
            server.turn()
            found = server.heard()
            self.assertEqual({there for _, there, _ in found}, {number})
            self.assertEqual(Answer(found).content, b"/%d" % number)

    def test_answers_that_are_ready_leave_in_the_turn_that_made_them_as_one(self):
        async def application(scope, receive, send):
            await send(start())
            await send(body(b"x" * 10))

        server = self.server(application)
        writes = []
        server.transport.write = writes.append
        server.receive(b"".join(request(number) for number in (1, 3, 5)))
        server.loop.call_soon(lambda: self.seen.append(len(writes)))
        server.turn()
        self.assertEqual((self.seen, len(writes)), ([1], 1))

    def test_content_of_each_reaches_its_own(self):
        async def application(scope, receive, send):
            data = b""
            while True:
                message = await receive()
                data += message["body"]
                if not message["more_body"]:
                    break
            await send(start())
            await send(body(data))

        server = self.server(application)
        server.say(begin(1) + begin(2) + record(STDIN, b"a", 1) + record(STDIN, b"b", 2) + record(STDIN, b"a", 1))
        server.say(record(STDIN, b"", 2) + record(STDIN, b"", 1))
        found = server.heard()
        for number, content in ((1, b"aa"), (2, b"b")):
            self.assertEqual(Answer([one for one in found if one[1] == number]).content, content)

    def test_what_comes_for_no_request_is_dropped(self):
        server = self.server(None)
        server.say(record(STDIN, b"x", 9) + record(STDIN, b"", 9) + record(ABORT, b"", 9) + record(PAUSE, b"\1", 9))
        server.say(record(FILE_REPLY, b"\1", 9) + record(DRAIN, b"", 0))
        self.assertEqual(server.heard(), [])

    def test_a_ping_comes_back(self):
        server = self.server(None)
        server.say(record(PING, b"", 0))
        self.assertEqual(server.heard(), [(PING, 0, b"")])

    def test_who_waits_to_send_goes_on_where_another_task_ends_the_response(self):
        async def application(scope, receive, send):
            async def sends():
                await send(body(b"x" * 10, True))
                await send(body(b"y" * 10, True))

            await send(start())
            task = asyncio.ensure_future(sends())
            await go_on.wait()
            await send(body(b"z"))
            self.seen += await asyncio.gather(task, return_exceptions=True)

        server = self.server(application)
        go_on = asyncio.Event()
        server.say(begin() + record(PAUSE, b"\1"))
        go_on.set()
        server.turn()
        self.assertEqual(len(self.seen), 1)
        self.assertEqual(server.connection.running, set())

    def test_a_paused_response_waits_and_others_do_not(self):
        async def application(scope, receive, send):
            await send(start())
            for _ in range(3):
                await send(body(b"x", True))
                self.seen.append(scope["path"])
            await send(body())

        server = self.server(application)
        server.say(begin(1, path="/1") + record(PAUSE, b"\1", 1) + request(2, path="/2"))
        self.assertLessEqual(self.seen.count("/1"), 1)
        self.assertEqual(self.seen.count("/2"), 3)
        server.say(record(PAUSE, b"\0", 1))
        self.assertEqual(self.seen.count("/1"), 3)

    def test_a_full_socket_makes_all_wait(self):
        async def application(scope, receive, send):
            await send(start())
            for _ in range(3):
                await send(body(b"x", True))
                self.seen.append(scope["path"])
            await send(body())

        server = self.server(application)
        server.connection.pause_writing()
        server.say(request(1) + request(2))
        self.assertEqual(self.seen, [])
        server.connection.resume_writing()
        server.turn()
        self.assertEqual(len(self.seen), 6)


class Files(Case):
    def setUp(self):
        super().setUp()
        self.file = tempfile.NamedTemporaryFile()
        self.addCleanup(self.file.close)

    def send(self, data, reply, headers=(), method="GET"):
        self.file.write(data)
        self.file.flush()

        async def application(scope, receive, send):
            await send(start(200, headers))
            await send({"type": "http.response.pathsend", "path": self.file.name})

        server = self.server(application)
        server.say(request(method=method))
        found = server.heard()
        if reply is not None:
            server.say(record(FILE_REPLY, reply))
        for _ in range(200):
            server.turn(1)
            found += server.heard()
            if any(kind == END for kind, _, _ in found) or reply == b"\1":
                break
            server.loop.run_until_complete(asyncio.sleep(0.001))
        return Answer(found)

    def test_the_server_takes_it(self):
        answer = self.send(b"abc" * 100, b"\1")
        self.assertEqual((len(answer.files), answer.content, answer.ends, answer.field("content-length")), (1, b"", 0, "300"))

    def test_the_server_cannot_take_it(self):
        data = b"x" * (asgi.FILE_PIECE + 1)
        answer = self.send(data, b"\0")
        self.assertEqual((len(answer.files), answer.content == data, answer.status), (1, True, 0))

    def test_a_file_of_nothing(self):
        answer = self.send(b"", None)
        self.assertEqual((answer.files, answer.content, answer.status), ([], b"", 0))

    def test_for_head(self):
        answer = self.send(b"abc", None, method="HEAD")
        self.assertEqual((answer.files, answer.content, answer.status), ([], b"", 0))

    def test_one_that_stops_waiting_keeps_the_file_until_the_server_has_opened_it(self):
        self.file.write(b"abc" * 100)
        self.file.flush()
        opened = []

        async def application(scope, receive, send):
            await send(start())
            sending = asyncio.ensure_future(send({"type": "http.response.pathsend", "path": self.file.name}))
            await asyncio.sleep(0)
            sending.cancel()
            await sending

        for answer in (record(FILE_REPLY, b"\1"), record(ABORT)):
            server = self.server(application)
            server.say(request())
            [offer] = Answer(server.heard()).files
            descriptor = int.from_bytes(offer[:4], "big")
            self.assertTrue(os.path.samestat(os.fstat(descriptor), os.stat(self.file.name)))
            server.say(answer)
            with self.assertRaises(OSError):
                os.fstat(descriptor)

    def test_behind_the_end_or_for_a_client_that_has_left(self):
        async def application(scope, receive, send):
            await send(start())
            if scope["path"] == "/end":
                await send(body(b"x"))
            else:
                await receive()
                await receive()
            try:
                await asyncio.wait_for(send({"type": "http.response.pathsend", "path": self.file.name}), 5)
            except Exception as error:
                self.seen.append(type(error).__name__)

        self.file.write(b"abc")
        self.file.flush()
        self.ask(application, request(path="/end"))
        self.ask(application, request() + record(ABORT))
        self.assertEqual(self.seen, ["RuntimeError", "Disconnected"])

    def test_another_length_than_its_own(self):
        answer = self.send(b"abc", None, headers=[(b"content-length", b"4")])
        self.assertEqual(answer.status, 1)
        self.assertIn("the file has 3 bytes, and its Content-Length is 4", answer.errors)


class Lifespans(unittest.TestCase):
    def run_lifespan(self, application):
        """What startup says, and standard error."""
        server = Server(None)
        self.addCleanup(server.close)
        lifespan = Lifespan(server.loop, application, {"asgi": {}}, {})

        async def whole():
            failure = await lifespan.startup()
            if failure is None:
                await lifespan.shutdown()
            return failure

        with redirect_stderr(io.StringIO()) as errors:
            failure = server.loop.run_until_complete(asyncio.wait_for(whole(), 20))
        return failure, errors.getvalue(), lifespan.is_supported

    def messages(self, *sent):
        async def application(scope, receive, send):
            for kind, message in sent:
                self.assertEqual((await receive())["type"], kind)
                await send(message)

        return application

    def test_a_good_one(self):
        application = self.messages(
            ("lifespan.startup", {"type": "lifespan.startup.complete"}),
            ("lifespan.shutdown", {"type": "lifespan.shutdown.complete"}),
        )
        self.assertEqual(self.run_lifespan(application)[:2], (None, ""))

    def test_one_that_fails_at_its_start(self):
        for message, said in (({"message": "no database"}, "no database"), ({}, "reported that its startup failed")):
            application = self.messages(("lifespan.startup", {"type": "lifespan.startup.failed", **message}))
            failure, errors, _ = self.run_lifespan(application)
            self.assertIn(said, failure)

    def test_one_that_fails_at_its_end(self):
        application = self.messages(
            ("lifespan.startup", {"type": "lifespan.startup.complete"}),
            ("lifespan.shutdown", {"type": "lifespan.shutdown.failed", "message": "could not save"}),
        )
        self.assertEqual(self.run_lifespan(application)[:2], (None, "could not save\n"))

    def test_applications_that_know_none(self):
        async def raises(scope, receive, send):
            raise NotImplementedError

        async def returns(scope, receive, send):
            return

        for application in (raises, returns):
            self.assertEqual(self.run_lifespan(application), (None, "", False))

    def test_one_that_breaks_after_its_start(self):
        async def application(scope, receive, send):
            await receive()
            await send({"type": "lifespan.startup.complete"})
            raise ValueError("later")

        failure, errors, is_supported = self.run_lifespan(application)
        self.assertEqual((failure, is_supported), (None, False))
        self.assertIn("ValueError: later", errors)

    def test_messages_out_of_order(self):
        seen = []

        async def application(scope, receive, send):
            for kind in ("lifespan.nonsense", "lifespan.startup.complete", "lifespan.startup.complete"):
                try:
                    await send({"type": kind})
                except RuntimeError as error:
                    seen.append(str(error))

        self.run_lifespan(application)
        self.assertEqual(len(seen), 2)


@unittest.skipUnless(hasattr(os, "fork"), "this system does not fork")
class Forking(Case):
    """What a child does that comes back from the application: nothing that its parent's client would notice."""

    def status(self, in_child):
        """The child's status. Where it would go on, it writes where its parent writes, and the test goes on in it."""
        parent = os.getpid()
        reader, writer = os.pipe()
        self.addCleanup(os.close, reader)

        async def application(scope, receive, send):
            child = os.fork()
            if not child:
                await in_child(send)
                return
            self.seen.append(os.waitpid(child, 0)[1] >> 8)
            await send(start())
            await send(body(b"of the parent"))

        server = self.server(application)
        server.transport.write = lambda data: os.write(writer, data)
        try:
            server.say(request())
        finally:
            if os.getpid() != parent:
                os._exit(99)
        os.close(writer)
        answer = Answer(records(os.read(reader, 0x10000)))
        self.assertEqual((answer.content, answer.status, answer.ends, answer.errors), (b"of the parent", 0, 1, ""))
        return self.seen.pop()

    def test_it_ends_without_an_answer(self):
        async def answers(send):
            await send(start())
            await send(body(b"of the child"))

        async def streams(send):
            await send(start())
            while True:
                await send(body(b"of the child" * 1000, True))

        async def waits(send):
            await answers(send)
            await asyncio.get_event_loop_policy().get_event_loop().create_future()

        async def says_nothing(send):
            pass

        for in_child in (answers, streams, waits, says_nothing):
            self.assertEqual(self.status(in_child), 0, in_child.__name__)

    def test_its_exit_is_its_own(self):
        async def leaves(send):
            sys.exit(3)

        self.assertEqual(self.status(leaves), 3)


class Paths(unittest.TestCase):
    def test_only_old_starlette_wants_the_path_without_its_mount(self):
        async def application(scope, receive, send):
            pass

        self.assertFalse(strips_path(application))


if __name__ == "__main__":
    unittest.main()

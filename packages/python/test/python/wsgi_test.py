"""WSGI by PEP 3333, over a socket that both ends of are here; io.BytesIO and wsgiref's handler say what is right."""

import io
import os
import random
import sys
import tempfile
import unittest
import wsgiref.handlers
from unittest import mock

import wire
from onezero_worker.records import PAUSE
from onezero_worker.wsgi import COPY_LIMIT, Connection, FileWrapper, base_environ, regular_file
from wire import ABORT, END, FILE_REPLY, STDERR, STDIN, STDOUT, Answer, Wire, record, records, request

BASE = {"threads": 1, "processes": 1, "environ": {"onezero.version": "1"}}


class Case(unittest.TestCase):
    def setUp(self):
        Connection.files_are_refused = False
        self.wire = Wire()
        self.addCleanup(self.wire.close)
        self.seen = []

    def connection(self, application):
        return Connection(self.wire.theirs, application, base_environ(BASE))

    def ask(self, application, variables=None, content=(), after=b"", **how):
        """The answer of an application to one request."""
        connection = self.connection(application)
        self.wire.say(request(variables, content, **how) + after)
        connection.receive_request()
        return Answer(records(self.wire.heard()))

    def answer(self, result, status="200 OK", fields=(), method="GET"):
        def application(environ, start_response):
            start_response(status, list(fields))
            return result

        return self.ask(application, {"REQUEST_METHOD": method})


class Environ(Case):
    def application(self, environ, start_response):
        self.seen.append(dict(environ))
        start_response("200 OK", [])
        return [b"ok"]

    def test_it_has_what_came_and_what_is_always_there(self):
        self.ask(self.application, {"PATH_INFO": "/\xc3\xbc", "HTTP_X": "", "QUERY_STRING": "a=b"})
        [environ] = self.seen
        self.assertEqual((environ["PATH_INFO"], environ["HTTP_X"], environ["QUERY_STRING"]), ("/\xc3\xbc", "", "a=b"))
        self.assertEqual((environ["wsgi.version"], environ["wsgi.run_once"], environ["onezero.version"]), ((1, 0), False, "1"))
        self.assertEqual((environ["wsgi.multithread"], environ["wsgi.multiprocess"]), (False, False))
        self.assertIs(type(environ), dict)
        self.assertNotIn("wsgi.input_terminated", environ)

    def test_what_comes_again_belongs_to_its_request(self):
        """Variables that a client repeats are taken apart once; an application may change its environ."""
        def application(environ, start_response):
            self.seen.append(dict(environ))
            environ["added"] = environ["HTTP_A"] = "changed"
            start_response("200 OK", [])
            return [b"ok"]

        source = random.Random(1)
        names = ("UNIQUE_ID", "REMOTE_PORT", "REMOTE_ADDR", "REQUEST_URI", "QUERY_STRING", "PATH_INFO", "HTTP_A", "HTTP_B")
        for number in range(200):
            variables = {name: source.choice(["", "x", "y"]) for name in names}
            variables["REQUEST_METHOD"] = source.choice(["GET", "PUT"])
            self.ask(application, variables, number=number % 2 + 1)
            environ = self.seen.pop()
            for name, value in variables.items():
                is_there = value != "" or name not in ("UNIQUE_ID", "REMOTE_PORT")
                self.assertEqual(environ.get(name), value if is_there else None)
            self.assertNotIn("added", environ)

    def test_it_is_told_of_others(self):
        for threads in (1, 2):
            for processes in (1, 2):
                base = base_environ({"threads": threads, "processes": processes, "environ": {}})
                self.assertEqual((base["wsgi.multithread"], base["wsgi.multiprocess"]), (threads > 1, processes > 1))

    def test_what_one_request_adds_is_not_there_for_the_next(self):
        connection = self.connection(self.application)
        self.wire.say(request({"ONLY": "first"}) + request({}, number=2))
        connection.receive_request()
        connection.receive_request()
        self.assertIn("ONLY", self.seen[0])
        self.assertNotIn("ONLY", self.seen[1])
        numbers = {number for _, number, _ in records(self.wire.heard())}
        self.assertEqual(numbers, {1, 2})

    def test_parameters_in_many_records_with_padding_and_however_they_come(self):
        text = ("\0" * len(wire.PLACED) + "".join("N%d\0%s\0" % (index, "v" * index) for index in range(200))).encode()
        data = record(wire.BEGIN, b"\0\1\1\0\0\0\0\0", padding=5)
        for start in range(0, len(text), 999):
            data += record(wire.PARAMS, text[start : start + 999], padding=start % 7)
        data += record(wire.PARAMS) + record(STDIN)

        def application(environ, start_response):
            self.assertEqual(environ["wsgi.input"].read(), b"")
            return self.application(environ, start_response)

        for size in (1, 2, 3, 7, 8, 9, 1000, 0x20000):
            connection = self.connection(application)
            receive = self.wire.theirs.recv_into
            connection.recv_into = lambda view, most=0x20000, size=size: receive(view[: min(size, most)])
            self.wire.say(data)
            connection.receive_request()
            environ = self.seen.pop()
            self.assertEqual([environ["N%d" % index] for index in range(200)], ["v" * index for index in range(200)])


class Input(Case):
    def test_it_reads_like_a_file_of_the_same_bytes(self):
        source = random.Random(6)
        lines = [b"line\n", b"\n", b"no end", b"\r\n", b"x" * 200 + b"\n", bytes(range(256))]

        def steps():
            for _ in range(source.randrange(12)):
                size = source.choice([0, 1, 2, 10, 1000, -1, None])
                yield source.choice([
                    lambda file, size=size: file.read(size) if size is not None else file.read(),
                    lambda file, size=size: file.readline(size) if size is not None else file.readline(),
                    lambda file: file.readlines(),
                    lambda file: next(iter(file), b"end"),
                ])  # fmt: skip

        # One connection, so that what one request leaves unread is in the way of the next.
        connection = self.connection(lambda environ, start_response: self.application(environ, start_response))
        for _ in range(100):
            content = [b"".join(source.choices(lines, k=source.randrange(1, 30))) for _ in range(source.randrange(1, 5))]
            length = source.random() < 0.7
            done = list(steps())

            def application(environ, start_response):
                real, model = environ["wsgi.input"], io.BytesIO(b"".join(content))
                self.seen.append([(step(real), step(model)) for step in done])
                start_response("200 OK", [])
                return []

            self.application = application
            size = source.choice([7, 100, 5000, 0x20000])
            receive = self.wire.theirs.recv_into
            connection.recv_into = lambda view, most=0x20000, size=size: receive(view[: min(size, most)])
            self.wire.say(request({}, content, padding=source.choice([0, 0, 255]), length=length))
            while not self.seen:
                connection.receive_request()
            self.wire.heard()
            for got, expected in self.seen.pop():
                self.assertEqual(got, expected)

    def test_what_is_not_read_is_not_the_next_request(self):
        def application(environ, start_response):
            self.seen.append(environ["wsgi.input"].read(int(environ["READ"])))
            start_response("200 OK", [])
            return []

        for unread in (0, 1, 70_000):
            connection = self.connection(application)
            self.wire.say(request({"READ": str(unread)}, [b"a" * 50_000, b"b" * 30_000]))
            self.wire.say(request({"READ": "5"}, [b"after"], number=2))
            while len(self.seen) < 2:
                connection.receive_request()
            self.assertEqual((len(self.seen[0]), self.seen[1]), (unread, b"after"))
            self.seen.clear()
            self.wire.heard()

    def test_content_without_a_length_is_said_to_end_by_itself(self):
        def application(environ, start_response):
            self.seen.append((environ.get("wsgi.input_terminated"), environ["wsgi.input"].read()))
            start_response("200 OK", [])
            return []

        self.ask(application, {}, [b"one", b"two"], length=False)
        self.assertEqual(self.seen, [(True, b"onetwo")])

    def test_a_client_that_leaves_meanwhile(self):
        def application(environ, start_response):
            try:
                environ["wsgi.input"].read()
            except ConnectionError as error:
                self.seen.append(str(error))
                raise

        connection = self.connection(application)
        whole = request({"CONTENT_LENGTH": "10"}, [b"12345"], length=False)
        self.wire.say(whole[: -len(record(STDIN))] + record(ABORT))
        connection.receive_request()
        answer = Answer(records(self.wire.heard()))
        self.assertEqual(self.seen, ["the client left while its content was read"])
        self.assertEqual((answer.status, answer.errors, answer.has_head), (1, "", b""))

    def test_a_client_that_leaves_before_its_content(self):
        def application(environ, start_response):
            for _ in range(2):
                try:
                    self.seen.append(environ["wsgi.input"].read())
                except ConnectionError as error:
                    self.seen.append(str(error))
            start_response("200 OK", [])
            return []

        connection = self.connection(application)
        head = request({"CONTENT_LENGTH": "10"}, [b"12345"], length=False)[: -len(record(STDIN, b"12345") + record(STDIN))]
        self.wire.theirs.settimeout(20)
        self.wire.say(head + record(ABORT))
        connection.receive_request()
        self.assertEqual(self.seen, ["the client left while its content was read"] * 2)

    def test_the_application_begins_before_its_content_has_come(self):
        content = record(STDIN, b"12345") + record(STDIN)

        def application(environ, start_response):
            self.wire.say(content)
            start_response("200 OK", [])
            return [environ["wsgi.input"].read()]

        connection = self.connection(application)
        self.wire.theirs.settimeout(20)
        for number in (1, 2):
            self.wire.say(request({}, [b"12345"], number)[: -len(content)])
            connection.receive_request()
            self.assertEqual(Answer(records(self.wire.heard())).content, b"12345")

    def test_a_reader_that_is_taken_apart_or_closed_is_its_application_s(self):
        for act in ("detach", "close"):

            def application(environ, start_response):
                getattr(environ["wsgi.input"], act)()
                start_response("200 OK", [])
                return [b"done"]

            connection = self.connection(application)
            self.wire.say(request({}, [b"x"])[: -len(record(STDIN))])  # what has its end in memory is no stream
            connection.receive_request()
            answer = Answer(records(self.wire.heard()))
            self.assertEqual((answer.status, answer.content, answer.errors), (0, b"done", ""), act)

    def test_a_reader_that_is_kept_reads_nothing_of_the_next_request(self):
        kept = []

        def application(environ, start_response):
            kept.append(environ["wsgi.input"])
            start_response("200 OK", [])
            return []

        connection = self.connection(application)
        self.wire.say(request({}, [b"a" * 10, b"b" * 10]) + request({}, [b"secret", b"more"], number=2))
        while len(kept) < 2:
            connection.receive_request()
        self.assertEqual(kept[0].read(), b"")


class StartResponse(Case):
    def test_the_head_is_sent_with_names_in_lower_case(self):
        answer = self.answer([b"hi"], "418 I'm a teapot", [("X-One", "1"), ("x-one", "2"), ("Content-Type", "text/plain; a=b")])
        self.assertEqual(answer.line, "418 I'm a teapot")
        self.assertEqual(answer.fields, [("x-one", "1"), ("x-one", "2"), ("content-type", "text/plain; a=b"), ("content-length", "2")])

    def test_what_it_refuses(self):
        cases = {
            "status of bytes": (b"200 OK", []),
            "status without reason": ("200", []),
            "informational status": ("100 Continue", []),
            "a tuple of headers": ("200 OK", ()),
            "an iterator of headers": ("200 OK", iter([])),
            "a triple": ("200 OK", [("a", "b", "c")]),
            "a header of bytes": ("200 OK", [(b"a", "b")]),
            "a value of bytes": ("200 OK", [("a", b"b")]),
            "a value of None": ("200 OK", [("a", None)]),
            "a number for a length": ("200 OK", [("Content-Length", 3)]),
            "a newline in a value": ("200 OK", [("a", "b\nSet-Cookie: c")]),
            "a carriage return in a value": ("200 OK", [("a", "b\rc")]),
            "a newline in a name": ("200 OK", [("a\n", "b")]),
            "a colon in a name": ("200 OK", [("a:b", "c")]),
            "an empty name": ("200 OK", [("", "c")]),
            "a hop-by-hop field": ("200 OK", [("Connection", "close")]),
            "two lengths": ("200 OK", [("Content-Length", "1"), ("content-length", "1")]),
            "a length that is none": ("200 OK", [("Content-Length", "one")]),
            "a negative length": ("200 OK", [("Content-Length", "-1")]),
            "what is no byte string": ("200 OK", [("a", "\u20ac")]),
            "a status that is no byte string": ("200 \u20ac", []),
        }
        for name, (status, headers) in cases.items():

            def application(environ, start_response):
                try:
                    start_response(status, headers)
                except Exception as error:
                    self.seen.append(type(error))
                    start_response("500 Caught", [])
                return [b"x"]

            answer = self.ask(application)
            self.assertEqual(len(self.seen), 1, name)
            self.assertTrue(issubclass(self.seen.pop(), (TypeError, ValueError)), name)
            self.assertEqual((answer.line, answer.content, answer.status), ("500 Caught", b"x", 0), name)

    def test_it_is_called_once(self):
        def application(environ, start_response):
            start_response("200 OK", [])
            start_response("200 OK", [])

        answer = self.ask(application)
        self.assertEqual((answer.status, answer.has_head), (1, b""))
        self.assertIn("called twice without exc_info", answer.errors)

    def test_again_with_exc_info_before_anything_was_sent(self):
        def application(environ, start_response):
            start_response("200 OK", [("X-First", "1"), ("Content-Length", "1000")])
            try:
                raise ValueError("late")
            except ValueError:
                start_response("500 Oops", [("X-Second", "2")], sys.exc_info())
            return [b"sorry"]

        answer = self.ask(application)
        self.assertEqual((answer.line, answer.content), ("500 Oops", b"sorry"))
        self.assertEqual(answer.fields, [("x-second", "2"), ("content-length", "5")])

    def test_again_with_exc_info_after_something_was_sent(self):
        def application(environ, start_response):
            write = start_response("200 OK", [("Content-Length", "1000")])
            write(b"part")
            try:
                raise ValueError("late")
            except ValueError:
                start_response("500 Oops", [], sys.exc_info())
            return [b"never"]

        answer = self.ask(application)
        self.assertEqual((answer.line, answer.content, answer.status), ("200 OK", b"part", 1))
        self.assertIn("ValueError: late", answer.errors)

    def test_with_exc_info_the_first_time(self):
        def application(environ, start_response):
            try:
                raise ValueError("early")
            except ValueError:
                start_response("500 Oops", [], sys.exc_info())
            return [b"sorry"]

        self.assertEqual(self.ask(application).line, "500 Oops")

    def test_with_an_exc_info_that_says_nothing(self):
        def application(environ, start_response):
            start_response("200 OK", [], None)
            return [b"fine"]

        self.assertEqual(self.ask(application).content, b"fine")

    def test_not_at_all(self):
        for result in ([b"x"], [], iter([b"x"])):
            answer = self.ask(lambda environ, start_response: result)
            self.assertEqual((answer.status, answer.has_head), (1, b""))
            self.assertIn("did not call start_response", answer.errors)

    def test_not_before_the_first_block_is_asked_for(self):
        def application(environ, start_response):
            start_response("200 OK", [])
            yield b"lazy"

        self.assertEqual(self.ask(application).content, b"lazy")

    def test_only_after_blocks_without_bytes(self):
        def application(environ, start_response):
            yield b""
            yield b""
            start_response("201 Late", [])
            yield b"x"

        answer = self.ask(application)
        self.assertEqual((answer.line, answer.content), ("201 Late", b"x"))


class Write(Case):
    def test_before_and_beside_what_is_returned(self):
        def application(environ, start_response):
            write = start_response("200 OK", [])
            write(b"one ")
            write(b"")
            write(b"two ")
            return [b"three"]

        answer = self.ask(application)
        self.assertEqual((answer.content, answer.status, answer.field("content-length")), (b"one two three", 0, None))

    def test_to_its_length_and_beyond(self):
        def application(environ, start_response):
            write = start_response("200 OK", [("Content-Length", "5")])
            write(b"12345")
            try:
                write(b"6")
            except ValueError as error:
                self.seen.append(str(error))
            return []

        answer = self.ask(application)
        self.assertEqual((answer.content, answer.status), (b"12345", 0))
        self.assertEqual(self.seen, ["write() goes beyond the Content-Length of 5"])

    def test_a_first_one_that_goes_beyond_its_length_is_as_if_it_had_not_been(self):
        def application(environ, start_response):
            write = start_response("200 OK", [("Content-Length", "2")])
            with self.assertRaises(ValueError):
                write(b"123")
            return [b"12"]

        answer = self.ask(application)
        self.assertEqual((answer.content, answer.field("content-length"), answer.status), (b"12", "2", 0))

    def test_what_is_no_bytes(self):
        for data in ("text", None, 1, bytearray(b"x"), memoryview(b"x")):

            def application(environ, start_response):
                write = start_response("200 OK", [])
                try:
                    write(data)
                except TypeError:
                    self.seen.append(True)
                return [b"x"]

            self.assertEqual(self.ask(application).content, b"x")
            self.assertEqual(self.seen.pop(), True)

    def test_after_the_end(self):
        kept = []

        def application(environ, start_response):
            kept.append(start_response("200 OK", []))
            return [b"x"]

        self.ask(application)
        with self.assertRaisesRegex(ValueError, "after the end"):
            kept[0](b"late")

    def test_for_head(self):
        def application(environ, start_response):
            start_response("200 OK", [("Content-Length", "3")])(b"abcdef")
            return []

        answer = self.ask(application, {"REQUEST_METHOD": "HEAD"})
        self.assertEqual((answer.content, answer.field("content-length"), answer.status), (b"", "3", 0))


class Closing:
    """An iterable that tells what is done with it."""

    def __init__(self, *blocks, fails=None):
        self.blocks, self.fails, self.closed, self.taken = blocks, fails, 0, 0

    def __iter__(self):
        for block in self.blocks:
            self.taken += 1
            if isinstance(block, Exception):
                raise block
            yield block

    def close(self):
        self.closed += 1
        if self.fails:
            raise self.fails


class Results(Case):
    def test_the_length_is_told_where_it_is_known(self):
        class One(Closing):
            def __len__(self):
                return len(self.blocks)

        cases = [
            ([], "0", b""), ([b""], "0", b""), ([b"a"], "1", b"a"), ([b"a", b"", b"bc"], "3", b"abc"), ((b"a", b"b"), "2", b"ab"),
            ([b"x" * COPY_LIMIT, b"y"], str(COPY_LIMIT + 1), b"x" * COPY_LIMIT + b"y"), (iter([b"a"]), None, b"a"), (iter([]), "0", b""),
            ({b"a": 1}, "1", b"a"), (One(b"abc"), "3", b"abc"), (One(b"a", b"b"), None, b"ab"), (Closing(b"a"), None, b"a"),
        ]  # fmt: skip
        for result, length, content in cases:
            answer = self.answer(result)
            self.assertEqual((answer.field("content-length"), answer.content, answer.status, answer.ends), (length, content, 0, 1), result)

    def test_a_declared_length_is_kept(self):
        for blocks in ([b"12345"], [b"123", b"45"], [b"123", b"456789"], [b"", b"1234567"], iter([b"12", b"345", b"6"])):
            answer = self.answer(blocks, fields=[("Content-Length", "5")])
            self.assertEqual((answer.content, answer.status, answer.errors), (b"12345", 0, ""))

    def test_no_more_is_asked_for_than_the_length_takes(self):
        result = Closing(b"123", b"45", AssertionError("asked for too much"))
        answer = self.answer(result, fields=[("Content-Length", "5")])
        self.assertEqual((answer.content, answer.status, result.taken, result.closed), (b"12345", 0, 2, 1))

    def test_a_length_that_is_not_reached_breaks_the_response_off(self):
        for blocks in ([b"1234"], [], iter([b"12", b"34"]), [b""]):
            answer = self.answer(blocks, fields=[("Content-Length", "5")])
            self.assertEqual((answer.status, answer.line), (1, "200 OK"))
            self.assertIn("short of its Content-Length of 5", answer.errors)

    def test_responses_without_content(self):
        for status in ("204 No Content", "304 Not Modified"):
            answer = self.answer([b"must not be there"], status)
            self.assertEqual((answer.content, answer.status, answer.field("content-length")), (b"", 0, None), status)
        answer = self.answer([b"x"], "304 Not Modified", [("Content-Length", "500")])
        self.assertEqual((answer.content, answer.field("content-length"), answer.status), (b"", "500", 0))

    def test_head_has_the_length_of_get_and_no_content(self):
        for result, length in (([b"abc"], "3"), ([b"a", b"bc"], "3"), ([], None), (iter([b"abc"]), None)):
            answer = self.answer(result, method="HEAD")
            self.assertEqual((answer.content, answer.field("content-length"), answer.status), (b"", length, 0))

    def test_close_is_called_once_whatever_happens(self):
        for result in (Closing(), Closing(b"a"), Closing(b"a", b"b"), Closing(ValueError("x")), Closing(b"a", ValueError("x")), Closing("text")):
            self.answer(result)
            self.assertEqual(result.closed, 1)

    def test_close_is_called_for_head_after_the_first_block(self):
        result = Closing(b"a", AssertionError("asked for more"))
        self.answer(result, method="HEAD")
        self.assertEqual((result.closed, result.taken), (1, 1))

    def test_a_process_of_one_thread_tells_when_close_runs(self):
        class Result(Closing):
            def close(result):
                self.seen += [kind for kind, _, _ in records(self.wire.heard())]

        def application(environ, start_response):
            start_response("200 OK", [])
            return {"GET": Result(b"x" * size), "PUT": [b"x"]}.get(environ["REQUEST_METHOD"])

        connection = Connection(self.wire.theirs, application, base_environ({**BASE, "processes": 2}))
        for size in (1, COPY_LIMIT + 1):
            self.wire.say(request())
            connection.receive_request()
            self.assertEqual((self.seen.count(PAUSE), self.seen[-1]), (1, END))
            self.assertEqual(records(self.wire.heard()), [(PAUSE, 1, b"\0")])
            self.seen.clear()
            for method in ("PUT", "NOTHING"):
                self.wire.say(request({"REQUEST_METHOD": method}, number=3))
                connection.receive_request()
                self.assertNotIn(PAUSE, [kind for kind, _, _ in records(self.wire.heard())])

    def test_an_error_of_close_changes_nothing_of_the_answer(self):
        answer = self.answer(Closing(b"fine", fails=OSError("close failed")))
        self.assertEqual((answer.content, answer.status), (b"fine", 0))
        self.assertIn("OSError: close failed", answer.errors)

    def test_an_error_before_the_first_byte_leaves_the_answer_to_the_server(self):
        answer = self.answer(Closing(ValueError("broken")))
        self.assertEqual((answer.has_head, answer.status, answer.ends), (b"", 1, 1))
        self.assertTrue(answer.errors.endswith("ValueError: broken\n"))

    def test_an_error_later_breaks_the_response_off(self):
        answer = self.answer(Closing(b"part", ValueError("broken")))
        self.assertEqual((answer.line, answer.content, answer.status), ("200 OK", b"part", 1))

    def test_what_is_no_result(self):
        for result, message in (
            (None, "returned None, not an iterable"),
            (lambda environ, start_response: [], "is it a factory"),
            (42, "not iterable"),
            ("text", "gave str for content"),
            (["text"], "gave str for content"),
            ([bytearray(b"x")], "gave bytearray for content"),
            (iter([None]), "gave NoneType for content"),
            ([b"x", 1], "gave int for content"),
        ):
            answer = self.answer(result)
            self.assertEqual((answer.status, answer.content), (1, b""), message)
            self.assertIn(message, answer.errors)

    def test_exits_and_interrupts_are_failures_of_the_request(self):
        for error in (SystemExit(0), KeyboardInterrupt(), GeneratorExit()):

            def application(environ, start_response):
                raise error

            answer = self.ask(application)
            self.assertEqual((answer.status, answer.ends), (1, 1))
            self.assertIn(type(error).__name__, answer.errors)

    def test_content_around_the_limit_of_a_copy(self):
        for size in (COPY_LIMIT - 1, COPY_LIMIT, COPY_LIMIT + 1, 0xFFFF, 0x10000, 0x10001):
            for result in ([b"x" * size], [b"x" * (size - 1), b"x"], iter([b"x" * size])):
                answer = self.answer(result)
                self.assertEqual((len(answer.content), answer.status), (size, 0))

    def test_many_small_blocks_come_in_order(self):
        blocks = [b"%d," % index for index in range(2000)]
        answer = self.answer(iter(blocks))
        self.assertEqual((answer.content, answer.status), (b"".join(blocks), 0))


class BesideWsgiref(Case):
    """Random applications under wsgiref's own handler."""

    def wsgiref_answer(self, application, method):
        out = io.BytesIO()
        environ = {"REQUEST_METHOD": method, "SERVER_PROTOCOL": "HTTP/1.0"}
        handler = wsgiref.handlers.SimpleHandler(io.BytesIO(), out, io.StringIO(), environ)
        handler.http_version = "1.0"
        handler.origin_server = False
        handler.run(application)
        head, _, content = out.getvalue().partition(b"\r\n\r\n")
        return head.split(b"\r\n")[0].decode("latin-1")[len("Status: ") :], content

    def test_status_and_content(self):
        source = random.Random(7)
        for number in range(200):
            blocks = [b"x" * source.choice([0, 0, 1, 2, 40]) for _ in range(source.randrange(5))]
            written = [b"w" * source.choice([0, 1, 5]) for _ in range(source.randrange(3))]
            status = source.choice(["200 OK", "404 Not Found", "500 Oops"])
            size = sum(map(len, blocks + written))
            fields = source.choice([[], [("X-A", "b")], [("Content-Length", str(size))]])
            kind = source.choice([list, tuple, iter, lambda given: (block for block in given)])

            def application(environ, start_response):
                write = start_response(status, list(fields))
                for data in written:
                    write(data)
                return kind(blocks)

            answer = self.ask(application)
            self.assertEqual((answer.line, answer.content), self.wsgiref_answer(application, "GET"), number)
            self.assertEqual((answer.status, answer.errors), (0, ""))


class Errors(Case):
    def test_lines_leave_at_once_and_the_rest_at_the_end(self):
        def application(environ, start_response):
            errors = environ["wsgi.errors"]
            self.assertEqual(errors.write("one\ntw"), 6)
            errors.write("o")
            errors.writelines(["\n", "three"])
            self.seen.append(Answer(records(self.wire.heard())).errors)
            start_response("200 OK", [])
            return []

        self.assertEqual(self.ask(application).errors, "three")
        self.assertEqual(self.seen, ["one\ntwo\n"])

    def test_any_text(self):
        def application(environ, start_response):
            environ["wsgi.errors"].write("\ud800 \u20ac \0\n")
            with self.assertRaises(TypeError):
                environ["wsgi.errors"].write(b"bytes")
            start_response("200 OK", [])
            return []

        self.assertEqual(self.ask(application).errors, "\\ud800 \u20ac \0\n")

    def test_nothing_of_a_request_is_told_with_the_next(self):
        def application(environ, start_response):
            environ["wsgi.errors"].write(environ["NAME"])
            start_response("200 OK", [])
            return []

        connection = self.connection(application)
        self.wire.say(request({"NAME": "first"}) + request({"NAME": "second"}, number=2))
        connection.receive_request()
        connection.receive_request()
        told = [(number, content) for kind, number, content in records(self.wire.heard()) if kind == STDERR]
        self.assertEqual(told, [(1, b"first"), (2, b"second")])


@unittest.skipUnless(hasattr(os, "fork"), "this system does not fork")
class Forking(Case):
    """What a child does that comes back from the application: nothing that its parent's client, or its parent, would notice."""

    def status(self, in_child, at="call"):
        """The child's status. Where it would go on, the test goes on in it, so that is ended with another one."""
        parent = os.getpid()

        def fork():
            child = os.fork()
            if not child:
                return in_child()
            self.seen.append(os.waitpid(child, 0)[1] >> 8)
            return [b"of the parent"]

        class Result:
            def __iter__(self):
                yield b"of the parent"
                if at == "iteration":
                    fork()

            def close(self):
                if at == "close":
                    fork()

        def application(environ, start_response):
            self.environ = environ
            self.write = start_response("200 OK", [])
            return fork() if at == "call" else Result()

        try:
            answer = self.ask(application)
        finally:
            if os.getpid() != parent:
                os._exit(99)
        self.assertEqual((answer.content, answer.status, answer.ends, answer.errors), (b"of the parent", 0, 1, ""))
        return self.seen.pop()

    def quietly(self, in_child, errors):
        """The same for one that says something, with a pipe in place of its stderr."""

        def with_errors():
            sys.stderr = errors
            return in_child()

        return with_errors

    def test_it_ends_without_an_answer(self):
        self.assertEqual(self.status(lambda: [b"of the child"]), 0)
        self.assertEqual(self.status(lambda: []), 0)
        self.assertEqual(self.status(lambda: self.write(b"of the child")), 0)
        for at in ("iteration", "close"):
            self.assertEqual(self.status(lambda: None, at), 0, at)

    def test_a_file_of_its_own_is_not_offered(self):
        with tempfile.TemporaryFile() as file:
            file.write(b"x" * (COPY_LIMIT + 1))
            file.flush()
            file.seek(0)
            self.assertEqual(self.status(lambda: FileWrapper(file)), 0)

    def test_its_exit_is_its_own(self):
        for code, status in ((None, 0), (0, 0), (3, 3), (-1, 255), (True, 1)):
            self.assertEqual(self.status(lambda code=code: sys.exit(code)), status)

    def test_what_it_has_printed_is_written(self):
        def fail():
            print("of the child", file=self.environ["wsgi.errors"])
            raise ValueError("wrong")

        with tempfile.TemporaryFile("w+") as file:
            self.assertEqual(self.status(self.quietly(fail, file)), 1)
            self.assertEqual(self.status(self.quietly(lambda: sys.exit("a last word"), file)), 1)
            file.seek(0)
            text = file.read()
        self.assertTrue(text.startswith("of the child\nTraceback"), text)
        self.assertTrue(text.endswith("ValueError: wrong\na last word\n"), text)


class Files(Case):
    def setUp(self):
        super().setUp()
        self.file = tempfile.NamedTemporaryFile()
        self.addCleanup(self.file.close)

    def fill(self, size):
        self.bytes = random.Random(size).randbytes(size)
        self.file.write(self.bytes)
        self.file.flush()
        self.file.seek(0)

    def send(self, filelike, fields=(), reply=b"\1", method="GET"):
        def application(environ, start_response):
            start_response("200 OK", list(fields))
            return environ["wsgi.file_wrapper"](filelike)

        after = b"" if reply is None else record(FILE_REPLY, reply)
        return self.ask(application, {"REQUEST_METHOD": method}, after=after)

    def test_a_small_one_is_sent_like_bytes(self):
        self.fill(100)
        answer = self.send(open(self.file.name, "rb"), reply=None)
        self.assertEqual((answer.content, answer.field("content-length"), answer.files), (self.bytes, "100", []))

    def test_a_large_one_is_offered(self):
        self.fill(COPY_LIMIT + 1)
        answer = self.send(open(self.file.name, "rb"))
        [offer] = answer.files
        words = [int.from_bytes(offer[start : start + 8], "big") for start in range(4, 28, 8)]
        self.assertEqual((words, answer.content, answer.ends), ([0, COPY_LIMIT + 1, COPY_LIMIT + 1], b"", 0))
        self.assertEqual(answer.field("content-length"), str(COPY_LIMIT + 1))

    def test_a_large_one_that_the_server_cannot_open_is_copied_and_none_is_offered_again(self):
        self.fill(COPY_LIMIT + 1)
        for offers in (1, 0):
            answer = self.send(open(self.file.name, "rb"), reply=b"\0" if offers else None)
            self.assertEqual((len(answer.files), answer.content == self.bytes, answer.status), (offers, True, 0))

    def test_a_socket_that_does_not_wait_and_a_disk_that_fails(self):
        self.fill(COPY_LIMIT * 2)
        Connection.files_are_refused = True
        copy = os.sendfile
        for error, status in ((BlockingIOError(), 0), (OSError(5, "Input/output error"), 1)):
            failures = [error]

            def sendfile(out, descriptor, offset, count):
                if offset and failures:
                    raise failures.pop()
                return copy(out, descriptor, offset, min(count, COPY_LIMIT))

            with mock.patch.object(os, "sendfile", sendfile):
                answer = self.send(open(self.file.name, "rb"), reply=None)
            self.assertEqual((len(answer.content), answer.status), (COPY_LIMIT * 2, status))
            self.assertEqual(answer.content == self.bytes, not status)

    def test_from_where_it_stands_to_its_declared_length(self):
        self.fill(COPY_LIMIT * 2)
        Connection.files_are_refused = True
        for start in (0, 1, COPY_LIMIT - 1, COPY_LIMIT * 2 - 1, COPY_LIMIT * 2):
            for length in (None, 10):
                file = open(self.file.name, "rb")
                file.seek(start)
                expected = self.bytes[start:][:length]
                fields = [("Content-Length", str(len(expected)))] if length else []
                answer = self.send(file, fields, reply=None)
                self.assertEqual((answer.content == expected, answer.status), (True, 0), (start, length))
                self.assertEqual(answer.field("content-length"), str(len(expected)))
                self.assertTrue(file.closed)

    def test_for_head(self):
        self.fill(COPY_LIMIT + 1)
        answer = self.send(open(self.file.name, "rb"), method="HEAD", reply=None)
        self.assertEqual((answer.content, answer.field("content-length"), answer.status), (b"", str(COPY_LIMIT + 1), 0))

    def test_what_only_looks_like_a_file_is_read(self):
        self.fill(100)
        with open("/proc/self/comm", "rb") as comm:
            name = comm.read()

        class Upper(io.BufferedReader):
            def read(self, size=-1):
                return super().read(size).hex().encode()

        for filelike, expected in (
            (io.BytesIO(b"abc"), b"abc"),
            (Upper(io.FileIO(self.file.name)), self.bytes.hex().encode()),
            (open("/dev/null", "rb"), b""),
            (open("/proc/self/comm", "rb"), name),
        ):
            self.assertEqual(self.send(filelike, reply=None).content, expected)

    def test_which_ones_are_regular(self):
        self.fill(10)
        read, write = os.pipe()
        os.close(write)
        with open(self.file.name, "rb") as plain, open(self.file.name, "r+b") as both, open(read, "rb") as pipe:
            with open(self.file.name) as text, open(self.file.name, "rb", 0) as raw:
                self.assertIs(regular_file(plain), plain)
                self.assertIs(regular_file(both), both)
                self.assertIs(regular_file(raw), raw)
                self.assertIs(regular_file(self.file), self.file.file)
                for other in (pipe, text, io.BytesIO(), None, "name"):
                    self.assertIsNone(regular_file(other))
        self.assertIsNone(regular_file(plain))

    def test_blocks_of_a_wrapper(self):
        wrapper = FileWrapper(io.BytesIO(b"abcdefg"), 3)
        self.assertEqual(list(wrapper), [b"abc", b"def", b"g"])
        self.assertEqual(list(FileWrapper(io.BytesIO(b""))), [])
        self.assertFalse(hasattr(FileWrapper(iter([])), "close"))


class Stopping(Case):
    def test_it_returns_from_serving_between_two_requests(self):
        connection = self.connection(lambda environ, start_response: (start_response("200 OK", []), [b"x"])[1])
        self.wire.say(request())
        connection.stopping = False
        connection.receive_request()
        connection.stop()
        connection.serve()
        kinds = [kind for kind, _, _ in records(self.wire.heard())]
        self.assertEqual(kinds, [STDOUT, END])

    def test_a_client_that_has_left_ends_the_sending(self):
        def application(environ, start_response):
            write = start_response("200 OK", [])
            write(b"one")
            connection.aborted_request = 1
            try:
                write(b"two")
            except ConnectionError as error:
                self.seen.append(type(error).__name__)
                raise

        connection = self.connection(application)
        self.wire.say(request())
        connection.receive_request()
        answer = Answer(records(self.wire.heard()))
        self.assertEqual((answer.content, answer.status, answer.errors, self.seen), (b"one", 1, "", ["Disconnected"]))

    def test_a_number_that_comes_again_is_not_given_up(self):
        def application(environ, start_response):
            start_response("200 OK", [])
            return (block for block in (b"a", b"b"))

        connection = self.connection(application)
        connection.aborted_request = 1
        for number in (2, 1):
            self.wire.say(request(number=number))
            connection.receive_request()
            answer = Answer(records(self.wire.heard()))
            self.assertEqual((answer.content, answer.status), (b"ab", 0))

    def test_an_abort_that_comes_too_late_is_no_request(self):
        connection = self.connection(lambda environ, start_response: (start_response("200 OK", []), [b"x"])[1])
        self.wire.say(record(ABORT, b"", 1) + request(number=2))
        connection.receive_request()
        connection.receive_request()
        self.assertEqual([number for _, number, _ in records(self.wire.heard())], [2, 2])


if __name__ == "__main__":
    unittest.main()

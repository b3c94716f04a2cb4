"""Threads that share connections: who serves which, and what is left in a buffer."""

import os
import select
import threading
import unittest

from onezero_worker.ready import shared_turns
from onezero_worker.wsgi import Connection, base_environ
from wire import BEGIN, PARAMS, STDERR, STDIN, Answer, Wire, record, records, request

BASE = {"threads": 2, "processes": 1, "environ": {}}


@unittest.skipUnless(hasattr(select, "epoll"), "this system has no epoll")
class Turns(unittest.TestCase):
    def setUp(self):
        self.wires = [Wire(), Wire()]
        for wire in self.wires:
            self.addCleanup(wire.close)
        self.connections = [Connection(wire.theirs, self.application, base_environ(BASE)) for wire in self.wires]
        self.serve_next = shared_turns(self.connections)
        self.addCleanup(self.serve_next.__self__.epoll.close)
        self.handler = lambda environ: b"ok"

    def application(self, environ, start_response):
        start_response("200 OK", [])
        return [self.handler(environ)]

    def heard(self, wire):
        return Answer(records(wire.heard())).content

    def test_a_thread_that_has_answered_goes_on_with_the_next_that_has_come(self):
        for wire in self.wires:
            wire.say(request())
        self.serve_next()
        self.serve_next()
        self.assertEqual([self.heard(wire) for wire in self.wires], [b"ok", b"ok"])

    def test_it_serves_a_connection_again_and_again(self):
        for _ in range(3):
            for wire in self.wires:
                wire.say(request({"REQUEST_METHOD": "PUT"}, [b"some"]))
                self.serve_next()
                self.assertEqual(self.heard(wire), b"ok")

    def test_a_request_that_was_read_with_what_was_left_over_is_not_forgotten(self):
        [wire, _] = self.wires
        wire.say(request({"REQUEST_METHOD": "PUT"}, [b"unread"] * 3))
        wire.say(request(number=3))
        self.serve_next()
        self.assertEqual([kind for kind, number, _ in records(wire.heard()) if number == 3], [6, 3])

    def test_a_child_that_comes_back_from_the_application_takes_no_requests(self):
        def fork(environ):
            child = os.fork()
            if not child:
                return b"its own answer"
            self.status = os.waitpid(child, 0)[1]
            return b"ok"

        self.handler = fork
        [wire, other] = self.wires
        other.say(request())
        wire.say(request())
        self.serve_next()
        self.serve_next()
        self.assertEqual(self.status, 0)
        self.assertEqual([self.heard(wire), self.heard(other)], [b"ok", b"ok"])

    def test_another_thread_serves_what_comes_while_one_waits(self):
        """What an application waits for may be another request."""
        barrier = threading.Barrier(2)

        def meet(environ):
            barrier.wait(20)
            return b"met"

        self.handler = meet
        threads = [threading.Thread(target=self.serve_next) for _ in self.wires]
        for wire in self.wires:
            wire.say(request())
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual([self.heard(wire) for wire in self.wires], [b"met", b"met"])

    def test_another_thread_serves_the_connection_while_close_runs(self):
        going_on = threading.Event()
        self.addCleanup(going_on.set)

        class Slow:
            def __init__(self, environ):
                self.errors = environ["wsgi.errors"]

            def __iter__(self):
                return iter((b"first",))

            def close(self):
                going_on.wait(20)
                print("closed", file=self.errors)

        def application(environ, start_response):
            start_response("200 OK", [])
            return Slow(environ) if environ["REQUEST_METHOD"] == "GET" else [b"second"]

        [wire, _] = self.wires
        connection = self.connections[0]
        connection.application = application
        threads = [threading.Thread(target=self.serve_next, daemon=True) for _ in range(2)]
        threads[0].start()
        wire.say(request())
        wire.ours.settimeout(20)
        data = b""
        while not Answer(records(data)).ends:
            data += wire.ours.recv(0x10000)
        self.assertEqual(Answer(records(data)).content, b"first")
        wire.say(request({"REQUEST_METHOD": "PUT"}, number=3))
        threads[1].start()
        threads[1].join(10)
        found = records(wire.heard())
        self.assertEqual(([number for _, number, _ in found], Answer(found).content), ([3, 3], b"second"))
        self.assertTrue(connection.closing)
        going_on.set()
        threads[0].join(20)
        self.assertFalse(connection.closing)
        self.assertEqual(records(wire.heard()), [(STDERR, 1, b"closed\n")])

    def test_content_that_comes_later_wakes_nobody_else(self):
        [wire, other] = self.wires
        reading = threading.Event()

        def read(environ):
            reading.set()
            return environ["wsgi.input"].read()

        self.handler = read
        first = threading.Thread(target=self.serve_next)
        first.start()
        wire.say(record(BEGIN, b"\0\1\1\0\0\0\0\0", 2) + record(PARAMS, request()[8:], 2) + record(PARAMS, b"", 2))
        wire.say(record(STDIN, b"some", 2))
        self.assertTrue(reading.wait(20))
        wire.say(record(STDIN, b"more", 2))
        self.assertEqual(self.serve_next.__self__.epoll.poll(0), [])
        wire.say(record(STDIN, b"", 2))
        first.join()
        self.assertEqual(self.heard(wire), b"somemore")
        self.assertEqual(self.heard(other), b"")


if __name__ == "__main__":
    unittest.main()

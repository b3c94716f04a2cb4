"""Records as they go over the wire, beside the layout of FastCGI 1.0 with the length's high byte where padding's reserve is."""

import os
import unittest

from onezero_worker import records
from onezero_worker.records import END, FILE, MAX_CONTENT, RECORD_AND_END, STDOUT, application_traceback, file_offer, record


def fields(data):
    """Version, type, request, length, padding."""
    return data[0], data[1], int.from_bytes(data[2:4], "big"), int.from_bytes(data[4:6], "big") + (data[7] << 16), data[6]


class Headers(unittest.TestCase):
    def test_lengths_at_their_boundaries(self):
        for length in (0, 1, 127, 128, 0xFFFF, 0x10000, 0x10001, 0xFFFFFE, MAX_CONTENT):
            self.assertEqual(fields(record(STDOUT, 1, length)), (1, 6, 1, length, 0), length)
            self.assertEqual(len(record(STDOUT, 1, length)), 8)

    def test_numbers_of_requests_at_their_boundaries(self):
        for number in (0, 1, 255, 256, 0xFFFF):
            self.assertEqual(fields(record(STDOUT, number, 3)), (1, 6, number, 3, 0))

    def test_they_are_read_as_they_were_written(self):
        for kind, number, length in ((1, 0, 0), (6, 0xFFFF, MAX_CONTENT), (20, 258, 0x010203)):
            kind_read, number_read, low, padding, high = records.RECORD_HEAD(b"xx" + record(kind, number, length), 2)
            self.assertEqual((kind_read, number_read, low + (high << 16), padding), (kind, number, length, 0))


class Ends(unittest.TestCase):
    def test_an_end_has_eight_bytes(self):
        data = RECORD_AND_END.pack(1, END, 0x1234, 8, 0, 7, 0)
        self.assertEqual(data.hex(), "0103123400080000" + "0000000700000000")


class Offers(unittest.TestCase):
    def offer(self, **changes):
        real = os.stat(__file__)
        state = type("State", (), {name: getattr(real, name) for name in dir(real) if name.startswith("st_")})
        for name, value in changes.items():
            setattr(state, name, value)
        return file_offer(0x0102, 5, 1 << 40, 1 << 41, state)

    def words(self, data):
        return [int.from_bytes(data[start : start + 8], "big") for start in range(12, 68, 8)]

    def test_an_offer_has_sixty_bytes_of_content(self):
        data = self.offer()
        self.assertEqual((len(data), fields(data)), (68, (1, FILE, 0x0102, 60, 0)))
        self.assertEqual(int.from_bytes(data[8:12], "big"), 5)

    def test_large_numbers(self):
        offset, length, size, changed, modified, inode, device = self.words(
            self.offer(st_size=1 << 50, st_ctime_ns=3, st_mtime_ns=4, st_ino=(1 << 64) - 1, st_dev=1 << 63)
        )
        self.assertEqual((offset, length, size), (1 << 40, 1 << 41, 1 << 50))
        self.assertEqual((changed, modified, inode, device), (3, 4, (1 << 64) - 1, 1 << 63))

    def test_times_before_1970(self):
        words = self.words(self.offer(st_ctime_ns=-1, st_mtime_ns=-(10**18)))
        self.assertEqual(words[3:5], [(1 << 64) - 1, (1 << 64) - 10**18])

    def test_every_part_of_the_state_makes_another_key(self):
        names = ("st_size", "st_ctime_ns", "st_mtime_ns", "st_ino", "st_dev")
        keys = {self.offer(**{name: 12345})[28:] for name in names} | {self.offer()[28:]}
        self.assertEqual(len(keys), len(names) + 1)


class Tracebacks(unittest.TestCase):
    def error(self, code, file):
        try:
            exec(compile(code, file, "exec"), {})
        except Exception as error:
            return error
        raise AssertionError("nothing was raised")

    def test_our_frames_are_left_out_at_the_top_only(self):
        def through_ours(error_of):
            frames = compile("def call(f):\n    f()\n", os.path.join(records.OUR_FOLDER, "wsgi.py"), "exec")
            scope = {}
            exec(frames, scope)
            try:
                scope["call"](error_of)
            except Exception as error:
                error.__traceback__ = error.__traceback__.tb_next
                return application_traceback(error)

        def fails():
            raise ValueError("wrong")

        text = through_ours(fails)
        self.assertNotIn("wsgi.py", text)
        self.assertIn("in fails", text)
        self.assertTrue(text.startswith("Traceback (most recent call last):\n"))
        self.assertTrue(text.endswith("ValueError: wrong\n"))

    def test_an_error_of_ours_keeps_all_of_its_frames(self):
        error = self.error("raise TypeError('status')", os.path.join(records.OUR_FOLDER, "wsgi.py"))
        error.__traceback__ = error.__traceback__.tb_next
        text = application_traceback(error)
        self.assertIn("wsgi.py", text)
        self.assertTrue(text.endswith("TypeError: status\n"))

    def test_a_syntax_error_shows_its_line(self):
        text = application_traceback(self.error("a = (\n", "/srv/app.py"))
        self.assertIn('File "/srv/app.py", line 1', text)
        self.assertIn("SyntaxError", text)

    def test_causes_are_told(self):
        error = self.error("try:\n    {}['a']\nexcept KeyError as e:\n    raise ValueError('outer') from e", "/srv/app.py")
        text = application_traceback(error)
        self.assertLess(text.index("KeyError: 'a'"), text.index("direct cause"))
        self.assertTrue(text.endswith("ValueError: outer\n"))


if __name__ == "__main__":
    unittest.main()

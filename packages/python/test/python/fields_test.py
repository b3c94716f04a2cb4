"""What an application may give for a status and for fields, beside h11 and http.client as readers where they know better."""

import http
import http.client
import io
import os
import unittest

from onezero_worker import fields
from onezero_worker.fields import HOP_BY_HOP, check_length, check_status, check_value, field_kind

try:
    import h11
except ImportError:
    if os.environ.get("CI"):
        raise
    h11 = None


class Statuses(unittest.TestCase):
    def test_good_ones(self):
        for status in ("200 OK", "200 ", "299 x", "404 Not Found", "599 Ende", "418 I'm a teapot", "200 Öl", "200  two"):
            check_status(status)
        for status in http.HTTPStatus:
            if status >= 200:
                check_status("%d %s" % (status, status.phrase))

    def test_bad_ones(self):
        for status in (
            "200", "", "OK", "20 OK", "2000 OK", "100 Continue", "101 Switching Protocols", "199 x", "600 x", "-200 OK",
            " 200 OK", "200\tOK", "200 OK\n", "200 OK\r", "200 O\0K", "200 \x7f", "200 \x1b[31m", "2O0 OK", "\u0662\u0660\u0660 OK",
        ):  # fmt: skip
            with self.assertRaises(ValueError, msg=status):
                check_status(status)

    def test_other_types(self):
        for status in (200, b"200 OK", None, ["200 OK"], ("200 OK",)):
            with self.assertRaises(TypeError, msg=status):
                check_status(status)

    def test_what_was_bad_once_stays_bad(self):
        for _ in range(3):
            with self.assertRaises(ValueError):
                check_status("200 bad\nX: y")
        self.assertNotIn("200 bad\nX: y", fields.known_statuses)

    def test_the_memory_is_bounded(self):
        for number in range(300):
            check_status("200 reason %d" % number)
        self.assertLessEqual(len(fields.known_statuses), 100)


class Names(unittest.TestCase):
    def test_a_name_is_its_lower_case(self):
        for name, kind in (("Content-Type", "content-type"), ("X_Y", "x_y"), ("ETag", "etag"), ("!#$%&'*+-.^_`|~0", "!#$%&'*+-.^_`|~0")):
            self.assertEqual(field_kind(name), kind)

    def test_every_byte(self):
        token = set("!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")
        for byte in range(256):
            name = "a" + chr(byte) + "b"
            if chr(byte) in token:
                self.assertEqual(field_kind(name), name.lower())
            else:
                with self.assertRaises(ValueError, msg=repr(name)):
                    field_kind(name)

    def test_what_is_no_name(self):
        for name in ("", " a", "a ", "a:", "a\n", "\na", "a\nb", "\u212a", "\u0131"):
            with self.assertRaises(ValueError, msg=repr(name)):
                field_kind(name)
        for name in (b"a", None, 1, ("a",)):
            with self.assertRaises(TypeError, msg=repr(name)):
                field_kind(name)

    def test_what_belongs_to_the_connection(self):
        self.assertIn("transfer-encoding", HOP_BY_HOP)
        for name in HOP_BY_HOP:
            for form in (name, name.upper(), name.title()):
                with self.assertRaises(ValueError, msg=form):
                    field_kind(form)

    def test_it_is_what_wsgiref_takes_for_hop_by_hop(self):
        from wsgiref.util import is_hop_by_hop

        for name in HOP_BY_HOP - {"trailer"}:  # wsgiref knows the misspelling of RFC 2616 only
            self.assertTrue(is_hop_by_hop(name), name)

    def test_the_memory_is_bounded(self):
        for number in range(3000):
            field_kind("x-name-%d" % number)
        self.assertLessEqual(len(fields.known_names), 1000)


class Values(unittest.TestCase):
    def test_every_byte(self):
        for byte in range(256):
            value = "a" + chr(byte) + "b"
            if byte == 9 or (byte >= 32 and byte != 127):
                check_value("x", value)
            else:
                with self.assertRaises(ValueError, msg=repr(value)):
                    check_value("x", value)

    def test_other_types(self):
        for value in (1, b"a", None, ["a"]):
            with self.assertRaises(TypeError, msg=repr(value)):
                check_value("x", value)

    def test_a_message_names_the_field(self):
        with self.assertRaisesRegex(ValueError, "X-Name.*evil"):
            check_value("X-Name", "evil\r\nSet-Cookie: a=b")

    @unittest.skipIf(h11 is None, "h11 is not installed")
    def test_what_passes_is_a_field_to_h11(self):
        for byte in range(256):
            value = "a" + chr(byte) + "b"
            try:
                check_value("x", value)
            except ValueError:
                continue
            h11.Response(status_code=200, headers=[("x", value.encode("latin-1"))])

    def test_what_passes_is_one_field_to_http_client(self):
        for byte in range(256):
            value = "a" + chr(byte) + "b"
            try:
                check_value("x", value)
            except ValueError:
                continue
            if 0x80 <= byte < 0xA0:
                continue  # its parser of mail ends lines at U+0085, which HTTP does not
            wire = b"x: " + value.encode("latin-1") + b"\r\ny: 1\r\n\r\n"
            parsed = http.client.parse_headers(io.BytesIO(wire))
            self.assertEqual((parsed["x"], parsed["y"]), (value, "1"), byte)


class Lengths(unittest.TestCase):
    def test_good_ones(self):
        for value, length in (("0", 0), ("1", 1), ("007", 7), ("9007199254740993", 9007199254740993)):
            self.assertEqual(check_length(value), length)

    def test_bad_ones(self):
        for value in ("", "-1", "+1", "1.0", "1e3", "0x10", " 1", "1 ", "1,1", "1_000", "\u0661", "\xb2", "one"):
            with self.assertRaises(ValueError, msg=value):
                check_length(value)


if __name__ == "__main__":
    unittest.main()

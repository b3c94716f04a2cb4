"""Frames, masks, close codes and permessage-deflate by RFC 6455 and RFC 7692; wsproto as a second reader where it is there."""

import os
import random
import sys
import unittest
import zlib
from unittest import mock

from onezero_worker import websocket
from onezero_worker.websocket import (
    BINARY,
    CLOSE,
    MAX_MESSAGE,
    PING,
    PONG,
    TEXT,
    Deflate,
    Frames,
    ProtocolError,
    accept_key,
    encode_close,
    encode_frame,
    is_received_code,
    negotiate_deflate,
    short,
    unmask,
    whole_message,
)

try:
    from wsproto import frame_protocol
    from wsproto.extensions import PerMessageDeflate
except ImportError:
    if os.environ.get("CI"):
        raise
    frame_protocol = None

SMALL = 0x20000
with_small_limit = mock.patch.object(websocket, "MAX_MESSAGE", SMALL)
MASK = b"\x37\xfa\x21\x3d"


def masked(data, mask=MASK):
    return bytes(byte ^ mask[index % 4] for index, byte in enumerate(data))


def frame(opcode, data, first=0x80, mask=MASK):
    """A frame of a client, by section 5.2."""
    size = len(data)
    head = bytes((first | opcode,))
    if size < 126:
        head += bytes((0x80 | size,))
    elif size < 0x10000:
        head += b"\xfe" + size.to_bytes(2, "big")
    else:
        head += b"\xff" + size.to_bytes(8, "big")
    return head + mask + masked(data, mask)


def read(data, deflate=None, pieces=None):
    """The events of some bytes, and the code of the error behind them."""
    frames = Frames(deflate)
    events = []
    for piece in pieces or [data]:
        events += frames.feed(piece)
        if frames.error is not None or events and events[-1][0] == CLOSE:
            break
    return events, frames.error and frames.error.code


class Masks(unittest.TestCase):
    def test_every_length_around_a_word_and_a_piece(self):
        rest = random.Random(1)
        sizes = list(range(0, 70)) + [0xFFFE, 0xFFFF, 0x10000, 0x10001, 0x10003, 0x20000, 0x20005]
        for size in sizes:
            data, mask = rest.randbytes(size), rest.randbytes(4)
            self.assertEqual(unmask(data, mask), masked(data, mask), size)

    def test_masks_with_zeros(self):
        for mask in (b"\0\0\0\0", b"\0\0\0\1", b"\1\0\0\0", b"\xff\xff\xff\xff"):
            self.assertEqual(unmask(b"abcdefg", mask), masked(b"abcdefg", mask))


class Lengths(unittest.TestCase):
    BOUNDARIES = (0, 1, 124, 125, 126, 127, 128, 0xFFFE, 0xFFFF, 0x10000, 0x10001)

    def test_what_is_written(self):
        heads = {125: "827d", 126: "827e007e", 127: "827e007f", 0xFFFF: "827effff", 0x10000: "827f0000000000010000"}
        for size, head in heads.items():
            self.assertEqual(encode_frame(BINARY, bytes(size)), bytes.fromhex(head) + bytes(size))

    def test_what_is_read(self):
        for size in self.BOUNDARIES:
            data = b"x" * size
            for parts in (None, [frame(BINARY, data)[:3], frame(BINARY, data)[3:]]):
                self.assertEqual(read(frame(BINARY, data), pieces=parts), ([(BINARY, data)], None), size)

    def test_a_message_alone_is_read_without_a_buffer(self):
        for size in self.BOUNDARIES[:-2]:
            self.assertEqual(whole_message(frame(BINARY, b"x" * size)), (BINARY, b"x" * size), size)
            self.assertEqual(whole_message(frame(TEXT, b"x" * size)), (TEXT, "x" * size), size)

    def test_and_what_is_not_alone_is_left_to_the_buffer(self):
        whole = frame(BINARY, b"abc")
        for data in (whole[:-1], whole + b"\x82", b"", whole[:5], frame(BINARY, b"abc", 0), frame(PING, b""), b"\x82\x03abcdef"):
            self.assertIsNone(whole_message(data), data)

    def test_the_longest_message(self):
        head = b"\x82\xff" + MAX_MESSAGE.to_bytes(8, "big")
        self.assertEqual(read(head + MASK), ([], None))
        head = b"\x82\xff" + (MAX_MESSAGE + 1).to_bytes(8, "big")
        self.assertEqual(read(head), ([], 1009))

    @with_small_limit
    def test_fragments_that_are_too_long_together(self):
        half = SMALL // 2
        start = frame(BINARY, bytes(half), 0)
        self.assertEqual(read(start + frame(0, bytes(half)))[1], None)
        self.assertEqual(read(start + frame(0, bytes(half + 1))[:10]), ([], 1009))


class Heads(unittest.TestCase):
    def test_what_no_client_may_send(self):
        cases = {
            "no mask": b"\x81\x01a",
            "reserved bit 1 without an extension": frame(TEXT, b"a", 0xC0),
            "reserved bit 2": frame(TEXT, b"a", 0xA0),
            "reserved bit 3": frame(TEXT, b"a", 0x90),
            "a control frame in fragments": frame(PING, b"", 0),
            "a long control frame": frame(PING, b"x" * 126),
            "a continuation of nothing": frame(0, b"a"),
            "a message within a message": frame(TEXT, b"a", 0) + frame(TEXT, b"b"),
        }
        for opcode in (3, 4, 5, 6, 7, 11, 12, 13, 14, 15):
            cases["opcode %d" % opcode] = frame(opcode, b"")
        for name, data in cases.items():
            self.assertEqual(read(data), ([], 1002), name)

    def test_a_reserved_bit_where_the_extension_has_none(self):
        deflate = Deflate({})
        for data in (frame(PING, b"", 0xC0), frame(CLOSE, b"", 0xC0), frame(TEXT, b"", 0x40) + frame(0, b"", 0xC0)):
            self.assertEqual(read(data, deflate)[1], 1002)

    def test_a_bad_head_is_found_before_its_content_has_come(self):
        self.assertEqual(read(frame(3, b"x" * 1000)[:2]), ([], 1002))

    def test_what_came_before_it_counts(self):
        self.assertEqual(read(frame(TEXT, b"one") + frame(PING, b"p") + frame(3, b"")), ([(TEXT, "one"), (PING, b"p")], 1002))

    def test_nothing_behind_a_close_counts(self):
        self.assertEqual(read(frame(CLOSE, b"\x03\xe8") + frame(TEXT, b"late") + b"\xff"), ([(CLOSE, 1000, "")], None))


class Messages(unittest.TestCase):
    def test_fragments_with_control_frames_between(self):
        data = frame(TEXT, b"on", 0) + frame(PING, b"1") + frame(0, b"", 0) + frame(PONG, b"2") + frame(0, b"e")
        self.assertEqual(read(data), ([(PING, b"1"), (PONG, b"2"), (TEXT, "one")], None))

    def test_a_character_in_four_fragments(self):
        one, two, three, four = [bytes((byte,)) for byte in "\U0001f600".encode()]
        data = frame(TEXT, one, 0) + frame(0, two, 0) + frame(0, three, 0) + frame(0, four)
        self.assertEqual(read(data), ([(TEXT, "\U0001f600")], None))

    def test_text_that_is_none(self):
        for data in (b"\xff", b"\xc3", b"\xed\xa0\x80", b"\xc0\xaf", b"\xf4\x90\x80\x80", b"ok\x80"):
            self.assertEqual(read(frame(TEXT, data)), ([], 1007), data)
            self.assertEqual(read(frame(BINARY, data)), ([(BINARY, data)], None), data)

    def test_text_that_is_none_is_found_with_its_fragment(self):
        self.assertEqual(read(frame(TEXT, b"a\xff", 0)), ([], 1007))
        self.assertEqual(read(frame(TEXT, b"a\xc3", 0)), ([], None))
        self.assertEqual(read(frame(TEXT, b"a\xc3", 0) + frame(0, b"")), ([], 1007))

    def test_fragments_of_nothing_are_not_kept(self):
        frames = Frames()
        frames.feed(frame(TEXT, b"a", 0))
        before = sys.getsizeof(frames.fragments)
        frames.feed(frame(0, b"", 0) * 1000)
        self.assertEqual(sys.getsizeof(frames.fragments), before)
        self.assertEqual(frames.feed(frame(0, b"")), [(TEXT, "a")])

    def test_a_message_after_a_message(self):
        data = frame(TEXT, "ü".encode()[:1], 0) + frame(0, "ü".encode()[1:]) + frame(TEXT, b"") + frame(BINARY, b"")
        self.assertEqual(read(data), ([(TEXT, "ü"), (TEXT, ""), (BINARY, b"")], None))

    def test_the_same_wherever_it_is_cut(self):
        data = frame(TEXT, b"one", 0) + frame(PING, b"") + frame(0, "zwö".encode()) + frame(BINARY, b"x" * 130) + frame(CLOSE, b"\x03\xe9bye")
        expected = read(data)
        self.assertEqual([event[0] for event in expected[0]], [PING, TEXT, BINARY, CLOSE])
        for cut in range(1, len(data)):
            self.assertEqual(read(None, pieces=[data[:cut], data[cut:]]), expected, cut)


class Closing(unittest.TestCase):
    def test_codes_that_may_be_received(self):
        good = {1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3999, 4000, 4999}
        for code in (0, 1, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535, *good):
            self.assertEqual(is_received_code(code), code in good, code)
            events = [(CLOSE, code, "")] if code in good else []
            self.assertEqual(read(frame(CLOSE, code.to_bytes(2, "big"))), (events, None if code in good else 1002), code)

    def test_without_a_code(self):
        self.assertEqual(read(frame(CLOSE, b"")), ([(CLOSE, 1005, "")], None))
        self.assertEqual(read(frame(CLOSE, b"\x03")), ([], 1002))

    def test_a_reason(self):
        self.assertEqual(read(frame(CLOSE, b"\x03\xe8" + "schöß".encode())), ([(CLOSE, 1000, "schöß")], None))
        self.assertEqual(read(frame(CLOSE, b"\x03\xe8" + b"x" * 123)), ([(CLOSE, 1000, "x" * 123)], None))
        self.assertEqual(read(frame(CLOSE, b"\x03\xe8\xff")), ([], 1007))

    def test_what_is_written(self):
        self.assertEqual(encode_close(1000), b"\x88\x02\x03\xe8")
        self.assertEqual(encode_close(1005, "no code, no reason"), b"\x88\x00")
        self.assertEqual(encode_close(1001, "bye"), b"\x88\x05\x03\xe9bye")

    def test_a_reason_is_cut_between_characters(self):
        for size in range(115, 130):
            for character in ("x", "ü", "€", "\U0001f600"):
                reason = "x" * (size - 100) + character * 100
                data = short(reason)
                self.assertLessEqual(len(data), 123)
                if len(reason.encode()) > 123:
                    self.assertGreater(len(data), 123 - len(character.encode()))
                self.assertTrue(reason.startswith(data.decode()))
        self.assertEqual(short("x" * 123), b"x" * 123)


class Handshake(unittest.TestCase):
    def test_the_key_of_the_rfc(self):
        self.assertEqual(accept_key(b"dGhlIHNhbXBsZSBub25jZQ=="), b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")


class Negotiation(unittest.TestCase):
    def test_offers_that_suit(self):
        cases = {
            b"permessage-deflate": b"permessage-deflate",
            b"Permessage-Deflate": b"permessage-deflate",
            b" permessage-deflate ; client_max_window_bits ": b"permessage-deflate",
            b"permessage-deflate; client_max_window_bits=8": b"permessage-deflate",
            b"permessage-deflate; client_max_window_bits=\"15\"": b"permessage-deflate",
            b"permessage-deflate; server_max_window_bits=9": b"permessage-deflate; server_max_window_bits=9",
            b"permessage-deflate; server_max_window_bits=15": b"permessage-deflate; server_max_window_bits=15",
            b"permessage-deflate; server_max_window_bits=\"10\"": b"permessage-deflate; server_max_window_bits=10",
            b"permessage-deflate; server_no_context_takeover": b"permessage-deflate; server_no_context_takeover",
            b"permessage-deflate; client_no_context_takeover": b"permessage-deflate; client_no_context_takeover",
            b"x-webkit-deflate-frame, permessage-deflate": b"permessage-deflate",
            b"permessage-deflate; unknown, permessage-deflate": b"permessage-deflate",
            b"permessage-deflate; server_max_window_bits=8, permessage-deflate; server_max_window_bits=12": (
                b"permessage-deflate; server_max_window_bits=12"
            ),
            b"permessage-deflate; server_max_window_bits=16, permessage-deflate": b"permessage-deflate",
        }
        for offer, answer in cases.items():
            self.assertEqual(negotiate_deflate(offer)[0], answer, offer)

    def test_offers_that_do_not(self):
        for parameter in (
            b"server_max_window_bits",
            b"server_max_window_bits=",
            b"server_max_window_bits=7",
            b"server_max_window_bits=8",
            b"server_max_window_bits=16",
            b"server_max_window_bits=010",
            b"server_max_window_bits=+10",
            b"server_max_window_bits=1_0",
            b"server_max_window_bits=10.0",
            b"server_max_window_bits=\xb2",
            b"server_max_window_bits=1\xb2",
            b"server_max_window_bits=" + b"9" * 5000,
            b"client_max_window_bits=7",
            b"client_max_window_bits=16",
            b"client_max_window_bits=09",
            b"client_max_window_bits=\xb3",
            b"client_max_window_bits=",
            b"server_no_context_takeover=1",
            b"client_no_context_takeover=",
            b"server_no_context_takeover; server_no_context_takeover",
            b"client_max_window_bits; client_max_window_bits=10",
            b"other",
            b"",
        ):
            self.assertEqual(negotiate_deflate(b"permessage-deflate; " + parameter), (None, None), parameter[:60])

    def test_offers_of_something_else(self):
        for offer in (b"", b",", b";", b"permessage-bzip2", b"deflate", b"permessage-deflate2", b"=permessage-deflate"):
            self.assertEqual(negotiate_deflate(offer), (None, None), offer)

    def test_anything_is_an_answer_or_none(self):
        source = random.Random(2)
        words = [b"permessage-deflate", b"server_max_window_bits", b"client_max_window_bits", b"server_no_context_takeover"]
        words += [b"client_no_context_takeover", b"=", b";", b",", b" ", b'"', b"8", b"9", b"15", b"16", b"\xb2", b"x"]
        for _ in range(1000):
            offer = b"".join(source.choices(words, k=source.randrange(8)))
            answer, options = negotiate_deflate(offer)
            if answer is not None:
                Deflate(options).deflate(b"x")


def compressed(data, wbits=-15, flush=zlib.Z_SYNC_FLUSH, compressor=None):
    """A message as a client compresses it (RFC 7692 section 7.2.1)."""
    compressor = compressor or zlib.compressobj(wbits=wbits)
    return (compressor.compress(data) + compressor.flush(flush))[:-4]


class Compression(unittest.TestCase):
    def test_the_examples_of_the_rfc(self):
        hello = "f2 48 cd c9 c9 07 00"
        cases = {
            "one block (7.2.3.1)": [hello],
            "a shared window (7.2.3.2)": [hello, "f2 00 11 00 00"],
            "no compression (7.2.3.3)": ["00 05 00 fa ff 48 65 6c 6c 6f 00"],
            "a final block (7.2.3.4)": ["f3 48 cd c9 c9 07 00 00"],
            "two blocks (7.2.3.5)": ["f2 48 05 00 00 00 ff ff ca c9 c9 07 00"],
        }
        for name, messages in cases.items():
            deflate = Deflate({})
            for message in messages:
                data = frame(TEXT, bytes.fromhex(message), 0xC0)
                self.assertEqual(read(data, deflate), ([(TEXT, "Hello")], None), name)

    def test_messages_after_a_final_block(self):
        deflate = Deflate({})
        final = bytes.fromhex("f3 48 cd c9 c9 07 00 00")
        plain = bytes.fromhex("f2 48 cd c9 c9 07 00")
        for message in (final, final, plain, plain, final):
            self.assertEqual(read(frame(TEXT, message, 0xC0), deflate), ([(TEXT, "Hello")], None))

    def test_a_window_that_goes_on_behind_a_final_block(self):
        deflate = Deflate({})
        text = bytes(range(256)) * 8
        first = zlib.compressobj(wbits=-15)
        message = first.compress(text) + first.flush(zlib.Z_FINISH) + b"\0"
        self.assertEqual(deflate.inflate(message), text)
        second = zlib.compressobj(wbits=-15, zdict=text)
        self.assertEqual(deflate.inflate(compressed(text, compressor=second)), text)

    def test_the_window_of_a_client_that_keeps_it(self):
        deflate, compressor = Deflate({}), zlib.compressobj(wbits=-15)
        text = random.Random(3).randbytes(500)
        for _ in range(4):
            self.assertEqual(deflate.inflate(compressed(text, compressor=compressor)), text)

    def test_the_window_of_a_client_that_does_not(self):
        deflate = Deflate({"client_no_context_takeover": ""})
        for _ in range(3):
            self.assertEqual(deflate.inflate(compressed(b"again and again")), b"again and again")
        self.assertIsNone(deflate.inflater)

    def test_windows_of_every_size(self):
        text = random.Random(4).randbytes(3000) * 3
        for bits in range(9, 16):
            deflate = Deflate({"server_max_window_bits": str(bits)})
            inflater = zlib.decompressobj(wbits=-bits)
            for _ in range(2):
                self.assertEqual(inflater.decompress(deflate.deflate(text) + b"\0\0\xff\xff"), text, bits)
            self.assertEqual(Deflate({}).inflate(compressed(text, -bits)), text)

    def test_a_message_of_ours_needs_no_other_where_no_window_is_kept(self):
        deflate = Deflate({"server_no_context_takeover": ""})
        for _ in range(3):
            self.assertEqual(zlib.decompressobj(wbits=-15).decompress(deflate.deflate(b"text" * 100) + b"\0\0\xff\xff"), b"text" * 100)

    def test_an_empty_message(self):
        for message in (b"", b"\0", compressed(b"")):
            self.assertEqual(read(frame(TEXT, message, 0xC0), Deflate({})), ([(TEXT, "")], None), message)
        deflate = Deflate({})
        self.assertEqual(zlib.decompressobj(wbits=-15).decompress(deflate.deflate(b"") + b"\0\0\xff\xff"), b"")

    def test_fragments_of_a_compressed_message_with_and_without(self):
        deflate = Deflate({})
        data = compressed("schön".encode() * 20)
        parts = frame(TEXT, data[:3], 0x40) + frame(PING, b"") + frame(0, data[3:])
        parts += frame(TEXT, b"plain") + frame(BINARY, compressed(b"raw"), 0xC0)
        self.assertEqual(read(parts, deflate), ([(PING, b""), (TEXT, "schön" * 20), (TEXT, "plain"), (BINARY, b"raw")], None))

    def test_what_is_damaged(self):
        for data in (b"\xff\xff\xff", b"\x07" * 10, b"\x00\x05\x00\x00\x00hello"):
            self.assertEqual(read(frame(BINARY, data, 0xC0), Deflate({})), ([], 1007), data)

    def test_text_that_is_none(self):
        self.assertEqual(read(frame(TEXT, compressed(b"\xff"), 0xC0), Deflate({})), ([], 1007))

    @with_small_limit
    def test_a_bomb(self):
        for size, error in ((SMALL, None), (SMALL + 1, 1009), (SMALL * 4, 1009)):
            compressor = zlib.compressobj(9, wbits=-15)
            data = compressed(bytes(size), compressor=compressor)
            self.assertEqual(read(frame(BINARY, data, 0xC0), Deflate({}))[1], error, size)

    @with_small_limit
    def test_a_bomb_of_final_blocks(self):
        compressor = zlib.compressobj(9, wbits=-15)
        block = compressor.compress(bytes(SMALL // 2 + 1)) + compressor.flush()
        self.assertEqual(read(frame(BINARY, block * 3, 0xC0), Deflate({}))[1], 1009)


    def test_more_final_blocks_than_anybody_sends(self):
        empty = b"\x03\x00"
        self.assertEqual(read(frame(BINARY, empty * 15, 0xC0), Deflate({})), ([(BINARY, b"")], None))
        self.assertEqual(read(frame(BINARY, empty * 100_000, 0xC0), Deflate({})), ([], 1007))


@unittest.skipIf(frame_protocol is None, "wsproto is not installed")
class BesideWsproto(unittest.TestCase):
    def test_it_reads_what_is_written(self):
        source = random.Random(5)
        for opcode in (TEXT, BINARY, PING, PONG):
            for size in (0, 1, 125, 126, 127, 65535, 65536):
                if opcode in (PING, PONG) and size > 125:
                    continue
                data = bytes(source.choices(b"abcdef", k=size))
                reader = frame_protocol.FrameProtocol(True, [])
                reader.receive_bytes(encode_frame(opcode, data))
                [message] = reader.received_frames()
                payload = message.payload.encode() if opcode == TEXT else bytes(message.payload)
                self.assertEqual((int(message.opcode), payload), (opcode, data))

    def test_compressed_messages_go_both_ways(self):
        for offer in ("permessage-deflate", "permessage-deflate; server_no_context_takeover; client_no_context_takeover"):
            answer, options = negotiate_deflate(offer.encode())
            theirs = PerMessageDeflate()
            theirs.finalize(answer.decode())
            client = frame_protocol.FrameProtocol(True, [theirs])
            deflate = Deflate(options)
            for text in ("hello" * 30, "hello" * 30, "", "ü€" * 500):
                sent = client.send_data(text, fin=True)
                self.assertEqual(read(bytes(sent), deflate), ([(TEXT, text)], None))
                client.receive_bytes(encode_frame(TEXT, deflate.deflate(text.encode()), True))
                self.assertEqual("".join(part.payload for part in client.received_frames()), text)

    def test_both_agree_about_close_codes(self):
        for code in (*range(995, 1020), 2999, 3000, 3001, 3999, 4000, 4999, 5000, 65535):
            reader = frame_protocol.FrameProtocol(False, [])
            reader.receive_bytes(frame(CLOSE, code.to_bytes(2, "big")))
            try:
                list(reader.received_frames())
                is_good = True
            except frame_protocol.ParseFailed:
                is_good = False
            # 1012 to 1014 were registered after wsproto was written; 1016 to 2999 belong to nobody yet.
            if code not in (1012, 1013, 1014) and not 1016 <= code <= 2999 and code < 5000:
                self.assertEqual(is_received_code(code), is_good, code)


class Errors(unittest.TestCase):
    def test_a_code_and_a_reason(self):
        error = ProtocolError(1002, "why")
        self.assertEqual((error.code, str(error)), (1002, "why"))

    def test_there_are_no_other_names_for_codes(self):
        self.assertEqual((websocket.NORMAL, websocket.GOING_AWAY, websocket.ABNORMAL), (1000, 1001, 1006))


if __name__ == "__main__":
    unittest.main()

"""WebSocket (RFC 6455) with permessage-deflate (RFC 7692): frames to messages and back, without any input or output."""

import base64
import codecs
import hashlib
import zlib

TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10
MAX_CONTROL = 125
# uvicorn's ws_max_size: a message is in memory as a whole.
MAX_MESSAGE = 0x1000000
# Below this a compressed message is hardly shorter.
MIN_DEFLATED = 64
DEFLATE_TAIL = b"\x00\x00\xff\xff"
# Without leading zeros (RFC 7692 section 7.1.2).
WINDOW_BITS = frozenset(("8", "9", "10", "11", "12", "13", "14", "15"))
# In one message: each makes a copy of what is behind it. A client that has any has one.
MAX_FINAL_BLOCKS = 16
# How far back compressed data may refer.
WINDOW = 0x8000
NORMAL, GOING_AWAY, PROTOCOL_ERROR, NO_STATUS, ABNORMAL, INVALID_DATA, TOO_BIG = 1000, 1001, 1002, 1005, 1006, 1007, 1009
SENDABLE_CODES = frozenset((1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014))


make_decoder = codecs.getincrementaldecoder("utf-8")


class ProtocolError(Exception):
    """What the client sent is no WebSocket; `code` is that of the close frame."""

    def __init__(self, code, reason):
        super().__init__(reason)
        self.code = code


def accept_key(key):
    return base64.b64encode(hashlib.sha1(key + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest())


def negotiate_deflate(offers):
    """The answer to Sec-WebSocket-Extensions, and the options that hold; (None, None) without an offer that suits."""
    for offer in offers.decode("latin-1").split(","):
        name, *parameters = [part.strip() for part in offer.split(";")]
        if name.lower() != "permessage-deflate":
            continue
        options = {}
        is_good = True
        for parameter in parameters:
            key, has_value, value = parameter.partition("=")
            key, value = key.strip().lower(), value.strip().strip('"')
            is_known = key in ("server_no_context_takeover", "client_no_context_takeover") and not has_value
            is_bits = key == "server_max_window_bits" and value in WINDOW_BITS
            is_client_bits = key == "client_max_window_bits" and (not has_value or value in WINDOW_BITS)
            if key in options or not (is_known or is_bits or is_client_bits):
                is_good = False
            options[key] = value
        # zlib makes no raw stream with a window of 8 bits.
        if not is_good or options.get("server_max_window_bits") == "8":
            continue
        answer = ["permessage-deflate"]
        for key in ("server_no_context_takeover", "client_no_context_takeover"):
            if key in options:
                answer.append(key)
        if "server_max_window_bits" in options:
            answer.append("server_max_window_bits=" + options["server_max_window_bits"])
        return "; ".join(answer).encode(), options
    return None, None


# A product with a mask repeats it in every word, which is twice as fast as repeating its bytes and reading them.
MASKED_PIECE = 0x10000
NO_MASK = bytes(4)
ONES = int.from_bytes(b"\1\0\0\0" * (MASKED_PIECE // 4), "little")


def unmask(data, mask):
    if mask == NO_MASK:  # the server has taken it off
        return data
    size = len(data)
    if size > MASKED_PIECE:
        return b"".join([unmask(data[start : start + MASKED_PIECE], mask) for start in range(0, size, MASKED_PIECE)])
    words = (size + 3) // 4
    key = (ONES >> (MASKED_PIECE - words * 4) * 8) * int.from_bytes(mask, "little")
    content = (int.from_bytes(data, "little") ^ key).to_bytes(words * 4, "little")
    return content if size == words * 4 else content[:size]


def encode_frame(opcode, data, is_deflated=False):
    size = len(data)
    first = 0x80 | opcode | (0x40 if is_deflated else 0)
    if size < 126:
        return bytes((first, size)) + data
    if size < 0x10000:
        return bytes((first, 126)) + size.to_bytes(2, "big") + data
    return bytes((first, 127)) + size.to_bytes(8, "big") + data


def encode_close(code, reason=""):
    data = b"" if code == NO_STATUS else code.to_bytes(2, "big") + short(reason)
    return encode_frame(CLOSE, data)


def short(reason):
    """A reason as bytes that a close frame can hold: whole characters of it."""
    data = reason.encode()
    return data if len(data) <= MAX_CONTROL - 2 else data[: MAX_CONTROL - 2].decode("utf-8", "ignore").encode()


def is_received_code(code):
    return code in SENDABLE_CODES or 3000 <= code <= 4999


class Deflate:
    """The two directions of permessage-deflate."""

    def __init__(self, options):
        self.keeps_inflater = "client_no_context_takeover" not in options
        self.keeps_deflater = "server_no_context_takeover" not in options
        self.bits = int(options.get("server_max_window_bits") or 15)
        self.inflater = None
        self.deflater = None

    def deflate(self, data):
        if self.deflater is None:
            # Less memory than zlib's default, 256 KiB for each connection, at about the same ratio for messages.
            self.deflater = zlib.compressobj(wbits=-self.bits, memLevel=5)
        data = self.deflater.compress(data) + self.deflater.flush(zlib.Z_SYNC_FLUSH)
        if not self.keeps_deflater:
            self.deflater = None
        return data[:-4]

    def inflate(self, data):
        if self.inflater is None:
            self.inflater = zlib.decompressobj(wbits=-15)
        try:
            message = self.inflate_block(data + DEFLATE_TAIL, 0)
            # A client may end its data with a final block; what follows begins anew, in the same window (section 7.2.3.4).
            blocks = 0
            while self.inflater.eof and len(message) <= MAX_MESSAGE:
                rest = self.inflater.unused_data
                blocks += 1
                if blocks > MAX_FINAL_BLOCKS:
                    raise ProtocolError(INVALID_DATA, "the compressed message has too many final blocks")
                self.inflater = zlib.decompressobj(wbits=-15, zdict=message[-WINDOW:])
                if rest:
                    message += self.inflate_block(rest, len(message))
        except zlib.error:
            raise ProtocolError(INVALID_DATA, "the compressed message is damaged") from None
        if len(message) > MAX_MESSAGE:
            raise ProtocolError(TOO_BIG, "the message is too long")
        if not self.keeps_inflater:
            self.inflater = None
        return message

    def inflate_block(self, data, before):
        return self.inflater.decompress(data, MAX_MESSAGE + 1 - before)


class Frames:
    """Bytes of a client to events: (TEXT, str), (BINARY, bytes), (PING, bytes), (PONG, bytes), (CLOSE, code, reason)."""

    def __init__(self, deflate=None):
        self.deflate = deflate
        self.buffer = bytearray()
        self.opcode = None  # of the message whose fragments come
        self.is_deflated = False
        self.fragments = bytearray()
        self.size = 0
        self.decoder = None
        self.error = None  # a ProtocolError: what came before it counts, and nothing behind it

    def feed(self, data):
        """The events that `data` completes, up to what is wrong with it: that is then in `error`."""
        events = []
        try:
            if not self.buffer and self.opcode is None:
                message = whole_message(data)
                if message is not None:
                    return [message]
            self.buffer += data
            frame = self.next_frame()
            while frame is not None:
                event = self.take_frame(*frame)
                if event is not None:
                    events.append(event)
                    if event[0] == CLOSE:
                        break
                frame = self.next_frame()
        except ProtocolError as error:
            self.error = error
        return events

    def next_frame(self):
        buffer = self.buffer
        if len(buffer) < 2:
            return None
        first, second = buffer[0], buffer[1]
        self.check_head(first, second)
        size, start = second & 0x7F, 2
        if size >= 126:
            start = 4 if size == 126 else 10
            if len(buffer) < start:
                return None
            size = int.from_bytes(buffer[2:start], "big")
        if self.size + size > MAX_MESSAGE:
            raise ProtocolError(TOO_BIG, "the message is too long")
        end = start + 4 + size
        if len(buffer) < end:
            return None
        data = unmask(bytes(buffer[start + 4 : end]), bytes(buffer[start : start + 4]))
        del buffer[:end]
        return first, data

    def check_head(self, first, second):
        opcode = first & 0x0F
        is_control = opcode >= CLOSE
        if not second & 0x80:
            raise ProtocolError(PROTOCOL_ERROR, "a frame of a client must be masked")
        if opcode not in (0, TEXT, BINARY, CLOSE, PING, PONG):
            raise ProtocolError(PROTOCOL_ERROR, "unknown opcode %d" % opcode)
        if is_control and (not first & 0x80 or second & 0x7F > MAX_CONTROL):
            raise ProtocolError(PROTOCOL_ERROR, "a control frame must be short and whole")
        may_be_deflated = self.deflate is not None and opcode in (TEXT, BINARY)
        if first & (0x30 if may_be_deflated else 0x70):
            raise ProtocolError(PROTOCOL_ERROR, "reserved bits are set")
        if not is_control and (opcode == 0) != (self.opcode is not None):
            raise ProtocolError(PROTOCOL_ERROR, "a message within a message, or a continuation of none")

    def take_frame(self, first, data):
        opcode = first & 0x0F
        if opcode in (PING, PONG):
            return opcode, data
        if opcode == CLOSE:
            return self.take_close(data)
        if opcode:
            self.opcode = opcode
            self.is_deflated = bool(first & 0x40)
        is_last = bool(first & 0x80)
        if is_last and not self.fragments:
            message = data
        else:
            self.size += len(data)
            self.fragments += data
            if not is_last:
                # What is no text is found out with the fragment that has it, not when the last one comes.
                if self.opcode == TEXT and not self.is_deflated:
                    self.check_part(data)
                return None
            message, self.fragments = bytes(self.fragments), bytearray()
            self.size = 0
            self.decoder = None
        opcode, self.opcode = self.opcode, None
        if self.is_deflated:
            message = self.deflate.inflate(message)
        return (opcode, decode(message)) if opcode == TEXT else (opcode, message)

    def check_part(self, data):
        try:
            if self.decoder is None:
                self.decoder = make_decoder()
            self.decoder.decode(data)
        except UnicodeDecodeError:
            raise ProtocolError(INVALID_DATA, "the text is not UTF-8") from None

    def take_close(self, data):
        if not data:
            return CLOSE, NO_STATUS, ""
        code = int.from_bytes(data[:2], "big")
        if len(data) == 1 or not is_received_code(code):
            raise ProtocolError(PROTOCOL_ERROR, "not a code to close with")
        return CLOSE, code, decode(data[2:])


def whole_message(data):
    """The message, if `data` is one frame with nothing around it, which most reads are; None otherwise."""
    if len(data) < 6 or data[0] not in (0x80 | TEXT, 0x80 | BINARY):
        return None
    size, start = data[1], 6
    if size == 0x80 | 126:
        size, start = 0x80 + int.from_bytes(data[2:4], "big"), 8
    if size < 0x80 or size == 0x80 | 127 and start == 6 or len(data) != start + size - 0x80:
        return None
    content = unmask(data[start:], data[start - 4 : start])
    return (TEXT, decode(content)) if data[0] == 0x80 | TEXT else (BINARY, content)


def decode(data):
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        raise ProtocolError(INVALID_DATA, "the text is not UTF-8") from None

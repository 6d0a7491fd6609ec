"""An HTTP/2 client that sends any frame it is told to, and is strict about what a server may send.

Frames are built by hand, so that a test can send what no library would; fields go out as literals
that are in no table. What comes is held against RFC 9113: frames in their places, fields in small
letters, no field of connections, lengths that agree.
"""

import re
import socket
import struct

import hpack

from weir.wire import DATE, TIMEOUT, ProtocolError, check_answer

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = range(10)
PRIORITY_UPDATE = 16
ACK = END_STREAM = 1
END_HEADERS, PADDED, WITH_PRIORITY = 4, 8, 32
NO_ERROR, PROTOCOL_ERROR, INTERNAL_ERROR, FLOW_CONTROL_ERROR, _, STREAM_CLOSED, FRAME_SIZE_ERROR, \
    REFUSED_STREAM, CANCEL, COMPRESSION_ERROR, CONNECT_ERROR, ENHANCE_YOUR_CALM = range(12)
TABLE_SIZE, _, MAX_STREAMS, INITIAL_WINDOW, MAX_FRAME, MAX_LIST = range(1, 7)
ENABLE_CONNECT, NO_OLD_PRIORITIES = 8, 9
OF_CONNECTION = {"connection", "keep-alive", "proxy-connection", "transfer-encoding", "upgrade"}


class Reset(AssertionError):
    """The server reset the stream where an answer was expected."""

    def __init__(self, code):
        super().__init__(f"RST_STREAM {code}")
        self.code = code


class GoneAway(AssertionError):
    """The server ended the connection where an answer was expected; code None: without a word."""

    def __init__(self, code):
        super().__init__(f"connection ended, GOAWAY {code}")
        self.code = code


class Answer:
    """One answer: status, fields in order, body, trailers, and the interim ones before it."""

    def __init__(self):
        self.status, self.fields, self.body, self.trailers, self.interim = None, [], b"", [], []
        self.pieces = []                # lengths of the frames of DATA

    def all(self, name):
        return [v for n, v in self.fields if n == name.lower()]

    def get(self, name, default=None):
        values = self.all(name)
        return values[0] if values else default

    def __repr__(self):
        return f"{self.status} {self.fields} {self.body[:300]!r}"


def literal(text):
    """A string literal of HPACK, without Huffman coding."""
    data = text if isinstance(text, bytes) else text.encode("latin-1")
    return integer(len(data), 7) + data


def integer(value, bits, first=0):
    if value < (1 << bits) - 1:
        return bytes([first | value])
    out, value = [first | ((1 << bits) - 1)], value - ((1 << bits) - 1)
    while value >= 128:
        out.append(value % 128 + 128)
        value //= 128
    return bytes([*out, value])


def block(fields):
    """A field block: every field a literal that enters no table."""
    return b"".join(b"\0" + literal(n) + literal(v) for n, v in fields)


def frame(kind, flags=0, stream=0, payload=b""):
    return struct.pack("!I", len(payload))[1:] + struct.pack("!BBI", kind, flags, stream) + payload


def head(path="/", method="GET", authority="a", scheme="http", fields=()):
    """The fields of a request; None leaves a pseudo-field out."""
    pseudo = [(":method", method), (":scheme", scheme), (":path", path), (":authority", authority)]
    return [(n, v) for n, v in pseudo if v is not None] + list(fields)


class Http2:
    """One connection. Answers are read per stream; acknowledgements and windows are looked after."""

    def __init__(self, port, settings=(), timeout=TIMEOUT, begin=True, credit=True, buffer=None,
                 tls=None):
        self.sock = socket.socket()
        if buffer:
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
        self.sock.settimeout(timeout)
        self.sock.connect(("127.0.0.1", port))
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if tls:                         # an ssl.SSLContext
            self.sock = tls.wrap_socket(self.sock)
        self.decoder = hpack.Decoder(max_header_list_size=1 << 20)
        self.pending, self.next, self.credit, self.timeout = b"", 1, credit, timeout
        self.answers, self.resets, self.settings, self.goaways, self.pongs = {}, {}, {}, [], []
        self.ended, self.window_updates, self.acked, self.closed = set(), {}, 0, False
        self.methods, self.open_block = {}, None
        if begin:
            self.send(PREFACE + frame(SETTINGS, payload=b"".join(
                struct.pack("!HI", k, v) for k, v in dict(settings).items())))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.sock.close()

    # -- out

    def send(self, data):
        try:
            self.sock.sendall(data)
        except (BrokenPipeError, ConnectionResetError):
            pass                        # the server may end it first; what it said decides

    def frame(self, kind, flags=0, stream=0, payload=b""):
        self.send(frame(kind, flags, stream, payload))

    def request(self, path="/", method="GET", authority="a", fields=(), body=None, end=True,
                scheme="http", raw=None):
        """Begin a request; the number of its stream. raw: all its fields. end=False: more will follow."""
        stream, self.next = self.next, self.next + 2
        fields = head(path, method, authority, scheme, fields) if raw is None else raw
        self.methods[stream] = dict(fields).get(":method")
        self.head(stream, fields, body is None and end)
        if body is not None:
            self.body(stream, body, end)
        return stream

    def head(self, stream, fields, end):
        """A field block, in as many frames as it takes."""
        data, kind, flags = block(fields), HEADERS, END_STREAM if end else 0
        while len(data) > 16384:
            self.frame(kind, flags, stream, data[:16384])
            data, kind, flags = data[16384:], CONTINUATION, 0
        self.frame(kind, flags | END_HEADERS, stream, data)

    def body(self, stream, data, end=True, piece=16384):
        """Send body bytes, waiting for no window: the first 64 KiB always fit."""
        for at in range(0, len(data), piece) or [0]:
            last = END_STREAM if end and at + piece >= len(data) else 0
            self.frame(DATA, last, stream, data[at:at + piece])

    def update(self, stream, size):
        self.frame(WINDOW_UPDATE, 0, stream, struct.pack("!I", size))

    def reset(self, stream, code=CANCEL):
        self.frame(RST_STREAM, 0, stream, struct.pack("!I", code))

    # -- in

    def read(self):
        """The next frame, looked at: (type, flags, stream, payload). None at the end of the connection."""
        while len(self.pending) < 9 or len(self.pending) < 9 + int.from_bytes(self.pending[:3], "big"):
            try:
                data = self.sock.recv(262144)
            except ConnectionResetError:
                data = b""
            except socket.timeout:
                raise AssertionError(f"no frame in {self.timeout} s") from None
            if not data:
                self.closed = True
                return None
            self.pending += data
        size = int.from_bytes(self.pending[:3], "big")
        kind, flags, stream = struct.unpack("!BBI", self.pending[3:9])
        payload, self.pending = self.pending[9:9 + size], self.pending[9 + size:]
        if size > 16384:
            raise ProtocolError(f"a frame of {size} bytes")
        self.take(kind, flags, stream, payload)
        return kind, flags, stream, payload

    def take(self, kind, flags, stream, payload):
        if self.open_block is not None and (kind != CONTINUATION or stream != self.open_block[0]):
            raise ProtocolError(f"frame {kind} inside a field block")
        if (kind in (DATA, HEADERS, RST_STREAM, CONTINUATION)) != bool(stream) and kind not in (
                WINDOW_UPDATE, PRIORITY_UPDATE):
            raise ProtocolError(f"frame {kind} on stream {stream}")
        if kind == SETTINGS and not flags & ACK:
            self.settings.update(struct.unpack_from("!HI", payload, at) for at in range(0, len(payload), 6))
            self.frame(SETTINGS, ACK)
        elif kind == SETTINGS:
            self.acked += 1
        elif kind == PING and not flags & ACK:
            self.frame(PING, ACK, 0, payload)
        elif kind == PING:
            self.pongs.append(payload)
        elif kind == GOAWAY:
            self.goaways.append(struct.unpack("!II", payload[:8]))
        elif kind == RST_STREAM:
            self.resets[stream] = struct.unpack("!I", payload)[0]
            self.ended.add(stream)
        elif kind == WINDOW_UPDATE:
            self.window_updates[stream] = self.window_updates.get(stream, 0) + struct.unpack("!I", payload)[0]
        elif kind == DATA:
            self.take_data(flags, stream, payload)
        elif kind == HEADERS:
            self.open_block = [stream, flags, payload]
            self.end_block(flags)
        elif kind == CONTINUATION:
            self.open_block[2] += payload
            self.end_block(flags)

    def take_data(self, flags, stream, payload):
        answer = self.answers.get(stream)
        if stream in self.ended or answer is None or answer.status is None:
            raise ProtocolError(f"DATA where stream {stream} has none")
        answer.body += payload
        answer.pieces.append(len(payload))
        if self.credit and payload:
            self.update(0, len(payload))
            if not flags & END_STREAM:
                self.update(stream, len(payload))
        if flags & END_STREAM:
            self.end(stream)

    def end_block(self, flags):
        if not flags & END_HEADERS:
            return
        (stream, flags, payload), self.open_block = self.open_block, None
        fields = [(n, v) for n, v in self.decoder.decode(payload, raw=True)]
        fields = [(n.decode("latin-1"), v.decode("latin-1")) for n, v in fields]
        answer = self.answers.setdefault(stream, Answer())
        if stream in self.ended:
            raise ProtocolError(f"HEADERS on stream {stream}, which has ended")
        check_fields(fields, trailers=answer.status is not None)
        if answer.status is not None:
            if not flags & END_STREAM:
                raise ProtocolError("trailers that do not end the stream")
            answer.trailers = fields
        elif int(fields[0][1]) < 200:
            answer.interim.append((int(fields[0][1]), fields[1:]))
        else:
            answer.status, answer.fields = int(fields[0][1]), fields[1:]
        if flags & END_STREAM:
            self.end(stream)

    def end(self, stream):
        self.ended.add(stream)
        answer, length = self.answers[stream], self.answers[stream].get("content-length")
        if length is not None and self.methods.get(stream) != "HEAD" and answer.status != 304 \
                and int(length) != len(answer.body):
            raise ProtocolError(f"content-length {length} and {len(answer.body)} bytes")
        answer.line = f"HTTP/2 {answer.status}"
        check_answer(answer)
        if answer.get("date") and not DATE.match(answer.get("date")):
            raise ProtocolError(f"date {answer.get('date')}")

    # -- what tests wait for

    def until(self, what, condition):
        """Read frames until condition() is true."""
        while not condition():
            if self.read() is None:
                raise GoneAway(self.goaways[-1][1] if self.goaways else None)

    def response(self, stream):
        """The whole answer on a stream; Reset or GoneAway where there is none."""
        self.until("the answer", lambda: stream in self.ended)
        answer = self.answers.get(stream)
        if stream in self.resets and (answer is None or answer.status is None or
                                      self.resets[stream] != NO_ERROR):
            raise Reset(self.resets[stream])
        return answer

    def get(self, path="/", **more):
        return self.response(self.request(path, **more))

    def reset_of(self, stream):
        """The code by which the server resets the stream."""
        self.until("a reset", lambda: stream in self.resets)
        return self.resets[stream]

    def goaway(self):
        """The code by which the server ends the connection; None if it says nothing before."""
        while self.read() is not None:
            pass
        return self.goaways[-1][1] if self.goaways else None

    def synchronise(self):
        """Everything sent so far has been read by the server: it answers a PING behind it."""
        have = len(self.pongs)
        self.frame(PING, 0, 0, b"\0" * 8)
        self.until("the pong", lambda: len(self.pongs) > have)


def check_fields(fields, trailers):
    """What holds for every block of fields that a server sends."""
    names = [n for n, _ in fields]
    if trailers != (":status" not in names) or any(n.startswith(":") for n in names[not trailers:]):
        raise ProtocolError(f"pseudo-fields out of place: {fields}")
    if not trailers and not re.fullmatch(r"[1-5]\d\d", fields[0][1]):
        raise ProtocolError(f"status {fields[0][1]!r}")
    for name, value in fields:
        if not re.fullmatch(r":?[!#$%&'*+.^_`|~0-9a-z-]+", name) or name in OF_CONNECTION:
            raise ProtocolError(f"field {name!r}")
        if re.search(r"[\x00-\x08\x0a-\x1f\x7f]|^[ \t]|[ \t]$", value):
            raise ProtocolError(f"value {value!r} of {name}")


def fetch(port, path="/", **more):
    """One request on a connection of its own."""
    with Http2(port) as conn:
        return conn.get(path, **more)

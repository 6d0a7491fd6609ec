"""An HTTP/1.1 client over a plain socket, strict about what a server may send.

It exists because http.client mends and hides what these tests look for. Every answer
is held against the rules that all answers obey (RFC 9112 4, 5, 6; RFC 9110 5.5, 6.6.1);
an answer that breaks one raises ProtocolError, whatever the test was about.
"""

import os
import re
import socket
import struct
import time

TIMEOUT = float(os.environ.get("WEIR_TIMEOUT", 30))      # seconds without an answer: a failure
TOKEN = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+\Z")
STATUS_LINE = re.compile(rb"HTTP/1\.1 ([1-9][0-9][0-9]) ([\t\x20-\x7e\x80-\xff]*)\Z")
DATE = re.compile(r"(Mon|Tue|Wed|Thu|Fri|Sat|Sun), [0-3]\d (Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|"
                  r"Oct|Nov|Dec) \d{4} [0-2]\d:[0-5]\d:[0-6]\d GMT\Z")
METHOD = re.compile(rb"(?m)^([!#$%&'*+.^_`|~0-9A-Za-z-]+) [^\r\n]* HTTP/\d\.\d\r?$")


class ProtocolError(AssertionError):
    """The server sent what no HTTP/1.1 server may send."""


class Closed(AssertionError):
    """The connection ended where an answer was expected."""


class Response:
    """One answer: status, reason, fields (name, value) in order, body, trailers, raw head."""

    def __init__(self, status, reason, fields, head):
        self.status, self.reason, self.fields, self.head = status, reason, fields, head
        self.body, self.trailers, self.chunks = b"", [], []
        self.ended_by_close = False

    def all(self, name):
        return [v for n, v in self.fields if n.lower() == name.lower()]

    def get(self, name, default=None):
        values = self.all(name)
        return values[0] if values else default

    @property
    def line(self):
        return self.head.split(b"\r\n", 1)[0].decode("latin-1")

    def __repr__(self):
        body = self.body if len(self.body) <= 300 else self.body[:300] + b"..."
        return f"{self.head.decode('latin-1')}{body!r}"


def parse_fields(lines, where):
    """Field lines to (name, value) pairs; a line outside RFC 9112 5 is an error."""
    fields = []
    for line in lines:
        name, colon, value = line.partition(b":")
        if not colon or not TOKEN.match(name):
            raise ProtocolError(f"{where}: no field line: {line!r}")
        value = value.strip(b" \t")
        if re.search(rb"[\x00-\x08\x0a-\x1f\x7f]", value):
            raise ProtocolError(f"{where}: control byte in {line!r}")
        fields.append((name.decode("latin-1"), value.decode("latin-1")))
    return fields


class Connection:
    """One TCP (or Unix socket) connection; answers are read one at a time, in order."""

    def __init__(self, address, timeout=TIMEOUT, source=None):
        if isinstance(address, int):
            address = ("127.0.0.1", address)
        self.address = address
        if isinstance(address, str):
            self.sock = socket.socket(socket.AF_UNIX)
            self.sock.settimeout(timeout)
            self.sock.connect(address)
        else:
            self.sock = socket.create_connection(address, timeout=timeout, source_address=source)
            self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.timeout, self.pending, self.methods, self.eof = timeout, b"", [], False

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.sock.close()

    def send(self, data, piece=0, methods=None):
        """Send data, in pieces of `piece` bytes that the server reads one by one."""
        self.methods += METHOD.findall(data) if methods is None else methods
        try:
            if not piece:
                self.sock.sendall(data)
                return
            watch = ReceiveQueue(self.sock)
            for at in range(0, len(data), piece):
                self.sock.sendall(data[at:at + piece])
                watch.wait_empty(self.timeout)
        except (BrokenPipeError, ConnectionResetError):
            pass                        # the server may refuse before all is sent; its answer decides

    def fill(self):
        """Read once; False at the end of the connection."""
        if self.eof:
            return False
        try:
            data = self.sock.recv(262144)
        except ConnectionResetError:
            data = b""
        except socket.timeout:
            raise AssertionError(f"no answer in {self.timeout} s; so far {self.pending[:200]!r}")
        self.eof = not data
        self.pending += data
        return bool(data)

    def until(self, mark):
        """The bytes up to and with mark."""
        while mark not in self.pending:
            if not self.fill():
                raise Closed(f"closed; unfinished: {self.pending[:300]!r}")
        at = self.pending.index(mark) + len(mark)
        data, self.pending = self.pending[:at], self.pending[at:]
        return data

    def exactly(self, size):
        while len(self.pending) < size:
            if not self.fill():
                raise ProtocolError(f"closed after {len(self.pending)} of {size} bytes")
        data, self.pending = self.pending[:size], self.pending[size:]
        return data

    def response(self, method=None):
        """Read one answer, interim ones too. method: what it answers, if not known by send()."""
        head = self.until(b"\r\n\r\n")
        lines = head[:-4].split(b"\r\n")
        match = STATUS_LINE.match(lines[0])
        if not match:
            raise ProtocolError(f"status line {lines[0]!r}")
        if b"\n" in b"".join(lines):
            raise ProtocolError(f"bare LF in {head!r}")
        answer = Response(int(match[1]), match[2].decode("latin-1"),
                          parse_fields(lines[1:], "header"), head)
        if answer.status >= 200:
            known = self.methods.pop(0).decode() if self.methods else "GET"
            self.read_body(answer, method or known)
        check_answer(answer)
        return answer

    def read_body(self, answer, method):
        coding, length = answer.get("Transfer-Encoding"), answer.get("Content-Length")
        if method == "HEAD" or answer.status in (204, 304):
            return
        if coding is not None:
            self.read_chunks(answer)
        elif length is not None:
            answer.body = self.exactly(int(length))
        else:
            while self.fill():
                pass
            answer.body, self.pending, answer.ended_by_close = self.pending, b"", True

    def read_chunks(self, answer):
        while True:
            line = self.until(b"\r\n")[:-2]
            if not re.match(rb"[0-9A-Fa-f]{1,16}\Z", line):
                raise ProtocolError(f"chunk line {line!r}")
            size = int(line, 16)
            if size == 0:
                break
            answer.chunks.append(size)
            answer.body += self.exactly(size)
            if self.exactly(2) != b"\r\n":
                raise ProtocolError("chunk data not followed by CRLF")
        lines = []
        while (line := self.until(b"\r\n")[:-2]):
            lines.append(line)
        answer.trailers = parse_fields(lines, "trailer")

    def get(self, path, method="GET", host="a", fields=(), body=b"", piece=0):
        """Send one request and read its final answer."""
        lines = [f"{method} {path} HTTP/1.1", f"Host: {host}", *fields]
        if body:
            lines.append(f"Content-Length: {len(body)}")
        self.send("\r\n".join([*lines, "", ""]).encode("latin-1") + body, piece, [method.encode()])
        answer = self.response()
        while answer.status < 200:
            answer = self.response()
        return answer

    def expect_closed(self):
        """The server ends the connection, having sent nothing more."""
        while self.fill():
            pass
        if self.pending:
            raise ProtocolError(f"bytes before the close: {self.pending[:300]!r}")
        self.sock.close()               # so that a server that lingers is done, too

    def expect_kept(self):
        """The connection takes a further request."""
        self.methods = []
        try:
            self.send(b"GET /kept HTTP/1.1\r\nHost: a\r\n\r\n")
            self.response()
        except (Closed, OSError) as error:
            raise AssertionError(f"connection was not kept: {error}")


def check_answer(answer):
    """What holds for every answer of every server."""
    lengths = answer.all("Content-Length")
    if len(lengths) > 1:
        raise ProtocolError(f"two lengths in {answer!r}")
    if lengths and not re.match(r"[0-9]+\Z", lengths[0]):
        raise ProtocolError(f"Content-Length {lengths[0]!r}")
    if lengths and answer.all("Transfer-Encoding"):
        raise ProtocolError(f"a length and a coding in {answer!r}")
    if (answer.status < 200 or answer.status == 204) and (
            lengths or answer.all("Transfer-Encoding")):
        raise ProtocolError(f"framing in a {answer.status}: {answer!r}")
    for name in ("Date", "Server", "Content-Type", "ETag", "Last-Modified", "Location",
                 "Content-Range", "Connection", "Transfer-Encoding"):
        if len(answer.all(name)) > 1:
            raise ProtocolError(f"{name} twice in {answer!r}")
    if answer.status >= 200 and not answer.get("Date"):
        raise ProtocolError(f"no Date in {answer!r}")
    for name in ("Date", "Last-Modified"):
        if answer.get(name) is not None and not DATE.match(answer.get(name)):
            raise ProtocolError(f"{name} is no IMF-fixdate in {answer!r}")


class ReceiveQueue:
    """Tells, by inet_diag, when the server has read all bytes of one connection."""

    def __init__(self, sock):
        family = sock.family
        (here, near), (there, far) = sock.getsockname()[:2], sock.getpeername()[:2]
        pack = lambda text: socket.inet_pton(family, text).ljust(16, b"\0")
        identity = struct.pack("!HH", far, near) + pack(there) + pack(here)
        body = struct.pack("=BBBxI", family, socket.IPPROTO_TCP, 0, 0xffffffff)
        body += identity + struct.pack("=I", 0) + b"\xff" * 8
        self.question = struct.pack("=IHHII", 16 + len(body), 20, 1, 1, 0) + body
        self.netlink = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 4)

    def unread(self):
        self.netlink.send(self.question)
        answer = self.netlink.recv(8192)
        if struct.unpack_from("=IHHII", answer)[1] != 20:
            return 0                    # the server has let go of the connection
        return struct.unpack_from("=I", answer, 16 + 4 + 48 + 4)[0]

    def wait_empty(self, seconds):
        limit = time.monotonic() + seconds
        while self.unread():
            if time.monotonic() > limit:
                return                  # it stopped reading on purpose: its answer decides


def fetch(address, path="/", method="GET", host="a", fields=(), body=b"", timeout=TIMEOUT):
    """One request on a connection of its own."""
    with Connection(address, timeout) as conn:
        return conn.get(path, method, host, ["Connection: close", *fields], body)


def fetch_or_none(address, path="/"):
    """As fetch; None where the connection ended without an answer. For waiting until a server serves again."""
    try:
        return fetch(address, path)
    except (Closed, OSError):
        return None

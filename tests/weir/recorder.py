"""A server behind the server: takes requests apart as they come, keeps them, and answers as a test says.

    with Origin(lambda request: answer(b"hello")) as origin:
        ...
        assert origin.requests[0].get("Host") == "a"

An answer is bytes, or a generator of bytes and of pauses (a float; an event to wait for). What a test returns None for is
closed without an answer.
"""

import socket
import threading
import time

from weir.wire import parse_fields


class Request:
    """One request as it arrived: line, fields (name, value) in order, body, trailers."""

    def __init__(self, head, connection):
        lines = head[:-4].split(b"\r\n")
        self.head, self.connection = head, connection
        self.line = lines[0].decode("latin-1")
        self.method, rest = self.line.split(" ", 1)
        self.target, self.version = rest.rsplit(" ", 1)    # a server may send blanks within
        self.fields = parse_fields(lines[1:], "a request to the origin")
        self.body, self.trailers, self.whole = b"", [], True

    def all(self, name):
        return [v for n, v in self.fields if n.lower() == name.lower()]

    def get(self, name, default=None):
        values = self.all(name)
        return values[0] if values else default

    def __repr__(self):
        return f"{self.head.decode('latin-1')}{self.body[:300]!r}"


def answer(body=b"ok", status="200 OK", fields=(), length=True):
    """A response in bytes; length=None: without Content-Length."""
    head = [f"HTTP/1.1 {status}"] + [f"{n}: {v}" for n, v in fields]
    if length is True:
        head.append(f"Content-Length: {len(body)}")
    return "\r\n".join(head).encode("latin-1") + b"\r\n\r\n" + body


def chunked(*pieces, fields=(), trailers=(), status="200 OK"):
    """The same in chunks."""
    head = answer(b"", status, (("Transfer-Encoding", "chunked"), *fields), length=None)
    body = b"".join(b"%x\r\n%s\r\n" % (len(p), p) for p in pieces)
    return head + body + b"0\r\n" + "".join(f"{n}: {v}\r\n" for n, v in trailers).encode() + b"\r\n"


class Origin:
    """Listens on a port of its own (or at a Unix socket); a thread a connection."""

    def __init__(self, script=None, path=None, early=False):
        self.script = script or (lambda request: answer())
        self.requests, self.connections, self.early = [], 0, early
        self.broken = []                # connections that ended while we wrote: (request, bytes written)
        if path:
            self.sock = socket.socket(socket.AF_UNIX)
            self.sock.bind(path)
        else:
            self.sock = socket.create_server(("127.0.0.1", 0))
        self.sock.listen(64)
        self.port = None if path else self.sock.getsockname()[1]
        self.open, self.ended = [], False
        threading.Thread(target=self.accept, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def stop(self):
        self.ended = True
        for sock in [self.sock] + self.open:
            try:
                sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            sock.close()

    def accept(self):
        while not self.ended:
            try:
                sock, _ = self.sock.accept()
            except OSError:
                return
            self.open.append(sock)
            self.connections += 1
            threading.Thread(target=self.serve, args=(sock, self.connections), daemon=True).start()

    def serve(self, sock, number):
        stream = sock.makefile("rb")
        try:
            while self.serve_one(sock, stream, number):
                pass
        except OSError:
            pass
        finally:
            stream.close()
            sock.close()

    def serve_one(self, sock, stream, number):
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            line = stream.readline()
            if not line:
                return False
            head += line
        request = Request(head, number)
        request.sock, request.stream = sock, stream
        if not self.early:
            read_body(request, stream)
        self.requests.append(request)
        said = self.script(request)
        if said is None:
            return False
        for piece in [said] if isinstance(said, bytes) else said:
            if isinstance(piece, float):
                time.sleep(piece)
            elif isinstance(piece, threading.Event):
                piece.wait(15)
            else:
                try:
                    sock.sendall(piece)
                except OSError:
                    self.broken.append(request)
                    raise
        if request.get("Upgrade") or getattr(request, "last", False):
            return False
        return stays_open(request)


def stays_open(request):
    """Does the connection stay, as the answer, which says nothing of it, lets one think? [RFC 9112 9.3]"""
    wish = (request.get("Connection") or "").lower()
    return wish == "keep-alive" if request.version == "HTTP/1.0" else wish != "close"


def read_body(request, stream):
    if "chunked" in (request.get("Transfer-Encoding") or ""):
        while True:
            line = stream.readline()
            if not line:
                request.whole = False
                return
            size = int(line.split(b";")[0], 16)
            if size == 0:
                break
            request.body += stream.read(size)
            stream.read(2)
        lines = []
        while (line := stream.readline()) not in (b"\r\n", b""):
            lines.append(line.rstrip(b"\r\n"))
        request.trailers = parse_fields(lines, "trailers to the origin")
    elif request.get("Content-Length"):
        length = int(request.get("Content-Length"))
        request.body = stream.read(length)
        request.whole = len(request.body) == length

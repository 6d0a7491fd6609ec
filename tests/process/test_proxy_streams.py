"""Proxying: bodies on their way, slow ends, cuts, tunnels, files.  [nginx ngx_http_proxy_module; reliability 3]"""

import base64
import hashlib
import itertools
import os
import socket
import struct
import threading
import time

import pytest

from weir.recorder import Origin, answer, chunked
from weir.server import status_kb, title, wait_for
from weir.wire import Closed, Connection, ProtocolError, fetch

weir_only = pytest.mark.weir_only
HEAD = b"HTTP/1.1 200 OK\r\n"


def proxy(make_server, origin, more="", **parts):
    return make_server(f"location / {{ proxy_pass http://127.0.0.1:{origin.port}; {more} }}", **parts).start()


def piece_of(n, i=0):
    return bytes((i + k) % 251 for k in range(n))


# ---- Bodies of replies. ----

@pytest.mark.parametrize("size", [0, 1, 8191, 100_000, 3_000_000])
@pytest.mark.parametrize("buffering", ["on", "off"])
@pytest.mark.parametrize("how", ["length", "chunks", "close"])
def test_a_body_passes_whole(make_server, size, buffering, how):
    body = piece_of(size)
    def script(request):
        if how == "length":
            return answer(body)
        if how == "chunks":
            return chunked(*(body[i:i + 7000] for i in range(0, size, 7000)))
        request.last = True
        return answer(body, length=None)
    with Origin(script) as origin:
        server = proxy(make_server, origin, f"proxy_buffering {buffering};")
        got = fetch(server.port)
        assert got.status == 200 and got.body == body
        if how == "length":
            assert got.get("Content-Length") == str(size)


@weir_only
@pytest.mark.parametrize("said", [
    HEAD + b"Content-Length: 10\r\n\r\nabc",
    HEAD + b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
    HEAD + b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nzz\r\n",
    HEAD + b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n",
])
@pytest.mark.parametrize("buffering", ["on", "off"])
@pytest.mark.parametrize("version", ["1.1", "1.0"])
def test_a_body_that_is_cut_is_seen_as_cut(make_server, said, buffering, version):
    def script(request):
        request.last = True
        return said
    with Origin(script) as origin:
        server = proxy(make_server, origin, f"proxy_buffering {buffering};")
        with Connection(server.port) as c:
            c.send(f"GET / HTTP/{version}\r\nHost: a\r\n\r\n".encode())
            head = c.until(b"\r\n\r\n")
            reset = False
            try:
                while data := c.sock.recv(65536):
                    c.pending += data
            except ConnectionResetError:
                reset = True
            if b"chunked" in head:
                assert not c.pending.endswith(b"0\r\n\r\n")
            elif b"Content-Length" in head:
                assert len(c.pending) < 10
            else:
                assert reset, "an HTTP/1.0 client took a cut body for a whole one"


def test_an_unbuffered_body_passes_piece_by_piece(make_server):
    go = threading.Event()
    with Origin(lambda r: iter([HEAD + b"Content-Length: 6\r\n\r\nabc", go, b"def"])) as origin:
        server = proxy(make_server, origin, "proxy_buffering off;")
        with Connection(server.port) as c:
            c.sock.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            c.until(b"abc")
            go.set()
            c.until(b"def")


@weir_only
@pytest.mark.parametrize("fields", [b"Content-Type: text/event-stream\r\n", b"Content-Type: text/a\r\nX-Accel-Buffering: no\r\n"])
def test_events_are_not_held_back_by_filters(make_server, fields):
    go = threading.Event()
    with Origin(lambda r: iter([HEAD + fields + b"Transfer-Encoding: chunked\r\n\r\n9\r\ndata: 1\n\n\r\n", go,
                                b"0\r\n\r\n"])) as origin:
        server = proxy(make_server, origin, "gzip on; gzip_types *; gzip_proxied any;")
        with Connection(server.port) as c:
            c.sock.sendall(b"GET / HTTP/1.1\r\nHost: a\r\nAccept-Encoding: gzip\r\n\r\n")
            head = c.until(b"\r\n\r\n")
            assert b"Content-Encoding: gzip" in head
            import zlib
            coder, text = zlib.decompressobj(31), b""
            while b"data: 1\n\n" not in text:
                size = int(c.until(b"\r\n"), 16)
                text += coder.decompress(c.exactly(size))
                c.exactly(2)
            go.set()
            while c.fill():
                if b"0\r\n\r\n" in c.pending:
                    break


class Slow:
    """An origin that sends `total` bytes as fast as they are taken, and counts them."""

    def __init__(self, total):
        self.total, self.sent, self.done = total, 0, threading.Event()

    def __call__(self, request):
        self.sent = 0
        yield HEAD + b"Content-Length: %d\r\n\r\n" % self.total
        block = piece_of(251 * 256)
        while self.sent < self.total:
            n = min(len(block), self.total - self.sent)
            yield block[:n]
            self.sent += n
        self.done.set()

    def held_up(self):
        """How much was sent when no more was taken."""
        before = -1
        while before != self.sent:
            before = self.sent
            self.done.wait(0.6)
        return before


def read_all(c, total):
    """Read a body of total bytes; True if they are those of Slow."""
    block, at, right = piece_of(251 * 256), 0, True
    while at < total:
        if not c.pending:
            assert c.fill(), f"closed at {at} of {total}"
        data, c.pending = c.pending, b""
        data = data[:total - at]
        want = (block * (len(data) // len(block) + 2))[at % len(block):]
        right = right and want[:len(data)] == data
        at += len(data)
    return right


@weir_only
@pytest.mark.parametrize("more", ["proxy_buffering off;", "proxy_max_temp_file_size 0;"])
def test_a_slow_client_stops_the_upstream(make_server, more):
    total = 64 << 20
    slow = Slow(total)
    with Origin(slow) as origin:
        server = proxy(make_server, origin, more)
        with Connection(server.port) as c:
            c.sock.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            c.until(b"\r\n\r\n")
            assert slow.held_up() < total
            assert status_kb(server.process.pid, "VmHWM") < 60_000
            assert read_all(c, total)


@weir_only
def test_a_slow_client_does_not_keep_the_upstream_while_the_file_has_room(make_server):
    total = 24 << 20
    slow = Slow(total)
    with Origin(slow) as origin:
        server = proxy(make_server, origin)
        with Connection(server.port) as c:
            c.sock.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            c.until(b"\r\n\r\n")
            assert slow.done.wait(30), f"only {slow.sent} bytes were taken"
            assert status_kb(server.process.pid, "VmHWM") < 60_000
            assert read_all(c, total)
    assert "buffered to a temporary file" in server.log()
    assert os.listdir(os.path.join(server.prefix, "proxy_temp")) == []


@weir_only
def test_a_client_that_is_slow_and_steady_does_not_keep_the_upstream_either(make_server):
    total = 32 << 20
    slow = Slow(total)
    with Origin(slow) as origin:
        server = proxy(make_server, origin)
        with Connection(server.port) as c:
            c.sock.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            c.until(b"\r\n\r\n")
            taken = len(c.pending)
            while taken < total and not slow.done.wait(0.2):        # a MiB a second
                taken += len(c.sock.recv(256 << 10))
            assert taken < 20 << 20


@weir_only
def test_the_temporary_file_has_a_limit(make_server):
    total = 64 << 20
    slow = Slow(total)
    with Origin(slow) as origin:
        server = proxy(make_server, origin, "proxy_max_temp_file_size 1m;")
        with Connection(server.port) as c:
            c.sock.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            c.until(b"\r\n\r\n")
            assert slow.held_up() < 20 << 20
            assert read_all(c, total)


@weir_only
def test_a_fast_client_needs_no_file(make_server):
    total = 32 << 20
    with Origin(Slow(total)) as origin:
        server = proxy(make_server, origin)
        with Connection(server.port) as c:
            c.sock.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            c.until(b"\r\n\r\n")
            assert read_all(c, total)
    assert "temporary file" not in server.log()


def test_a_rate_limits_reading_from_the_upstream(make_server):
    with Origin(lambda r: answer(piece_of(30_000))) as origin:
        server = proxy(make_server, origin, "proxy_limit_rate 10k;")
        begin = time.monotonic()
        assert fetch(server.port).body == piece_of(30_000)
        assert time.monotonic() - begin > 1.5


# ---- Ends that go. ----

def test_a_client_that_goes_ends_the_exchange(make_server):
    ended = threading.Event()
    def script(request):
        if request.sock.recv(1) == b"":
            ended.set()
    with Origin(script) as origin:
        server = proxy(make_server, origin)
        c = Connection(server.port)
        c.sock.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        wait_for("the origin", lambda: origin.requests)
        c.close()
        assert ended.wait(30)


@weir_only
def test_a_client_that_goes_in_an_idle_stream_ends_the_exchange(make_server):
    ended = threading.Event()
    def script(request):
        request.sock.sendall(HEAD + b"Content-Type: text/event-stream\r\n\r\ndata: 1\n\n")
        if request.sock.recv(1) == b"":
            ended.set()
    with Origin(script) as origin:
        server = proxy(make_server, origin)
        with Connection(server.port) as c:
            c.sock.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            c.until(b"data: 1\n\n")
        assert ended.wait(30)


@pytest.mark.parametrize("reset", [False, True])
def test_a_client_that_goes_can_be_ignored(make_server, reset):
    go, done = threading.Event(), threading.Event()
    def script(request):
        yield go
        yield answer(piece_of(2_000_000))
        done.set()
    with Origin(script) as origin:
        server = proxy(make_server, origin, "proxy_ignore_client_abort on;")
        c = Connection(server.port)
        c.sock.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        wait_for("the origin", lambda: origin.requests)
        if reset:
            c.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        c.close()
        time.sleep(0.1)
        go.set()
        assert done.wait(30)
        assert not origin.broken


@weir_only
def test_a_request_whose_client_has_gone_knows_where_it_came_to(make_server):
    go = threading.Event()
    def script(request):
        yield go
        yield answer()
    with Origin(script) as origin:
        server = proxy(make_server, origin, "proxy_ignore_client_abort on; access_log logs/where.log where;",
                       http="log_format where '$server_addr:$server_port $remote_addr $upstream_status';",
                       listen="listen %PORT%;")
        log = server.prefix / "logs/where.log"
        c = Connection(server.port)
        c.sock.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        wait_for("the origin", lambda: origin.requests)
        c.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        c.close()                       # the server is told before the answer comes
        go.set()
        wait_for("the line", lambda: log.exists() and log.read_text())
        assert log.read_text() == f"127.0.0.1:{server.port} 127.0.0.1 200\n"


FALLBACK = ("location / {{ proxy_pass http://127.0.0.1:%PORT2%; proxy_request_buffering off; error_page 502 {to}; }}"
            "location {to} {{ proxy_pass http://127.0.0.1:{port}; {more} }}")


@weir_only
@pytest.mark.parametrize("more", ["", "proxy_request_buffering off;", "proxy_set_body [$request_body];"])
def test_an_upload_that_was_passed_on_is_not_sent_to_another_location_without_its_body(make_server, more):
    with Origin() as origin:
        server = make_server(FALLBACK.format(to="@spare", port=origin.port, more=more)).start()
        got = fetch(server.port, "/", method="POST", body=b"x" * 200_000)
        assert got.status == 502 and not origin.requests
        assert "the request's body has been passed on already" in server.log()


@weir_only
@pytest.mark.parametrize("more", ["", "proxy_request_buffering off;"])
def test_an_error_page_from_elsewhere_does_not_need_the_upload(make_server, more):
    with Origin(lambda r: answer(b"sorry")) as origin:
        server = make_server(FALLBACK.format(to="/sorry", port=origin.port, more=more)).start()
        with Connection(server.port) as c:
            c.send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 200000\r\n\r\n" + b"x" * 200_000, methods=[b"POST"])
            got = c.response()
            assert got.status == 502 and got.body == b"sorry"
            assert c.get("/again").body == b"sorry"
        assert [r.method for r in origin.requests] == ["GET", "GET"] and origin.requests[0].body == b""


def test_a_worker_that_leaves_answers_what_is_proxied(make_server):
    go = threading.Event()
    with Origin(lambda r: iter([go, answer(b"late")])) as origin:
        server = proxy(make_server, origin, single=False)
        with Connection(server.port) as c:
            c.sock.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            wait_for("the origin", lambda: origin.requests)
            old = server.workers()
            server.kill(1)
            wait_for("it is leaving", lambda: any("shutting down" in title(pid) for pid in old))
            go.set()
            c.methods.append(b"GET")
            assert c.response().body == b"late"


# ---- Tunnels. ----

def echo_upper(request):
    """Grant the upgrade, and send back what comes in upper case; "bye" ends it."""
    request.sock.sendall(b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\nhi\n")
    while data := request.sock.recv(65536):
        if data == b"bye":
            return None
        request.sock.sendall(data.upper())
    request.sock.sendall(b"END")
    return None


CLASSIC = "proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection upgrade; proxy_http_version 1.1;"


@pytest.mark.parametrize("more", [pytest.param("", marks=weir_only), CLASSIC])
def test_an_upgrade_makes_a_tunnel(make_server, more):
    with Origin(echo_upper) as origin:
        server = proxy(make_server, origin, more)
        with Connection(server.port) as c:
            c.sock.sendall(b"GET /ws HTTP/1.1\r\nHost: a\r\nUpgrade: echo\r\nConnection: keep-alive, Upgrade\r\n\r\n")
            head = c.until(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 101 ") and b"Upgrade: echo\r\n" in head
            assert c.until(b"hi\n") == b"hi\n"
            for text in (b"abc", b"x" * 500_000):
                c.sock.sendall(text)
                assert c.exactly(len(text)) == text.upper()
            c.sock.sendall(b"bye")
            assert not c.fill()
        assert origin.requests[0].get("Upgrade") == "echo"


@weir_only
def test_a_tunnels_client_may_end_its_side_first(make_server):
    with Origin(echo_upper) as origin:
        server = proxy(make_server, origin)
        with Connection(server.port) as c:
            c.sock.sendall(b"GET /ws HTTP/1.1\r\nHost: a\r\nUpgrade: echo\r\nConnection: Upgrade\r\n\r\nearly")
            c.until(b"hi\n")
            assert c.exactly(5) == b"EARLY"
            c.sock.shutdown(socket.SHUT_WR)
            assert c.exactly(3) == b"END"
            assert not c.fill()


def pour(sock, data, sizes):
    """All of data in pieces of these sizes, in turn."""
    at = 0
    for n in itertools.cycle(sizes):
        if at >= len(data):
            return
        sock.sendall(data[at:at + n])
        at += n


def drink(sock, length, sizes, stall):
    """So many bytes, read in pieces of up to these sizes; stall(bytes so far) is called before each."""
    got = bytearray()
    for n in itertools.cycle(sizes):
        if len(got) == length:
            return bytes(got)
        stall(len(got))
        data = sock.recv(min(n, length - len(got)))
        assert data, f"the end after {len(got)} bytes"
        got += data


@weir_only
@pytest.mark.parametrize("slow", ["client", "upstream", "neither"])
def test_a_tunnels_bytes_keep_their_order_whoever_stalls(make_server, slow):
    up, down = piece_of(6_000_000), piece_of(5_000_001, 7)
    through = {"client": threading.Event(), "upstream": threading.Event()}
    seen = []

    def stall(end, other):
        """An end that is slow reads a little, and the rest once the other has all that is for it."""
        return lambda got: got > 100_000 and slow == end and through[other].wait(20)

    def both(request):
        request.sock.sendall(b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n")
        sender = threading.Thread(target=pour, args=(request.sock, down, (1, 128, 70_000, 9)))
        sender.start()
        seen.append(drink(request.sock, len(up), (300, 65_536), stall("upstream", "client")))
        through["upstream"].set()
        sender.join()
        request.sock.recv(1)

    with Origin(both) as origin:
        server = proxy(make_server, origin)
        with Connection(server.port) as c:
            c.sock.sendall(b"GET / HTTP/1.1\r\nHost: a\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n")
            head = b""
            while not head.endswith(b"\r\n\r\n"):
                head += c.sock.recv(1)
            sender = threading.Thread(target=pour, args=(c.sock, up, (5, 40_000, 131)))
            sender.start()
            assert drink(c.sock, len(down), (65_536, 77), stall("client", "upstream")) == down
            through["client"].set()
            sender.join()
            assert through["upstream"].wait(20)
        assert seen[0] == up


@weir_only
@pytest.mark.parametrize("fields, conf", [
    (b"Upgrade: h2c\r\nConnection: upgrade\r\n", ""), (b"Upgrade: echo\r\n", ""),
    (b"Upgrade: echo\r\nConnection: upgrade\r\n", "proxy_upgrade off;"),
    (b"Upgrade: echo\r\nConnection: upgrade\r\n", "proxy_http_version 1.0;"),
])
def test_what_is_no_upgrade_stays_a_request(make_server, fields, conf):
    with Origin() as origin:
        server = proxy(make_server, origin, conf)
        with Connection(server.port) as c:
            c.send(b"GET / HTTP/1.1\r\nHost: a\r\n" + fields + b"\r\n", methods=[b"GET"])
            assert c.response().status == 200
        assert origin.requests[0].get("Upgrade") is None


@weir_only
def test_an_upgrade_that_is_refused_is_an_answer(make_server):
    with Origin(lambda r: answer(b"no")) as origin:
        server = proxy(make_server, origin)
        with Connection(server.port) as c:
            c.send(b"GET / HTTP/1.1\r\nHost: a\r\nUpgrade: echo\r\nConnection: upgrade\r\n\r\n", methods=[b"GET"])
            assert c.response().body == b"no"


@weir_only
def test_a_101_that_nobody_asked_for_is_502(make_server):
    with Origin(echo_upper) as origin:
        assert fetch(proxy(make_server, origin).port).status == 502


@weir_only
def test_a_tunnel_in_which_nobody_speaks_ends(make_server):
    with Origin(echo_upper) as origin:
        server = proxy(make_server, origin, "proxy_read_timeout 2s;")
        with Connection(server.port) as c:
            c.sock.sendall(b"GET /ws HTTP/1.1\r\nHost: a\r\nUpgrade: echo\r\nConnection: Upgrade\r\n\r\n")
            c.until(b"hi\n")
            begin = time.monotonic()
            for _ in range(5):
                time.sleep(0.5)
                c.sock.sendall(b"still")
                assert c.exactly(5) == b"STILL"
            assert not c.fill()
            assert time.monotonic() - begin > 4


@weir_only
def test_a_websocket_passes_without_settings(make_server):
    websockets = pytest.importorskip("websockets")
    import asyncio

    async def talk():
        async def echo(socket):
            async for message in socket:
                await socket.send(message)
        async with websockets.serve(echo, "127.0.0.1", 0) as origin:
            port = origin.sockets[0].getsockname()[1]
            server = await asyncio.to_thread(lambda: make_server(
                f"location / {{ proxy_pass http://127.0.0.1:{port}; }}").start())
            async with websockets.connect(f"ws://127.0.0.1:{server.port}/chat", max_size=None) as client:
                for message in ("hello", "x" * 70_000, b"\0" * 200_000):
                    await client.send(message)
                    assert await client.recv() == message
    asyncio.run(talk())


def test_the_time_for_a_head_ends_with_the_head(make_server):
    def script(request):
        yield 1.5
        yield answer()
    with Origin(script) as origin:
        server = proxy(make_server, origin, http="client_header_timeout 1s; keepalive_timeout 1s;")
        with Connection(server.port) as c:
            c.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", piece=16)
            assert c.response().body == b"ok"


# ---- Connections that are kept. ----

@weir_only
@pytest.mark.parametrize("limit, connections", [("", 1), ("keepalive_requests 2;", 2), ("keepalive_requests 1;", 4),
                                                ("keepalive_timeout 0;", 4), ("keepalive_time 1ms;", 4)])
def test_a_kept_connection_has_its_limits(make_server, limit, connections):
    def script(request):
        yield 0.02                      # longer than the shortest of these times
        yield answer()
    with Origin(script) as origin:
        server = make_server("location / { proxy_pass http://up; } location = /metrics { metrics prometheus; }",
                             http=f"upstream up {{ server 127.0.0.1:{origin.port}; {limit} }}").start()
        assert [fetch(server.port).body for _ in range(4)] == [b"ok"] * 4
        assert origin.connections == connections
        counted = fetch(server.port, "/metrics").body.decode()
        for how, count in (("made", connections), ("reused", 4 - connections)):
            assert f'weir_upstream_connections_total{{origin="{how}"}} {count}\n' in counted


@weir_only
def test_a_kept_connection_ends_when_nobody_uses_it(make_server):
    with Origin() as origin:
        server = make_server("location / { proxy_pass http://up; }",
                             http=f"upstream up {{ server 127.0.0.1:{origin.port}; keepalive_timeout 100ms; }}").start()
        assert fetch(server.port).body == b"ok"
        wait_for("the end", lambda: origin.requests[0].stream.closed)
        assert fetch(server.port).body == b"ok" and origin.connections == 2


@weir_only
@pytest.mark.parametrize("begun, asked", [(b"HTTP/1.1 200 OK\r\nCont", 2), (b"", 3)])
def test_only_a_kept_connection_that_said_nothing_is_left_for_another(make_server, begun, asked):
    def script(request):
        if len(origin.requests) == 2:
            request.last = True
            return begun
        return answer()
    with Origin(script) as origin:
        server = make_server("location / { proxy_pass http://up; }",
                             http=f"upstream up {{ server 127.0.0.1:{origin.port}; }}").start()
        assert fetch(server.port).status == 200
        assert fetch(server.port).status == (502 if begun else 200)
        assert len(origin.requests) == asked and origin.connections == asked - 1


# ---- Files, subrequests, variables. ----

@weir_only
def test_replies_are_stored(make_server):
    with Origin(lambda r: answer(b"stored " + r.target.encode(),
                                 fields=[("Last-Modified", "Sun, 06 Nov 1994 08:49:37 GMT")])) as origin:
        server = proxy(make_server, origin, "proxy_store on; proxy_store_access user:rw group:r all:r; root store;")
        assert fetch(server.port, "/a/b").body == b"stored /a/b"
        path = os.path.join(server.prefix, "store/a/b")
        wait_for("the file", lambda: os.path.exists(path))
        with open(path, "rb") as f:
            assert f.read() == b"stored /a/b"
        found = os.stat(path)
        assert found.st_mode & 0o777 == 0o644 and found.st_mtime == 784111777
        assert os.stat(os.path.dirname(path)).st_mode & 0o777 == 0o755     # so that others get there


@weir_only
@pytest.mark.parametrize("place, kept", [("$document_root/kept$uri", ["b"]), ("$arg_none", []), ("/$arg_d/x/$uri/", [])])
def test_a_path_says_where_replies_are_stored(make_server, place, kept):
    with Origin(lambda r: answer(b"stored")) as origin:
        server = proxy(make_server, origin, f"proxy_store {place}; root store;")
        assert fetch(server.port, "/a/b?d=..").body == b"stored"
        if kept:
            path = os.path.join(server.prefix, "store/kept/a")
            wait_for("the file", lambda: os.path.isdir(path) and os.listdir(path) == kept)
            with open(os.path.join(path, "b"), "rb") as f:
                assert f.read() == b"stored"
        else:
            assert "proxy_store has no file for" in server.log()


@weir_only
def test_a_reply_that_is_cut_is_not_stored(make_server):
    def script(request):
        request.last = True
        return HEAD + b"Content-Length: 10\r\n\r\nabc"
    with Origin(script) as origin:
        server = proxy(make_server, origin, "proxy_store on; root store;")
        with Connection(server.port) as c:
            c.sock.sendall(b"GET /a/b HTTP/1.1\r\nHost: a\r\n\r\n")
            while c.fill():
                pass
        assert os.listdir(os.path.join(server.prefix, "store/a")) == []


@weir_only
@pytest.mark.parametrize("said, host", [("127.0.0.7", "127.0.0.7"), ("127.0.0.8:%PORT9%", "127.0.0.8"), ("", "127.0.0.1")])
def test_a_variable_says_where_connections_come_from(make_server, said, host):
    with Origin(lambda r: answer(str(r.sock.getpeername()[0]).encode())) as origin:
        server = proxy(make_server, origin, "proxy_bind $arg_from;")
        assert fetch(server.port, f"/?from={server.fill_in(said)}").body.decode() == host


@weir_only
def test_a_variable_that_is_no_address_is_said(make_server):
    with Origin() as origin:
        server = proxy(make_server, origin, "proxy_bind $arg_from;")
        assert fetch(server.port, "/?from=nonsense").status == 502 and origin.requests == []
        assert 'invalid local address "nonsense"' in server.log()


def test_variables_tell_about_the_upstream(make_server):
    with Origin() as origin:
        server = proxy(make_server, origin, "access_log logs/up.log up;",
                       http="log_format up '$proxy_host|$proxy_port|$upstream_addr|$upstream_status';")
        fetch(server.port)
        where = f"127.0.0.1:{origin.port}"
        wait_for("the log", lambda: os.path.getsize(os.path.join(server.prefix, "logs/up.log")))
        with open(os.path.join(server.prefix, "logs/up.log")) as f:
            assert f.read() == f"{where}|{origin.port}|{where}|200\n"

"""What a proxy needs of the server: bodies as they come, interim answers, tunnels, clients that go.  [RFC 9110 7.8, 15.2]"""

import socket
import struct
import time

import pytest

from weir.server import status_kb, wait_for
from weir.wire import Connection, ReceiveQueue, fetch

pytestmark = pytest.mark.weir_only
SEAMS = """client_max_body_size 64m;
           location / { return 200 "next"; } location = /piecewise { piecewise on; }
           location = /hints { hints on; } location = /tunnel { tunnel on; }
           location = /outlive { outlive on; }"""
UPGRADE = b"GET /tunnel HTTP/1.1\r\nHost: a\r\nUpgrade: echo\r\nConnection: upgrade\r\n\r\n"


@pytest.fixture
def server(make_server):
    return make_server(SEAMS, main="load_module %MODULE:seams%;").start()


def request_of(body, path="/piecewise", chunk=0):
    head = f"POST {path} HTTP/1.1\r\nHost: a\r\n".encode()
    if not chunk:
        return head + b"Content-Length: %d\r\n\r\n" % len(body) + body
    chunks = [body[i:i + chunk] for i in range(0, len(body), chunk)]
    return head + b"Transfer-Encoding: chunked\r\n\r\n" + \
        b"".join(b"%x\r\n%s\r\n" % (len(c), c) for c in chunks) + b"0\r\n\r\n"


@pytest.mark.parametrize("size", [0, 1, 1000, 16384, 16385, 300_000])
@pytest.mark.parametrize("chunk", [0, 997])
@pytest.mark.parametrize("hold", [0, 3])
def test_a_streamed_body_comes_whole_and_in_order(server, size, chunk, hold):
    body = bytes(i * 7 % 251 for i in range(size))
    with Connection(server.port) as c:
        c.send(request_of(body, f"/piecewise?hold={hold}", chunk), methods=[b"POST"])
        assert c.response().body == body
        assert c.get("/").body == b"next"


def test_a_body_in_single_bytes_is_streamed(server):
    with Connection(server.port) as c:
        c.send(request_of(b"abcdefghij", chunk=3), piece=1, methods=[b"POST"])
        assert c.response().body == b"abcdefghij"


def test_a_large_body_streams_both_ways_in_little_memory(server):
    """Neither side's slowness grows a buffer: the answer is not read until all that fits has been sent."""
    piece, total = bytes(65536), 48 << 20
    with Connection(server.port) as c:
        c.sock.sendall(b"POST /piecewise HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % total)
        c.sock.setblocking(False)
        sent, stuck = 0, 0
        while sent < total and stuck < 20:
            try:
                sent += c.sock.send(piece[:min(65536, total - sent)])
                stuck = 0
            except BlockingIOError:
                stuck += 1
                time.sleep(0.01)
        assert sent < total, "the server took all of a body whose answer nobody read"
        assert status_kb(server.process.pid, "VmHWM") < 80_000
        got = 0
        while got == 0 or sent < total or got < total:
            try:
                if sent < total:
                    sent += c.sock.send(piece[:min(65536, total - sent)])
            except BlockingIOError:
                pass
            try:
                data = c.sock.recv(262144)
                assert data
                got += len(data)
            except BlockingIOError:
                pass


def test_the_end_of_a_client_within_a_streamed_body_is_told(server):
    with Connection(server.port) as c:
        c.sock.sendall(b"POST /piecewise HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc")
        c.until(b"abc")
        c.sock.shutdown(socket.SHUT_WR)
        assert b"0\r\n\r\n" not in iter(lambda: c.fill() and c.pending, False)
    assert fetch(server.port).status == 200


def test_a_streamed_body_that_is_too_long_is_refused_by_its_length(make_server):
    server = make_server(SEAMS.replace("64m", "10"), main="load_module %MODULE:seams%;").start()
    assert fetch(server.port, "/piecewise", "POST", body=b"x" * 11).status == 413


def test_a_streamed_body_with_a_bad_chunk_is_cut(server):
    with Connection(server.port) as c:
        c.sock.sendall(b"POST /piecewise HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n")
        c.until(b"abc")
        c.sock.sendall(b"zz\r\n")
        while c.fill():
            pass
        assert not c.pending.endswith(b"0\r\n\r\n")


def test_early_hints_come_before_the_answer(server):
    with Connection(server.port) as c:
        c.send(b"GET /hints HTTP/1.1\r\nHost: a\r\n\r\n", methods=[b"GET"])
        assert c.until(b"\r\n\r\n") == \
            b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\n"
        assert c.response().body == b"ok"
        assert c.get("/").body == b"next"


def test_a_client_of_http_1_0_gets_no_interim_answer(server):
    with Connection(server.port) as c:
        c.send(b"GET /hints HTTP/1.0\r\n\r\n")
        assert c.response().body == b"ok"


def open_tunnel(server, first=b""):
    c = Connection(server.port)
    c.sock.sendall(UPGRADE + first)
    head = c.until(b"\r\n\r\n").decode()
    assert head.startswith("HTTP/1.1 101 Switching Protocols\r\n")
    assert "Upgrade: echo\r\n" in head and "Connection: upgrade\r\n" in head
    assert "Content-Length" not in head and "Transfer-Encoding" not in head
    return c


def test_a_tunnel_carries_bytes_both_ways(server):
    with open_tunnel(server) as c:
        for text in (b"hello", b"GET / HTTP/1.1\r\n\r\n", bytes(range(128)), b"x" * 300_000):
            c.sock.sendall(text)
            assert c.exactly(len(text)) == text.upper()
        c.sock.sendall(b"bye")
        assert c.until(b"bye") == b"bye"
        assert not c.fill()


def test_bytes_sent_right_behind_the_request_belong_to_the_tunnel(server):
    with open_tunnel(server, b"early") as c:
        assert c.exactly(5) == b"EARLY"


def test_a_tunnel_ends_when_its_client_shuts_its_side(server):
    with open_tunnel(server) as c:
        c.sock.sendall(b"last words")
        c.sock.shutdown(socket.SHUT_WR)
        assert c.exactly(10) == b"LAST WORDS"
        assert not c.fill()


def test_a_tunnel_that_is_reset_is_no_trouble(server):
    c = open_tunnel(server)
    c.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    c.close()
    assert fetch(server.port).status == 200


def test_a_request_of_http_1_0_cannot_become_a_tunnel(server):
    with Connection(server.port) as c:
        c.send(b"GET /tunnel HTTP/1.0\r\nUpgrade: echo\r\n\r\n")
        assert c.response().status == 400


def test_a_tunnel_lives_longer_than_the_timeouts_of_requests(make_server):
    server = make_server("client_body_timeout 1s; send_timeout 1s; client_header_timeout 1s;" + SEAMS,
                         main="load_module %MODULE:seams%;").start()
    with open_tunnel(server) as c:
        time.sleep(2.2)
        c.sock.sendall(b"still here")
        assert c.exactly(10) == b"STILL HERE"


@pytest.mark.parametrize("reset", [False, True])
def test_a_request_may_outlive_its_client(server, reset):
    c = Connection(server.port)
    c.sock.sendall(b"GET /outlive HTTP/1.1\r\nHost: a\r\n\r\n")
    wait_for("the request to be read", lambda: ReceiveQueue(c.sock).unread() == 0)
    if reset:
        c.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    c.close()
    wait_for("its end", lambda: "the request outlived its wait" in server.log())
    assert fetch(server.port).status == 200

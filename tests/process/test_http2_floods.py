"""HTTP/2 clients that cost much and mean nothing.

Each is ended by GOAWAY (ENHANCE_YOUR_CALM), or costs next to nothing; memory stays within a MiB of a connection,
and a good client beside it gets what it asks for.
"""

import re
import struct
import threading

import pytest

from weir.http2 import (CONTINUATION, DATA, END_HEADERS, END_STREAM, ENHANCE_YOUR_CALM, HEADERS, INITIAL_WINDOW, PING,
                        PRIORITY, PRIORITY_UPDATE, PROTOCOL_ERROR, RST_STREAM, SETTINGS, WINDOW_UPDATE, Http2, block,
                        frame, head, literal)
from weir.load import Load
from weir.server import BINARY, cpu_seconds, status_kb, wait_for

pytestmark = pytest.mark.weir_only
SANITIZED = "san" in BINARY


@pytest.fixture
def server(make_server):
    return make_server("http2 on; keepalive_requests 1000000; location / { } location /echo { echo on; }"
                       " location /big { }", main="load_module %MODULE:echo%;",
                       files={"a.txt": "hello", "big": b"x" * 4_000_000}).start()


GET = block(head("/a.txt"))
POST = block(head("/echo", method="POST"))


def rapid_reset(n):
    stream = 2 * n + 1
    return frame(HEADERS, END_HEADERS | END_STREAM, stream, GET) + frame(RST_STREAM, 0, stream, b"\0\0\0\x08")


def reset_uploads(n):
    stream = 2 * n + 1
    return frame(HEADERS, END_HEADERS, stream, POST) + frame(RST_STREAM, 0, stream, b"\0\0\0\x08")


def made_to_reset(n):
    """Streams that we have to reset, because the client breaks their windows."""
    stream = 2 * n + 1
    return frame(HEADERS, END_HEADERS, stream, POST) + frame(WINDOW_UPDATE, 0, stream, b"\x7f\xff\xff\xff")


def malformed(n):
    return frame(HEADERS, END_HEADERS | END_STREAM, 2 * n + 1, block([("x", "y")]))


def half_streams(n):
    """A stream with a frame of DATA that is not worth its head, again and again."""
    start = frame(HEADERS, END_HEADERS, 1, POST) if n == 0 else b""
    return start + frame(DATA, 0, 1)


def priority_updates(n):
    return frame(PRIORITY_UPDATE, 0, 0, struct.pack("!I", 2 * n + 1) + b"u=0")


# These may name more streams at once than may be open: a mistake of its own.  [RFC 9113 5.1.2, RFC 9218 7.1]
TOO_MANY = (made_to_reset, malformed, priority_updates)


FLOODS = {
    "rapid reset": rapid_reset,
    "reset uploads": reset_uploads,
    "made to reset": made_to_reset,
    "malformed requests": malformed,
    "empty DATA": half_streams,
    "DATA of a byte": lambda n: (frame(HEADERS, END_HEADERS, 1, POST) if n == 0 else b"") + frame(DATA, 0, 1, b"x"),
    "padding only": lambda n: (frame(HEADERS, END_HEADERS, 1, POST) if n == 0 else b"") + frame(DATA, 8, 1, b"\0"),
    "PING": lambda n: frame(PING, 0, 0, b"12345678"),
    "SETTINGS": lambda n: frame(SETTINGS),
    "SETTINGS of the table": lambda n: frame(SETTINGS, 0, 0, struct.pack("!HI", 1, n % 2 * 4096)),
    "PRIORITY": lambda n: frame(PRIORITY, 0, 2 * n + 1, b"\0\0\0\0\x10"),
    "PRIORITY_UPDATE": priority_updates,
    "WINDOW_UPDATE": lambda n: frame(WINDOW_UPDATE, 0, 0, b"\0\0\0\x01"),
    "frames that nobody knows": lambda n: frame(0xfa, 0, 0),
    "CONTINUATION": lambda n: frame(HEADERS, END_STREAM, 1, GET) if n == 0 else frame(CONTINUATION, 0, 1, block([("x", "y")])),
    "empty CONTINUATION": lambda n: frame(HEADERS, END_STREAM, 1, GET) if n == 0 else frame(CONTINUATION, 0, 1),
}


@pytest.mark.parametrize("make", FLOODS.values(), ids=FLOODS.keys())
def test_a_flood_is_ended(server, make):
    pid = server.process.pid
    with Http2(server.port) as warm:
        assert warm.get("/a.txt").body == b"hello"
    before, spent = status_kb(pid, "RssAnon"), cpu_seconds(pid)
    with Load(server.port, path="/a.txt", threads=1) as load:
        with Http2(server.port) as conn:
            conn.synchronise()                             # our acknowledgement must not come between CONTINUATIONs
            sender = threading.Thread(target=lambda: [conn.send(b"".join(make(n) for n in range(m, m + 100)))
                                                      for m in range(0, 30000, 100)], daemon=True)
            sender.start()
            code = conn.goaway()
            sender.join(30)
    load.assert_clean()
    assert code == ENHANCE_YOUR_CALM or (code == PROTOCOL_ERROR and make in TOO_MANY), f"GOAWAY {code}"
    if not SANITIZED:
        assert status_kb(pid, "RssAnon") - before < 2048
        assert cpu_seconds(pid) - spent < 5


def test_a_bomb_of_references_holds_little(server):
    """A long field is put into the table once, and then named by one byte, many times in many requests."""
    pid = server.process.pid
    fill = b"\x40" + literal("x-bomb") + literal("y" * 3900)
    with Http2(server.port, settings={INITIAL_WINDOW: 0}) as conn:
        conn.methods[1] = "GET"
        conn.frame(HEADERS, END_HEADERS | END_STREAM, 1, block(head("/a.txt")) + fill)
        conn.synchronise()
        before = status_kb(pid, "RssAnon")
        for n in range(1, 90):
            conn.frame(HEADERS, END_HEADERS | END_STREAM, 2 * n + 1, block(head("/a.txt")) + b"\xbe" * 7)
        conn.synchronise()
        if not SANITIZED:
            assert status_kb(pid, "RssAnon") - before < 2048


def test_a_bomb_that_goes_far_over_the_limit_ends_the_connection(server):
    fill = b"\x40" + literal("x-bomb") + literal("y" * 3900)
    with Http2(server.port) as conn:
        conn.frame(HEADERS, END_HEADERS | END_STREAM, 1, block(head("/a.txt")) + fill + b"\xbe" * 10000)
        assert conn.goaway() == ENHANCE_YOUR_CALM


def test_many_small_fields_hold_little(server):
    """Fields without a byte still cost what is kept for them: they are counted, and refused past max_headers."""
    with Http2(server.port) as conn:
        stream = conn.request("/a.txt", fields=[("a", "")] * 900)
        assert conn.response(stream).status == 431


def test_closed_windows_hold_no_more_than_a_share(server):
    """A hundred answers that a client does not take, of files and of what it sent itself."""
    pid = server.process.pid
    with Http2(server.port, settings={INITIAL_WINDOW: 1}) as conn:
        conn.synchronise()
        before = status_kb(pid, "RssAnon")
        for _ in range(50):
            conn.request("/big")
        for _ in range(50):
            conn.request("/echo", method="POST", body=b"x" * 8000)
        conn.synchronise()
        if not SANITIZED:
            assert status_kb(pid, "RssAnon") - before < 3072
    with Http2(server.port) as conn:
        assert conn.get("/a.txt").body == b"hello"


def test_idle_connections_take_little_memory(server):
    """At most 20 KiB each."""
    pid = server.process.pid
    with Http2(server.port) as warm:
        warm.get("/a.txt")
    held, before = [], status_kb(pid, "RssAnon")
    for _ in range(500):
        conn = Http2(server.port)
        assert conn.get("/a.txt").body == b"hello"
        held.append(conn)
    each = (status_kb(pid, "RssAnon") - before) / len(held)
    for conn in held:
        conn.sock.close()
    if not SANITIZED:
        assert each <= 20, f"{each} KiB each"


def test_useful_work_pays_for_what_is_not(server):
    """A client that asks for much may also cancel, ping and open windows much."""
    with Http2(server.port) as conn:
        for n in range(600):
            assert conn.get("/a.txt").body == b"hello"
            conn.frame(PING, 0, 0, b"12345678")
            conn.update(0, 1000)
        conn.synchronise()
        assert not conn.goaways


def test_http2_max_window_updates_limits_what_is_saved_up(make_server):
    """Answers pay for windows that are opened, but no more than that is saved for later."""
    server = make_server("http2 on; http2_max_glitches 50; http2_max_window_updates 10; location / { }",
                         files={"big": b"x" * 40_000}).start()
    with Http2(server.port) as conn:
        for _ in range(10):             # each of three frames, and so six updates
            assert len(conn.get("/big").body) == 40_000
            conn.update(0, 1)
        conn.synchronise()
        assert not conn.goaways
        for _ in range(200):
            conn.update(0, 1)
        assert conn.goaway() == ENHANCE_YOUR_CALM


def test_http2_max_glitches_sets_the_limit(make_server):
    server = make_server("http2 on; http2_max_glitches 20; location / { return 200 ok; } location /metrics { metrics prometheus; }").start()
    with Http2(server.port) as conn:
        assert conn.get().body == b"ok"
        for _ in range(30):
            conn.frame(PING, 0, 0, b"12345678")
        assert conn.goaway() == ENHANCE_YOUR_CALM
    wait_for("the log tells", lambda: re.search("ended for too much useless work", server.log()))
    with Http2(server.port) as conn:
        text = conn.get("/metrics").body.decode()
    points = int(re.search(r"weir_http2_glitches_total (\d+)", text)[1])
    assert 20 < points <= 60 and "weir_http2_calmed_total 1\n" in text, text

"""sub and charset on bodies that come slowly, are read slowly, or break off."""

import socket
import threading

import pytest

from weir.recorder import Origin, answer
from weir.server import BINARY, status_kb, wait_for
from weir.wire import Closed, Connection

pytestmark = pytest.mark.weir_only
SANITIZED = "san" in BINARY
PAGE = (("Content-Type", "text/html"), ("Transfer-Encoding", "chunked"))
CONF = """proxy_buffering off; location / { proxy_pass http://127.0.0.1:%d; sub_filter wonder W; sub_filter_once off; }
    location /lines { proxy_pass http://127.0.0.1:%d; sub_filter_regex 'w(o)nder' 'W$1'; sub_filter_once off; }
    location /text { proxy_pass http://127.0.0.1:%d; charset windows-1251; source_charset utf-8; }"""


def chunk(data):
    return b"%x\r\n%s\r\n" % (len(data), data)


def start(make_server, origin):
    return make_server(CONF % ((origin.port,) * 3)).start()


def in_two(first, second):
    """An origin whose second piece waits; the event that lets it go."""
    go = threading.Event()

    def script(request):
        yield answer(b"", fields=PAGE, length=None) + chunk(first)
        yield go
        yield chunk(second) + b"0\r\n\r\n"

    return Origin(script), go


@pytest.mark.parametrize("path, first, second, at_once, then", [
    ("/", b"a wonder and a wond", b"er, a won", b"a W and a ", b"W, a won"),
    ("/lines", b"a wonder\nand a wond", b"er\na won", b"a Wo\n", b"and a Wo\na won"),
    ("/text", b"a\xd0\x96\xd1", b"\x8f\xd0", b"a\xc6", b"\xff?"),
])
def test_only_what_may_become_something_is_held_back(make_server, path, first, second, at_once, then):
    origin, go = in_two(first, second)
    with origin:
        server = start(make_server, origin)
        with Connection(server.port) as conn:
            conn.send(f"GET {path} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
            assert conn.until(b"\r\n\r\n").startswith(b"HTTP/1.1 200")
            body = b""
            while len(body) < len(at_once):
                size = int(conn.until(b"\r\n"), 16)
                body += conn.exactly(size + 2)[:-2]
            assert body == at_once
            go.set()
            body = b""
            while size := int(conn.until(b"\r\n"), 16):
                body += conn.exactly(size + 2)[:-2]
            assert body == then


def test_a_body_that_breaks_off_is_no_whole_page(make_server):
    def script(request):
        request.last = True
        return answer(b"", fields=PAGE, length=None) + chunk(b"a wond")

    with Origin(script) as origin:
        server = start(make_server, origin)
        with Connection(server.port) as conn:
            conn.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            conn.until(b"\r\n\r\n")
            with pytest.raises(Closed):
                conn.until(b"0\r\n\r\n")


@pytest.mark.parametrize("path", ["/", "/lines", "/text"])
def test_a_client_that_does_not_read_costs_little(make_server, path):
    """256 MiB of replacements wait where they come from."""
    sent = [0]

    def script(request):
        yield answer(b"", fields=PAGE, length=None)
        piece = chunk((b"wonder \xd1\x8f\n" * 8000)[:65536])
        for _ in range(4096):
            sent[0] += 1
            yield piece
        yield b"0\r\n\r\n"

    with Origin(script) as origin:
        server = start(make_server, origin)
        with socket.create_connection(("127.0.0.1", server.port)) as client:
            before = status_kb(server.process.pid, "VmRSS")
            client.sendall(f"GET {path} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
            seen = [-1, 0]

            def stands_still():
                seen[1] = seen[1] + 1 if sent[0] == seen[0] else 0
                seen[0] = sent[0]
                return sent[0] != 0 and seen[1] >= 20

            wait_for("the origin to be held up", stands_still)
            assert sent[0] < 1024
            if not SANITIZED:  # which keeps what was freed
                assert status_kb(server.process.pid, "VmRSS") - before < 16 * 1024

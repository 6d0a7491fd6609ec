"""mirror: copies go elsewhere, and nobody waits for them.  [nginx mirror]"""

import re
import signal
import threading

import pytest

from weir.http2 import Http2
from weir.recorder import Origin, answer
from weir.server import wait_for
from weir.wire import Connection, fetch

CONF = ("location / { mirror /copy; proxy_pass http://127.0.0.1:%(real)d; }"
        "location /file/ { mirror /copy; alias %%ROOT%%/; }"
        "location /two/ { mirror /copy; mirror /again; proxy_pass http://127.0.0.1:%(real)d; }"
        "location /off/ { mirror off; alias %%ROOT%%/; }"
        "location /bare/ { mirror /plain; mirror_request_body off; proxy_pass http://127.0.0.1:%(real)d; }"
        "location /try/ { mirror /copy; try_files /none /off/f; }"
        "location = /copy { internal; proxy_pass http://127.0.0.1:%(copy)d$request_uri; }"
        "location = /again { internal; proxy_pass http://127.0.0.1:%(copy)d/again; }"
        "location = /plain { internal; proxy_pass http://127.0.0.1:%(copy)d/plain; proxy_pass_request_body off;"
        "  proxy_set_header Content-Length ''; }"
        "location /free { alias %%ROOT%%; }")
METRICS = "location /metrics { metrics prometheus; }"
FILES = {"f": b"file"}


@pytest.fixture
def setup(make_server):
    """A server, the service, and where copies go."""
    made = []

    def make(script=None, more="", **rest):
        real, copy = Origin(lambda request: answer(b"real")), Origin(script)
        made.extend([real, copy])
        server = make_server(CONF % {"real": real.port, "copy": copy.port} + more, files=FILES, **rest).start()
        return server, real, copy

    yield make
    for origin in made:
        origin.stop()


def test_a_copy_is_the_request(setup):
    server, real, copy = setup()
    got = fetch(server.port, "/x%20y?a=1", "PUT", fields=["X-Field: 7"], body=b"hello")
    assert (got.status, got.body) == (200, b"real")
    wait_for("the copy", lambda: copy.requests)
    for request in (real.requests[0], copy.requests[0]):
        assert (request.method, request.target, request.body) == ("PUT", "/x%20y?a=1", b"hello")
        assert request.get("X-Field") == "7"
        assert request.get("Content-Length") == "5"


def test_files_and_several_copies(setup):
    server, real, copy = setup()
    assert fetch(server.port, "/file/f").body == b"file"
    wait_for("the copy", lambda: len(copy.requests) == 1)
    assert fetch(server.port, "/two/x?b").status == 200
    wait_for("both copies", lambda: len(copy.requests) == 3)
    assert sorted(r.target for r in copy.requests) == ["/again?b", "/file/f", "/two/x?b"]
    assert fetch(server.port, "/off/f").body == b"file"
    assert fetch(server.port, "/try/x").body == b"file"
    assert len(copy.requests) == 3


@pytest.mark.parametrize("size", [1, 1 << 14, 3 << 20])
def test_a_body_of_any_length_goes_both_ways(setup, size):
    server, real, copy = setup(http="client_max_body_size 0;")
    body = bytes(i * 7 % 251 for i in range(1000)) * (size // 1000 + 1)
    assert fetch(server.port, "/x", "POST", body=body).status == 200
    wait_for("the copy", lambda: copy.requests)
    assert real.requests[0].body == body
    assert copy.requests[0].body == body


def test_without_its_body(setup):
    server, real, copy = setup()
    assert fetch(server.port, "/bare/x", "POST", body=b"hello").status == 200
    wait_for("the copy", lambda: copy.requests)
    assert real.requests[0].body == b"hello"
    assert (copy.requests[0].method, copy.requests[0].target, copy.requests[0].body) == ("POST", "/plain", b"")


def test_the_answer_does_not_wait_for_the_copy(setup):
    may_answer = threading.Event()

    def script(request):
        yield may_answer
        yield answer(b"copy")

    server, real, copy = setup(script)
    with Connection(server.port) as conn:
        for path in ("/x", "/file/f"):
            conn.send(f"GET {path} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
            assert conn.response().status == 200
            wait_for("the copy", lambda: copy.requests)
            assert fetch(server.port, "/free/f").body == b"file"
            may_answer.set()
        wait_for("both copies", lambda: len(copy.requests) == 2)


@pytest.mark.parametrize("reply", [None, answer(b"no", "500 Internal Server Error"), b"nonsense\r\n\r\n",
                                   b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\nhalf"])
def test_whatever_becomes_of_the_copy(setup, reply):
    server, real, copy = setup(lambda request: reply)
    with Connection(server.port) as conn:
        for _ in range(3):
            conn.send(b"GET /x HTTP/1.1\r\nHost: a\r\n\r\n")
            assert conn.response().body == b"real"


def test_a_client_that_leaves_early_takes_its_copies_along(make_server):
    never = threading.Event()
    body = b"x" * (3 << 20)

    def script(request):
        yield never

    with Origin(script) as real, Origin(script) as copy:
        server = make_server(CONF % {"real": real.port, "copy": copy.port}, files=FILES,
                             http="client_max_body_size 0;").start()
        for _ in range(3):
            with Connection(server.port) as conn:
                conn.send(b"POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % len(body))
                conn.send(body)
                wait_for("both", lambda: len(real.requests) == len(copy.requests) > 0)
            real.requests.clear()
            copy.requests.clear()
        assert fetch(server.port, "/free/f").body == b"file"
        never.set()


def test_pipelined_requests_are_answered_in_order(setup):
    server, real, copy = setup(lambda request: answer(b"copy" * 1000))
    with Connection(server.port) as conn:
        conn.send(b"".join(b"GET /%s HTTP/1.1\r\nHost: a\r\n\r\n" % p for p in (b"file/f", b"x", b"off/f", b"file/f")))
        assert [conn.response().body for _ in range(4)] == [b"file", b"real", b"file", b"file"]
    wait_for("the copies", lambda: len(copy.requests) == 3)


@pytest.mark.weir_only
def test_a_copy_is_finished_though_its_client_has_gone(setup):
    may_answer = threading.Event()

    def script(request):
        yield may_answer
        yield answer(b"copy")

    server, real, copy = setup(script, METRICS)
    assert fetch(server.port, "/x").body == b"real"          # answered whole, and closed
    wait_for("the copy", lambda: copy.requests)
    may_answer.set()

    def counted(result):
        text = fetch(server.port, "/metrics").body.decode()
        return int(re.search(rf'^weir_mirror_requests_total{{result="{result}"}} (\d+)$', text, re.M)[1])
    wait_for("its answer", lambda: counted("answered") == 1)
    assert counted("failed") == 0


@pytest.mark.weir_only
def test_a_worker_that_leaves_waits_for_copies(setup):
    may_answer = threading.Event()

    def script(request):
        yield may_answer
        yield answer(b"copy")

    server, real, copy = setup(script, single=False)
    assert fetch(server.port, "/x").body == b"real"
    wait_for("the copy", lambda: copy.requests)
    old = server.workers()
    server.kill(signal.SIGHUP)
    wait_for("new workers", lambda: set(server.workers()) - set(old))
    may_answer.set()
    wait_for("the old worker's end", lambda: not set(old) & set(server.workers()))


@pytest.mark.weir_only
@pytest.mark.parametrize("closes", [False, True])
def test_copies_of_requests_over_http2(setup, closes):
    may_answer = threading.Event()

    def script(request):
        yield may_answer
        yield answer(b"copy")

    server, real, copy = setup(script, METRICS + "http2 on;")
    with Http2(server.port) as conn:
        for i in range(3):
            assert conn.get("/file/f").body == b"file"
        wait_for("the copies", lambda: len(copy.requests) == 3)
        if not closes:
            may_answer.set()
            assert conn.get("/free/f").body == b"file"
    assert fetch(server.port, "/free/f").body == b"file"
    may_answer.set()
    wait_for("their answers", lambda: b'requests_total{result="answered"} 3' in fetch(server.port, "/metrics").body)

"""auth_request with a service that takes its time, is slow to go, or breaks off.  [nginx auth_request]"""

import threading

import pytest

from weir.recorder import Origin, answer
from weir.server import wait_for
from weir.wire import Connection, fetch

CONF = ("location / { auth_request /ask; alias %%ROOT%%/; }"
        "location /free/ { alias %%ROOT%%/; }"
        "location = /ask { internal; proxy_pass http://127.0.0.1:%d/auth; proxy_set_header X-Target $request_uri;"
        " proxy_set_header X-Method $request_method; }")
FILES = {"f": b"file"}


def start(make_server, origin):
    return make_server(CONF % origin.port, files=FILES).start()


def test_nobody_else_waits_for_the_service(make_server):
    may_answer = threading.Event()

    def script(request):
        yield may_answer
        yield answer(b"")

    with Origin(script) as origin:
        server = start(make_server, origin)
        with Connection(server.port) as conn:
            conn.send(b"GET /f HTTP/1.1\r\nHost: a\r\n\r\n")
            wait_for("the question", lambda: origin.requests)
            assert fetch(server.port, "/free/f").status == 200
            may_answer.set()
            assert conn.response().body == b"file"


def test_a_client_that_leaves_takes_its_question_along(make_server):
    may_answer = threading.Event()

    def script(request):
        if "/first" in request.get("X-Target"):
            yield may_answer
        yield answer(b"")

    with Origin(script) as origin:
        server = start(make_server, origin)
        with Connection(server.port) as conn:
            conn.send(b"GET /first HTTP/1.1\r\nHost: a\r\n\r\n")
            wait_for("the question", lambda: origin.requests)
        assert fetch(server.port, "/f").status == 200
        may_answer.set()
        assert fetch(server.port, "/f").status == 200


@pytest.mark.weir_only                             # nginx announces the body that it does not send
def test_the_service_is_told_what_is_asked_for_and_gets_no_body(make_server):
    with Origin(lambda request: answer(b"", "403 Forbidden")) as origin:
        server = start(make_server, origin)
        assert fetch(server.port, "/x?y=1", "POST", body=b"hello").status == 403
        request = origin.requests[0]
        assert (request.method, request.target, request.body) == ("GET", "/auth", b"")
        assert request.get("X-Target") == "/x?y=1"
        assert request.get("X-Method") == "POST"


@pytest.mark.parametrize("reply, status", [
    (b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf", 200),    # the status has come whole
    (b"HTTP/1.1 204 No Content\r\n\r\n", 200),
    (b"nonsense\r\n\r\n", 500),
    (None, 500),
])
def test_only_a_whole_good_head_lets_in(make_server, reply, status):
    with Origin(lambda request: reply) as origin:
        server = start(make_server, origin)
        assert fetch(server.port, "/f").status == status


@pytest.mark.weir_only
def test_connections_to_a_service_that_answers_briefly_are_kept(make_server):
    with Origin(lambda request: answer(b"welcome")) as origin:
        server = make_server(CONF.replace("http://127.0.0.1:%d", "http://service") % (), files=FILES,
                             http=f"upstream service {{ server 127.0.0.1:{origin.port}; keepalive 4; }}").start()
        for _ in range(5):
            assert fetch(server.port, "/f").status == 200
        assert (len(origin.requests), origin.connections) == (5, 1)

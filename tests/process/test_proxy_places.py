"""However a proxied request ends, what it held is given back: its place at the server (max_conns), in the queue, its connection.

A group of one server with one place: the request behind each end is answered only if the place is free.  [nginx max_conns, queue]"""

import socket
import struct
import threading

import pytest

from weir.origin import Origin
from weir.server import wait_for
from weir.wire import Closed, Connection, ProtocolError, fetch

pytestmark = pytest.mark.weir_only

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


class Script:
    """Answers /end as `end` says, everything else with OK."""

    def __init__(self, end):
        self.end, self.asked, self.go = end, threading.Event(), threading.Event()

    def __call__(self, talk):
        while (request := talk.request()) is not None:
            if b" /end" in request:
                self.asked.set()
                if not self.end(self, talk):
                    return
            else:
                talk.send(OK)


def says(data, stays=True):
    def end(script, talk):
        talk.send(data)
        return stays
    return end


def resets(script, talk):
    talk.reset()


def hangs(script, talk):
    talk.wait_for_end()


def begins_and_hangs(script, talk):
    talk.send(b"HTTP/1.1 200 OK\r\nContent-Length: 10000000\r\n\r\n" + b"x" * 100_000)
    talk.wait_for_end()


def tunnels(script, talk):
    talk.send(b"HTTP/1.1 101 Switching\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n")
    script.go.wait(30)


@pytest.fixture
def front(make_server):
    made = []

    def make(end, more="", queue=""):
        script = Script(end)
        made.append(Origin(script))
        server = make_server(f"location / {{ proxy_pass http://up; }} location = /end {{ proxy_pass http://up; proxy_next_upstream off; {more} }}",
                             http=f"upstream up {{ server {made[0].address} max_conns=1 max_fails=0; {queue} }}").start()
        return server, script
    yield make
    for origin in made:
        origin.close()


def is_free(server):
    with Connection(server.port) as c:
        return [c.get("/next").body for _ in range(2)] == [b"ok", b"ok"]


ENDS = {
    "an answer": (says(OK), ""),
    "an answer until the connection ends": (says(b"HTTP/1.0 200 OK\r\n\r\nok", stays=False), ""),
    "a lie": (says(b"nothing of the kind\r\n\r\n"), ""),
    "a lie in the body": (says(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"), ""),
    "a cut body": (says(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok", stays=False), ""),
    "an end without a word": (lambda script, talk: False, ""),
    "a reset": (resets, ""),
    "no word in time": (hangs, "proxy_read_timeout 50ms;"),
    "no more in time": (begins_and_hangs, "proxy_read_timeout 50ms;"),
    "an error page": (says(b"HTTP/1.1 500 No\r\nContent-Length: 2\r\n\r\nno"), "proxy_intercept_errors on; error_page 500 =200 /next;"),
    "an accelerated answer": (says(b"HTTP/1.1 200 OK\r\nX-Accel-Redirect: /next\r\nContent-Length: 2\r\n\r\nno"), "proxy_accel on;"),
}


@pytest.mark.parametrize("name", ENDS)
@pytest.mark.parametrize("buffering", ["on", "off"])
def test_an_upstream_s_end_frees_the_place(front, name, buffering):
    end, more = ENDS[name]
    server, script = front(end, f"{more} proxy_buffering {buffering};")
    for _ in range(3):
        try:
            fetch(server.port, "/end")
        except (Closed, ProtocolError):
            pass
        assert is_free(server)


@pytest.mark.parametrize("name, end, more", [
    ("before the head", hangs, ""), ("in the body", begins_and_hangs, ""), ("in the body, unbuffered", begins_and_hangs, "proxy_buffering off;"),
    ("in a tunnel", tunnels, ""), ("ignored", hangs, "proxy_ignore_client_abort on; proxy_read_timeout 100ms;")])
@pytest.mark.parametrize("reset", [False, True])
def test_a_client_s_end_frees_the_place(front, name, end, more, reset):
    server, script = front(end, more)
    for _ in range(3):
        script.asked.clear()
        with socket.create_connection(("127.0.0.1", server.port)) as sock:
            sock.sendall(b"GET /end HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n")
            assert script.asked.wait(30)
            if "before" not in name and name != "ignored":
                sock.recv(10)
            if reset:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        wait_for("the place is free", lambda: fetch(server.port, "/next").status == 200)
        assert is_free(server)


@pytest.mark.parametrize("body", ["on", "off"])
def test_a_cut_upload_frees_the_place(front, body):
    server, script = front(hangs, f"proxy_request_buffering {body};")
    for _ in range(3):
        with socket.create_connection(("127.0.0.1", server.port)) as sock:
            sock.sendall(b"POST /end HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n" + b"x" * 1000)
        wait_for("the place is free", lambda: fetch(server.port, "/next").status == 200)
        assert is_free(server)


def test_who_leaves_the_queue_holds_no_place_in_it(front):
    """One place at the server, taken; one in the queue, whose holders go away."""
    server, script = front(tunnels, queue="queue 1 timeout=60s;")
    with socket.create_connection(("127.0.0.1", server.port)) as first:
        first.sendall(b"GET /end HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n")
        assert script.asked.wait(30)
        for _ in range(3):
            with socket.create_connection(("127.0.0.1", server.port)) as second:
                second.sendall(b"GET /next HTTP/1.1\r\nHost: a\r\n\r\n")
                wait_for("it waits", lambda: fetch(server.port, "/other").status == 503)
        with socket.create_connection(("127.0.0.1", server.port), timeout=15) as last:
            last.sendall(b"GET /next HTTP/1.1\r\nHost: a\r\n\r\n")
            wait_for("it waits", lambda: fetch(server.port, "/other").status == 503)
            script.go.set()
            assert last.recv(100).startswith(b"HTTP/1.1 200 ")
    assert is_free(server)


# ---- What is sent twice. ----

def counting(seen, end):
    def script(talk):
        request = talk.request()
        if request is not None:
            seen.append(request[:4])
            end(talk)
    return script


@pytest.mark.parametrize("method, conditions, tries", [
    ("GET", "error timeout", 2), ("PUT", "error timeout", 2), ("POST", "error timeout", 1), ("PATCH", "error timeout", 1),
    ("POST", "error timeout non_idempotent", 2), ("LOCK", "error timeout", 1), ("GET", "off", 1),
    ("PROPFIND", "error timeout", 2), ("PURGE", "error timeout", 1)])
@pytest.mark.parametrize("how", ["reset", "silence", "status"])
def test_only_what_does_no_harm_is_sent_twice(make_server, method, conditions, tries, how):
    seen = []
    ends = {"reset": lambda talk: talk.reset(), "silence": lambda talk: talk.wait_for_end(),
            "status": lambda talk: talk.send(b"HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n")}
    origins = [Origin(counting(seen, ends[how])) for _ in range(2)]
    conditions = conditions.replace("timeout", "timeout http_503")
    server = make_server(f"location / {{ proxy_pass http://up; proxy_read_timeout 100ms; proxy_next_upstream {conditions}; }}",
                         http="upstream up { retry_budget off; " + "".join(f"server {o.address};" for o in origins) + "}").start()
    assert fetch(server.port, "/", method, body=b"abc").status in (502, 503, 504)
    wait_for("the tries", lambda: len(seen) >= tries)
    assert len(seen) == tries
    for origin in origins:
        origin.close()


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_what_was_not_sent_goes_to_the_next_server(make_server, method):
    seen = []
    origin = Origin(counting(seen, lambda talk: talk.send(OK)))
    server = make_server("location / { proxy_pass http://up; }",
                         http=f"upstream up {{ server 127.0.0.1:1; server {origin.address}; }}").start()
    assert fetch(server.port, "/", method, body=b"abc").body == b"ok"
    assert len(seen) == 1
    origin.close()

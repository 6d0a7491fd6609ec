"""Proxying for clients of HTTP/2: bodies both ways, interim answers, what an origin does wrong, WebSocket.  [RFC 9113, 8441]"""

import base64
import hashlib
import socket
import struct
import threading

import pytest

from weir.http2 import DATA, END_STREAM, INITIAL_WINDOW, INTERNAL_ERROR, NO_ERROR, Http2, Reset, fetch
from weir.recorder import Origin, answer
from weir.server import wait_for

pytestmark = pytest.mark.weir_only


def proxy(make_server, origin, more="", **rest):
    return make_server(f"http2 on; client_max_body_size 4m; location / {{ proxy_pass http://127.0.0.1:{origin.port}; {more} }}", **rest).start()


def piece_of(n):
    return bytes(k % 251 for k in range(n))


@pytest.mark.parametrize("size", [0, 1, 16375, 16376, 1_000_000])
@pytest.mark.parametrize("buffering", ["on", "off"])
def test_a_reply_passes_whole(make_server, size, buffering):
    with Origin(lambda r: answer(piece_of(size))) as origin:
        server = proxy(make_server, origin, f"proxy_buffering {buffering};")
        assert fetch(server.port).body == piece_of(size)


@pytest.mark.parametrize("buffering", ["on", "off"])
def test_uploads_pass_whole(make_server, buffering):
    """The client keeps to its windows, which open as the origin takes the body."""
    with Origin(lambda r: answer(hashlib.sha256(r.body).hexdigest().encode())) as origin:
        server = proxy(make_server, origin, f"proxy_request_buffering {buffering};")
        body = piece_of(2_000_000)
        with Http2(server.port) as conn:
            conn.synchronise()
            stream = conn.request(method="POST", body=b"", end=False)
            window = {0: 65535 + conn.window_updates.pop(0, 0), stream: conn.settings[INITIAL_WINDOW]}
            sent = 0
            while sent < len(body):
                for key in (0, stream):
                    window[key] += conn.window_updates.pop(key, 0)
                size = min(window[0], window[stream], 16384, len(body) - sent)
                if size == 0:
                    conn.read()
                    continue
                conn.frame(DATA, END_STREAM if sent + size == len(body) else 0, stream, body[sent:sent + size])
                window[0], window[stream], sent = window[0] - size, window[stream] - size, sent + size
            assert conn.response(stream).body == hashlib.sha256(body).hexdigest().encode()


@pytest.mark.parametrize("length", [False, True])
@pytest.mark.parametrize("buffering", ["on", "off"])
def test_trailers_of_an_upload_pass_when_wanted(make_server, buffering, length):
    """A length that was told is kept to, unless trailers are announced. [RFC 9110 6.6.2]"""
    with Origin() as origin:
        server = proxy(make_server, origin, f"proxy_request_buffering {buffering}; proxy_pass_trailers on;")
        with Http2(server.port) as conn:
            fields = [("content-length", "3"), ("trailer", "x-t")] if length else []
            stream = conn.request(method="POST", fields=fields, body=b"", end=False)
            conn.body(stream, b"abc", end=False)
            conn.head(stream, [("x-t", "1"), ("host", "evil")], end=True)
            assert conn.response(stream).status == 200
        assert origin.requests[0].body == b"abc" and origin.requests[0].trailers == [("x-t", "1")]


def test_the_host_and_no_field_of_http2_reach_the_origin(make_server):
    with Origin(lambda r: answer(b"ok", fields=[("Connection", "x-hop"), ("X-Hop", "1"), ("X-End", "2")])) as origin:
        server = proxy(make_server, origin, "proxy_set_header Host $http_host;")
        reply = fetch(server.port, "/a?b", authority="h.example:81", fields=[("http2-settings", "x"), ("cookie", "a=1"),
                                                                            ("cookie", "b=2")])
        request = origin.requests[0]
        assert request.target == "/a?b" and request.get("Host") == "h.example:81"
        assert request.get("Cookie") == "a=1; b=2" and request.get("HTTP2-Settings") is None
        assert reply.get("x-hop") is None and reply.get("x-end") == "2"


def test_a_reply_that_is_cut_resets_the_stream(make_server):
    def cut(request):
        request.sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")
        return None
    with Origin(cut) as origin:
        server = proxy(make_server, origin)
        with Http2(server.port) as conn:
            with pytest.raises(Reset) as reset:
                conn.get()
            assert reset.value.code == INTERNAL_ERROR


def test_a_client_that_reads_nothing_stops_the_origin(make_server):
    """What the origin sends waits there, not here, where nothing is buffered."""
    sent = []

    def much(request):
        request.sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n")
        request.sock.settimeout(1)
        try:
            while True:
                sent.append(request.sock.send(b"x" * 65536))
        except OSError:
            return None
    with Origin(much) as origin:
        server = proxy(make_server, origin, "proxy_buffering off;")
        with Http2(server.port, settings={INITIAL_WINDOW: 1000}, credit=False) as conn:
            stream = conn.request()
            conn.until("a window", lambda: stream in conn.answers and len(conn.answers[stream].body) == 1000)
            conn.synchronise()
            wait_for("the origin waits", lambda: sent)
            conn.reset(stream)
            conn.synchronise()
        assert sum(sent) < 20_000_000


def websocket(request):
    """Grant a WebSocket, and send back what comes in upper case until "bye"."""
    key = request.get("Sec-WebSocket-Key").encode()
    accept = base64.b64encode(hashlib.sha1(key + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest())
    request.sock.sendall(b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n"
                         b"Sec-WebSocket-Accept: " + accept + b"\r\nSec-WebSocket-Protocol: chat\r\n\r\nhi")
    while data := request.sock.recv(65536):
        if data == b"bye":
            return None
        request.sock.sendall(data.upper())
    request.sock.sendall(b"END")
    return None


CONNECT = [(":method", "CONNECT"), (":protocol", "websocket"), (":scheme", "http"), (":path", "/chat"),
           (":authority", "a"), ("sec-websocket-version", "13"), ("sec-websocket-protocol", "chat")]
CLASSIC = "proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection upgrade;"


@pytest.mark.parametrize("more", ["", CLASSIC], ids=["weir", "nginx"])
def test_an_extended_connect_makes_a_tunnel(make_server, more):
    with Origin(websocket) as origin:
        server = proxy(make_server, origin, more + "access_log logs/seen seen;", http="log_format seen $status;")
        with Http2(server.port) as conn:
            stream = conn.request(raw=CONNECT, end=False)
            conn.until("the word", lambda: stream in conn.answers and conn.answers[stream].body == b"hi")
            tunnel = conn.answers[stream]
            assert tunnel.status == 200 and tunnel.get("sec-websocket-protocol") == "chat"
            assert tunnel.get("content-length") is None and tunnel.get("sec-websocket-accept") is None
            for text in (b"abc", b"x" * 60_000):
                conn.body(stream, text, end=False)
                conn.until("it comes back", lambda: tunnel.body.endswith(text.upper()))
            conn.body(stream, b"bye", end=False)
            assert len(conn.response(stream).body) == 2 + 3 + 60_000
            assert conn.resets.get(stream, NO_ERROR) == NO_ERROR
        wait_for("the log", lambda: (server.prefix / "logs/seen").exists() and (server.prefix / "logs/seen").read_text())
        assert (server.prefix / "logs/seen").read_text() == "200\n"    # as the client saw it
        request = origin.requests[0]
        assert (request.method, request.target) == ("GET", "/chat")
        assert request.get("Upgrade") == "websocket" and request.get("Sec-WebSocket-Version") == "13"
        assert len(base64.b64decode(request.get("Sec-WebSocket-Key"))) == 16


def test_a_tunnels_client_may_end_its_side_first(make_server):
    with Origin(websocket) as origin:
        server = proxy(make_server, origin)
        with Http2(server.port) as conn:
            stream = conn.request(raw=CONNECT, end=False)
            conn.body(stream, b"early", end=True)
            assert conn.response(stream).body == b"hiEARLYEND"


def test_a_tunnel_that_is_refused_is_an_answer(make_server):
    with Origin(lambda r: answer(b"no", "403 Forbidden")) as origin:
        server = proxy(make_server, origin)
        with Http2(server.port) as conn:
            reply = conn.response(conn.request(raw=CONNECT, end=False))
            assert (reply.status, reply.body) == (403, b"no")


def test_early_hints_pass(make_server):
    def hint(request):
        request.sock.sendall(b"HTTP/1.1 103 Early Hints\r\nLink: </s.css>; rel=preload\r\n\r\n")
        return answer(b"ok")
    with Origin(hint) as origin:
        server = proxy(make_server, origin, "early_hints 1;")
        reply = fetch(server.port)
        assert reply.body == b"ok"
        assert reply.interim == [(103, [("link", "</s.css>; rel=preload")])]


@pytest.mark.parametrize("how", ["reset", "closed", "half"])
def test_a_client_that_goes_can_be_ignored(make_server, how):
    go, done = threading.Event(), threading.Event()
    body = piece_of(30_000 if how == "half" else 2_000_000)  # who has ended his side opens no windows
    def script(request):
        yield go
        yield answer(body)
        done.set()
    with Origin(script) as origin:
        server = proxy(make_server, origin, "proxy_ignore_client_abort on; } location = /here { return 200 x;")
        with Http2(server.port) as conn:
            stream = conn.request()
            wait_for("the origin", lambda: origin.requests)
            if how == "reset":
                conn.reset(stream)
            elif how == "half":
                conn.sock.shutdown(socket.SHUT_WR)
            else:
                conn.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                conn.sock.close()
            assert fetch(server.port, "/here").status == 200  # by now the end has been seen
            go.set()
            assert done.wait(30)
            assert not origin.broken
            if how == "half":
                assert conn.response(stream).body == body
            elif how == "reset":
                assert conn.get("/again").status == 200


@pytest.mark.parametrize("how", ["reset", "closed", "breaks the rules"])
def test_a_client_that_goes_takes_its_request_with_it(make_server, how):
    ended = threading.Event()
    def script(request):
        if request.sock.recv(1) == b"":
            ended.set()
        return None
    with Origin(script) as origin:
        server = proxy(make_server, origin, "lingering_time 90s; lingering_timeout 90s;")
        with Http2(server.port) as conn:
            stream = conn.request()
            wait_for("the origin", lambda: origin.requests)
            if how == "reset":
                conn.reset(stream)
            elif how == "closed":
                conn.sock.close()
            else:
                conn.frame(DATA, 0, 0, b"of no stream")
            assert ended.wait(30)

"""WebSockets and events of a page in Chromium, through the proxy: over plain HTTP, TLS, and HTTP/2.  [RFC 6455, 8441]"""

import http.server
import threading
from dataclasses import dataclass

import pytest

from chromium import Chromium
from weir.server import Server, configuration, wait_for

pytest.importorskip("websockets")
from weir.echo import Echo      # noqa: E402  it needs websockets

pytestmark = pytest.mark.weir_only
TALK = """new Promise((done, fail) => {
    const socket = new WebSocket(location.origin.replace('http', 'ws') + '/echo'), got = [];
    socket.binaryType = 'arraybuffer';
    socket.onopen = () => { socket.send('h\\u00e9llo'); socket.send(new Uint8Array(3000000).fill(7)); };
    socket.onmessage = e => {
        got.push(typeof e.data === 'string' ? e.data : new Uint8Array(e.data).reduce((a, b) => a + b));
        got.length < 2 || socket.close(4000, 'enough');
    };
    socket.onclose = e => done([...got, e.code, e.wasClean]);
    setTimeout(() => fail('no end'), 20000);
})"""
CLOSED = """new Promise((done, fail) => {
    const socket = new WebSocket(location.origin.replace('http', 'ws') + '%s');
    socket.onclose = e => done([e.code, e.reason]);
    setTimeout(() => fail('no end'), 20000);
})"""
EVENTS = """new Promise((done, fail) => {
    const events = new EventSource('/events'), got = [];
    events.onmessage = e => { got.push(e.data); fetch('/go'); got.length < 3 || (events.close(), done(got)); };
    setTimeout(() => fail('only ' + got), 20000);
})"""


class Pages(http.server.BaseHTTPRequestHandler):
    """A page; /events, of which each waits until /go is asked for behind the one before."""

    protocol_version = "HTTP/1.1"
    go = None                               # a semaphore of the test

    def log_message(self, *_):
        pass

    def do_GET(self):
        if self.path == "/events":
            self.close_connection = True
            self.send_response(200)
            self.send_header("Content-Type", "text/event-stream")
            self.end_headers()
            for number in range(3):
                assert self.go.acquire(timeout=30)
                self.wfile.write(b"data: %d\n\n" % number)
            return
        if self.path == "/go":
            self.go.release()
        body = b"<!doctype html><title>chat</title>"
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@dataclass
class Chat:
    page: Chromium
    server: Server
    echo: Echo
    protocol: str                   # that the browser speaks


@pytest.fixture(scope="module")
def origins():
    pages = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Pages)
    pages.daemon_threads = True
    threading.Thread(target=pages.serve_forever, daemon=True).start()
    echo = Echo()
    yield echo, pages.server_address[1]
    echo.stop()
    pages.shutdown()
    pages.server_close()


@pytest.fixture(scope="module", params=["HTTP/1.1", "HTTP/1.1 over TLS", "HTTP/2.0"])
def chat(request, origins):
    echo, pages = origins
    tls = request.param != "HTTP/1.1"
    server = Server()
    server.configure(configuration(
        f"""http2 {'on' if request.param == 'HTTP/2.0' else 'off'};
            access_log logs/access.log ways;
            location / {{ proxy_pass http://127.0.0.1:{pages}; }}
            location ~ ^/(echo|close|refuse) {{ proxy_pass http://127.0.0.1:{echo.port}; }}""",
        http="log_format ways '$server_protocol $uri $status';"
             "ssl_certificate %TLS%/a.example.pem; ssl_certificate_key %TLS%/a.example.key;",
        listen=f"listen 127.0.0.1:%PORT% {'ssl' if tls else ''};"))
    server.start()
    try:
        with Chromium(flags=["--host-resolver-rules=MAP a.example 127.0.0.1", "--ignore-certificate-errors"]) as page:
            page.open(f"{'https' if tls else 'http'}://a.example:{server.port}/")
            yield Chat(page, server, echo, request.param.split()[0])
    finally:
        server.stop()


def logged(chat, line):
    log = chat.server.prefix / "logs/access.log"
    return wait_for(line, lambda: line in log.read_text().splitlines())


def test_messages_come_back_and_the_close_is_clean(chat):
    chat.echo.seen.clear()
    assert chat.page.value(TALK) == ["h\u00e9llo", 21_000_000, 4000, True]
    wait_for("the end", lambda: chat.echo.seen)
    assert chat.echo.seen == [(4000, "enough")]
    logged(chat, f"{chat.protocol} /echo {200 if chat.protocol == 'HTTP/2.0' else 101}")     # as the client saw it


def test_the_applications_close_is_told(chat):
    assert chat.page.value(CLOSED % "/close/4321") == [4321, "as you asked"]


def test_a_refusal_fails_the_socket(chat):
    assert chat.page.value(CLOSED % "/refuse") == [1006, ""]
    logged(chat, f"{chat.protocol} /refuse 403")


def test_events_come_one_by_one(chat):
    Pages.go = threading.Semaphore(1)       # the last /go of the run before may have gone with its page
    assert chat.page.value(EVENTS) == ["0", "1", "2"]

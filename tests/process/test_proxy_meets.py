"""Proxying together with the rest: TLS upstreams, HTTP/2 clients, subrequests, rewrites, filters, reloads.  [nginx proxy_pass]"""

import re
import ssl
import struct
import threading

import pytest

from weir.authority import authority
from weir.http2 import Http2
from weir.recorder import Origin, answer, chunked
from weir.server import wait_for
from weir.wire import Connection, fetch

weir_only = pytest.mark.weir_only
pytestmark = weir_only


def proxy(make_server, origin, more="", uri="", **parts):
    return make_server(f"location / {{ proxy_pass http://127.0.0.1:{origin.port}{uri}; {more} }}", **parts).start()


# ---- https. ----

@pytest.fixture
def secure(make_server):
    """A server of two names behind TLS, and one that wants a certificate at PORT2."""
    def site(name, port="%PORT%", more=""):
        return (f"listen 127.0.0.1:{port} ssl; server_name {name}; ssl_certificate %TLS%/{name}.pem;"
                f"ssl_certificate_key %TLS%/{name}.key; {more}"
                'location / { return 200 "$ssl_server_name|$http_host|$request_uri|$ssl_client_s_dn|$ssl_session_reused"; }')
    wants = "ssl_verify_client on; ssl_client_certificate %TLS%/clients.pem;"
    return make_server(site("a.example"), listen="",
                       servers=[site("b.example"), site("a.example", "%PORT2%", wants)]).start()


TRUST = "proxy_ssl_trusted_certificate %TLS%/ca.pem;"


def ask(make_server, to, more, path="/x?y", **request):
    server = make_server(f"location / {{ proxy_pass {to}; {more} }}").start()
    got = fetch(server.port, path, **request)
    return server, got.status, got.body.decode()


def test_https_upstreams_are_verified_and_told_the_name(make_server, secure):
    _, status, body = ask(make_server, f"https://127.0.0.1:{secure.port}", TRUST + "proxy_ssl_name b.example;")
    assert (status, body.split("|")[:3]) == (200, ["b.example", f"127.0.0.1:{secure.port}", "/x?y"])


def test_the_name_of_an_upstream_is_that_of_its_host(make_server, secure):
    server = make_server(f"location / {{ proxy_pass https://a.example/z; {TRUST} proxy_ssl_verify_depth 1; }}",
                         http=f"upstream a.example {{ server 127.0.0.1:{secure.port}; }}").start()
    assert fetch(server.port).body.startswith(b"a.example|a.example|/z|")


@pytest.mark.parametrize("more", ["", TRUST, "proxy_ssl_trusted_certificate %TLS%/strangers.pem; proxy_ssl_name a.example;"])
def test_a_certificate_that_does_not_fit_is_502(make_server, secure, more):
    server, status, _ = ask(make_server, f"https://127.0.0.1:{secure.port}", more)
    assert status == 502
    wait_for("the line", lambda: "while SSL handshaking to upstream" in server.log())


def test_verification_can_be_turned_off(make_server, secure):
    _, status, body = ask(make_server, f"https://127.0.0.1:{secure.port}",
                          "proxy_ssl_verify off; proxy_ssl_server_name off;")
    assert (status, body.split("|")[0]) == (200, "")


def test_our_certificate_is_shown_to_those_who_want_one(make_server, secure):
    ours = "proxy_ssl_certificate %TLS%/alice.pem; proxy_ssl_certificate_key %TLS%/alice.key;"
    to = f"https://127.0.0.1:{secure.extra_ports['PORT2']}"
    _, status, body = ask(make_server, to, TRUST + "proxy_ssl_name a.example;" + ours)
    assert (status, body.split("|")[3]) == (200, "CN=alice,O=weir tests")
    assert ask(make_server, to, TRUST + "proxy_ssl_name a.example;")[1] == 400


@pytest.mark.parametrize("cache", ["", "proxy_ssl_certificate_cache max=1 inactive=1h valid=1h;",
                                   "proxy_ssl_certificate_cache max=10 valid=1ms;"])
def test_our_certificate_may_be_named_by_a_variable(make_server, secure, cache):
    """A connection that was made with one certificate serves no request for which it is another."""
    to = f"https://127.0.0.1:{secure.extra_ports['PORT2']}"
    server = make_server(f"location / {{ proxy_pass {to}; {TRUST} proxy_ssl_name a.example; {cache}"
                         "proxy_ssl_certificate $who$arg_in; proxy_ssl_certificate_key %TLS%/$arg_who.key; }",
                         http='map $arg_who $who { default %TLS%/$arg_who.pem; "" ""; }').start()
    with Connection(server.port) as c:
        for who in ("alice", "middle", "alice", "alice"):
            got = c.get(f"/?who={who}").body.decode().split("|")
            assert got[3] == f"CN={who},O=weir tests" and got[4] == "."
        assert c.get("/").status == 400
        assert c.get("/?who=nobody").status == 502
        assert "nobody.pem" in server.log()
        assert c.get("/?who=alice").status == 200


def test_a_scheme_may_be_a_variable(make_server, secure):
    _, status, body = ask(make_server, "$arg_s://127.0.0.1:$arg_p/z", TRUST + "proxy_ssl_name $arg_n;",
                          f"/?s=https&p={secure.port}&n=a.example")
    assert (status, body.split("|")[:3:2]) == (200, ["a.example", "/z"])


def test_a_body_goes_over_tls(make_server, secure):
    server = make_server(f"location / {{ proxy_pass https://127.0.0.1:{secure.port}; {TRUST} proxy_ssl_name a.example;"
                         "client_max_body_size 0; proxy_request_buffering off; }").start()
    with Connection(server.port) as c:
        for size in (0, 5, 200_000):
            assert c.get("/", "POST", body=b"x" * size).status in (200, 413)


@pytest.mark.parametrize("conf, says", [
    ("proxy_ssl_certificate %TLS%/alice.pem;", "no \"proxy_ssl_certificate_key\""),
    ("proxy_ssl_trusted_certificate %TLS%/none;", "none"),
    ("proxy_ssl_protocols TLSv9;", "no versions of TLS"),
    ("proxy_ssl_certificate_cache valid=1s;", 'must have the "max" parameter'),
    ("proxy_ssl_certificate_cache max=0;", 'invalid parameter "max=0"'),
])
def test_mistakes_about_tls_are_found_at_load(make_server, conf, says):
    result = make_server(f"location / {{ proxy_pass https://127.0.0.1:1; {conf} }}").run("-t")
    assert result.returncode != 0 and says in result.stderr


# ---- HTTP/2 clients. ----

H2 = "listen 127.0.0.1:%PORT%; http2 on;"


def test_a_request_of_http_2_is_passed_on(make_server):
    with Origin(lambda r: chunked(b"abc", b"def", fields=[("X-A", "1")], trailers=[("X-T", "2")])) as origin:
        server = proxy(make_server, origin, "proxy_pass_trailers on; proxy_set_header X-H $http_host;", listen=H2)
        with Http2(server.port) as c:
            got = c.get("/a?b", fields=[("x-one", "1"), ("te", "trailers"), ("cookie", "a=b"), ("cookie", "c=d")])
        assert (got.status, got.body, got.get("x-a"), got.trailers) == (200, b"abcdef", "1", [("x-t", "2")])
    sent = origin.requests[0]
    assert sent.line == "GET /a?b HTTP/1.1" and sent.get("x-one") == "1" and sent.get("TE") == "trailers"
    assert sent.get("X-H") == "a" and sent.get("Via") == "2.0 weir"
    assert "; ".join(sent.all("Cookie")) == "a=b; c=d"
    assert not any(name.startswith(":") for name, _ in sent.fields)


@pytest.mark.parametrize("buffering", ["on", "off"])
@pytest.mark.parametrize("size", [0, 10, 60_000])
def test_a_body_of_http_2_is_passed_on(make_server, buffering, size):
    body = bytes(i % 251 for i in range(size))
    with Origin(lambda r: answer(r.body)) as origin:
        server = proxy(make_server, origin, f"proxy_request_buffering {buffering};", listen=H2)
        with Http2(server.port) as c:
            got = c.get("/", method="POST", body=body)
            assert (got.status, got.body) == (200, body)
    assert origin.requests[0].body == body


def test_early_hints_reach_a_client_of_http_2(make_server):
    hint = b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
    with Origin(lambda r: iter([hint, 0.05, answer()])) as origin:
        server = proxy(make_server, origin, "early_hints 1;", listen=H2)
        with Http2(server.port) as c:
            got = c.get("/")
            assert got.status == 200 and len(got.interim) == 1


def test_a_stream_that_is_reset_ends_the_exchange(make_server):
    ended = threading.Event()
    def script(request):
        if request.sock.recv(1) == b"":
            ended.set()
    with Origin(script) as origin:
        server = proxy(make_server, origin, listen=H2)
        with Http2(server.port) as c:
            stream = c.request("/")
            wait_for("the origin", lambda: origin.requests)
            c.reset(stream)
            assert ended.wait(30)


def test_a_body_that_is_cut_resets_the_stream(make_server):
    def script(request):
        request.last = True
        return b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n"
    with Origin(script) as origin:
        server = proxy(make_server, origin, listen=H2)
        with Http2(server.port) as c:
            assert c.reset_of(c.request("/")) != 0


def connect(c, path="/ws", protocol="websocket"):
    return c.request(raw=[(":method", "CONNECT"), (":protocol", protocol), (":scheme", "http"), (":path", path),
                          (":authority", "a"), ("sec-websocket-version", "13")], end=False)


def test_a_tunnel_of_http_2_is_an_upgrade_for_the_upstream(make_server):
    def script(request):
        request.sock.sendall(b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n"
                             b"Sec-WebSocket-Accept: x\r\n\r\nhi")
        while data := request.sock.recv(65536):
            request.sock.sendall(data.upper())
        request.sock.sendall(b"END")
    with Origin(script) as origin:
        server = proxy(make_server, origin, listen=H2)
        with Http2(server.port) as c:
            stream = connect(c)
            c.until("the head", lambda: stream in c.answers and c.answers[stream].status)
            assert c.answers[stream].status == 200 and c.answers[stream].get("upgrade") is None
            c.body(stream, b"hello", end=False)
            c.until("the echo", lambda: c.answers[stream].body == b"hiHELLO")
            c.body(stream, b"bye")
            c.until("the end", lambda: stream in c.ended)
            assert c.answers[stream].body == b"hiHELLOBYEEND"
    sent = origin.requests[0]
    assert sent.line == "GET /ws HTTP/1.1" and sent.get("Upgrade") == "websocket" and sent.get("Connection") == "upgrade"
    assert re.fullmatch("[A-Za-z0-9+/]{21}[AQgw]==", sent.get("Sec-WebSocket-Key"))


@pytest.mark.parametrize("conf, status, said", [("", 403, "403 No"), ("", 502, "200 OK"), ("proxy_upgrade off;", 501, "200 OK")])
def test_a_tunnel_of_http_2_may_be_refused(make_server, conf, status, said):
    with Origin(lambda r: answer(b"no", said)) as origin:
        server = proxy(make_server, origin, conf, listen=H2)
        with Http2(server.port) as c:
            stream = connect(c)
            c.until("the head", lambda: stream in c.answers and c.answers[stream].status)
            assert c.answers[stream].status == status


# ---- Subrequests. ----

ASKER = "load_module %MODULE:asker%;"


@pytest.fixture
def asker(make_server):
    """A server that asks itself about an origin, which tells what it got."""
    def script(request):
        return answer(f"{request.method} {request.target} {request.body.decode()}".encode(),
                      {"/no": "403 No"}.get(request.target, "200 OK"), [("X-Field", "f")])
    with Origin(script) as origin:
        passes = f"proxy_pass http://127.0.0.1:{origin.port}"
        server = make_server(f"location /ask {{ ask /sub/x?y; }} location /sub/ {{ {passes}/; }}"
                             f"location /big {{ ask /sub/big; }} location /in {{ ask_first /check$arg_a; }}"
                             f"location /pass {{ ask_first /check$arg_a; {passes}; }}"
                             f"location /check {{ {passes}/; internal; }} location /checkno {{ {passes}/no; internal; }}"
                             "location /thrice { ask_thrice /sub/$arg_a; } location /down { ask /none; }"
                             "location /none { proxy_pass http://127.0.0.1:1; }", main=ASKER, files={"in": b"in"}).start()
        server.origin = origin
        yield server


def test_a_subrequest_may_be_proxied(asker):
    assert fetch(asker.port, "/ask").body == b"200 f GET /x?y "


def test_a_subrequest_takes_its_body_along(asker):
    assert fetch(asker.port, "/ask", "POST", body=b"body").body == b"200 f POST /x?y body"


def test_a_subrequest_to_nobody_is_502(asker):
    assert fetch(asker.port, "/down").body.startswith(b"502 - ")


@pytest.mark.parametrize("path, status", [("/in", 200), ("/in?a=no", 403), ("/pass", 200), ("/pass?a=no", 403)])
def test_a_proxied_location_may_say_who_is_let_in(asker, path, status):
    assert fetch(asker.port, path).status == status
    assert len(asker.origin.requests) == (2 if path == "/pass" else 1)


def test_a_request_and_its_subrequest_may_both_be_proxied(asker):
    assert fetch(asker.port, "/pass", "POST", body=b"mine").body == b"POST /pass mine"
    assert [r.line.split()[0] for r in asker.origin.requests] == ["GET", "POST"]


def test_several_subrequests_make_one_page(asker):
    assert fetch(asker.port, "/thrice?a=z").body == b"GET /z " * 3


# ---- Rewrites. ----

@pytest.mark.parametrize("conf, path, want", [
    ("location /a/ { rewrite ^/a/(.*) /b/$1 break; proxy_pass http://O; }", "/a/%41%20?q", "/b/A%20?q"),
    ("location /a/ { rewrite ^/a/(.*) /b/$1 break; proxy_pass http://O/x/; }", "/a/c", "/b/c"),
    ("rewrite ^/a/(.*) /b/$1; location /b/ { proxy_pass http://O/x/; }", "/a/c?q", "/x/c?q"),
    ("location / { if ($arg_x) { proxy_pass http://O; } return 404; }", "/a?x=1", None),
    ("location / { if ($arg_x) { set $y 1; } proxy_pass http://O; }", "/%41?x=1", "/%41?x=1"),
    ("location / { set $args n=1; proxy_pass http://O; }", "/a%20b?x=1", "/a%20b?n=1"),
    ("location / { set $to O; proxy_pass http://$to; }", "/%41?x=1", "/%41?x=1"),
])
def test_rewrites_decide_what_is_asked_for(make_server, conf, path, want):
    with Origin() as origin:
        server = make_server(conf.replace("O;", f"127.0.0.1:{origin.port};").replace("O/", f"127.0.0.1:{origin.port}/")).start()
        got = fetch(server.port, path)
        assert (got.status, origin.requests[0].target if origin.requests else None) == (200 if want else 404, want)


# ---- Names, reloads. ----

def test_a_group_may_be_named_by_a_variable(make_server):
    with Origin() as origin:
        server = make_server("location / { proxy_pass http://$arg_g/x; }",
                             http=f"upstream app {{ server 127.0.0.1:{origin.port}; }}").start()
        assert fetch(server.port, "/?g=app").status == 200
        assert fetch(server.port, "/?g=localhost:%d" % origin.port).status == 200
        assert fetch(server.port, "/?g=").status == 500
        assert [r.get("Host") for r in origin.requests] == ["app", f"localhost:{origin.port}"]


def test_a_reload_breaks_nothing_that_is_proxied(make_server):
    go = threading.Event()
    with Origin(lambda r: iter([b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nabc", go, b"def"])) as origin:
        server = proxy(make_server, origin, single=False)
        with Connection(server.port) as c:
            c.sock.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            c.until(b"abc")
            old = server.workers()
            server.kill(1)
            wait_for("new workers", lambda: set(server.workers()) - set(old))
            go.set()
            c.until(b"def")


def test_metrics_count_replies_and_failures(make_server):
    with Origin(lambda r: answer(b"", "404 No")) as origin:
        server = make_server(f"location / {{ proxy_pass http://127.0.0.1:{origin.port}; }}"
                             "location /none { proxy_pass http://127.0.0.1:1; } location /m { metrics prometheus; }").start()
        for path in ("/", "/", "/none"):
            fetch(server.port, path)
        text = fetch(server.port, "/m").body.decode()
        assert re.search(r'^weir_proxy_replies_total\{class="4xx"\} 2$', text, re.M)
        assert re.search(r'^weir_proxy_failures_total\{reason="error"\} 1$', text, re.M)

"""Proxying with an origin that keeps what it gets: fields, URIs, bodies, replies.  [nginx ngx_http_proxy_module; RFC 9110 7.6]"""

import socket
import threading
import time

import pytest

from weir.recorder import Origin, answer, chunked
from weir.server import FLAVOUR, status_kb, wait_for
from weir.wire import TIMEOUT, Connection, ReceiveQueue, fetch

weir_only = pytest.mark.weir_only


@pytest.fixture
def origin():
    with Origin() as made:
        yield made


def proxy(make_server, origin, more="", uri="", location="/", **parts):
    """A server whose location passes everything to origin."""
    return make_server(f"location {location} {{ proxy_pass http://127.0.0.1:{origin.port}{uri}; {more} }}",
                       **parts).start()


def asked(make_server, origin, path="/", more="", uri="", location="/", **request):
    """The request that arrives at the origin."""
    server = proxy(make_server, origin, more, uri, location)
    assert fetch(server.port, path, **request).status == 200
    return origin.requests[-1]


# ---- Fields of requests. ----

@weir_only                              # nginx before 1.29.7 speaks HTTP/1.0 and closes
def test_a_request_without_settings_has_the_upstreams_host_and_the_clients_fields(make_server, origin):
    got = asked(make_server, origin, "/a?b", fields=["X-One: 1", "Accept: */*"])
    assert got.line == "GET /a?b HTTP/1.1"
    assert got.get("Host") == f"127.0.0.1:{origin.port}"
    assert (got.get("X-One"), got.get("Accept")) == ("1", "*/*")
    assert got.get("Connection") is None


@pytest.mark.parametrize("name", ["Keep-Alive", "TE", "Upgrade", "Expect", "Transfer-Encoding"])
def test_fields_of_the_clients_connection_stay_here(make_server, origin, name):
    value = {"Expect": "100-continue"}.get(name, "trailers")
    if name == "Transfer-Encoding":
        got = asked(make_server, origin, method="GET", fields=["X: y"])
    else:
        got = asked(make_server, origin, fields=[f"{name}: {value}"])
    assert got.get(name) is None


@weir_only
def test_fields_that_connection_names_stay_here(make_server, origin):
    got = asked(make_server, origin, fields=["Connection: X-Mine, close", "X-Mine: 1", "X-Other: 2", "Proxy-Connection: x"])
    assert got.get("X-Mine") is None and got.get("Proxy-Connection") is None
    assert got.get("X-Other") == "2"


@weir_only
@pytest.mark.parametrize("name", ["Cookie", "Authorization", "X-Forwarded-For", "X-Real-IP", "X-Forwarded-Host", "Host"])
def test_a_client_cannot_have_fields_taken_away_that_are_for_the_application(make_server, origin, name):
    fields = [f"Connection: {name}"] + ([] if name == "Host" else [f"{name}: v"])
    assert asked(make_server, origin, fields=fields).get(name)


def test_set_fields_take_the_place_of_the_clients(make_server, origin):
    got = asked(make_server, origin, "/?q=7", "proxy_set_header X-Q $arg_q; proxy_set_header X-None $arg_none;"
                "proxy_set_header x-two 2; proxy_set_header Host $host;",
                fields=["X-Q: client", "X-None: client", "X-Two: client"])
    assert got.all("X-Q") == ["7"] and got.all("X-None") == [] and got.all("X-Two") == ["2"]
    assert got.get("Host") == "a"


def test_set_fields_are_inherited_only_where_none_stands(make_server, origin):
    server = make_server(f"proxy_set_header X-A 1; location /a {{ proxy_pass http://127.0.0.1:{origin.port}; }}"
                         f"location /b {{ proxy_pass http://127.0.0.1:{origin.port}; proxy_set_header X-B 2; }}").start()
    fetch(server.port, "/a")
    fetch(server.port, "/b")
    assert [(r.get("X-A"), r.get("X-B")) for r in origin.requests] == [("1", None), (None, "2")]


@weir_only
def test_a_value_with_a_line_break_is_not_sent(make_server, origin):
    server = proxy(make_server, origin, "proxy_set_header X-Path $uri;")
    assert fetch(server.port, "/a%0d%0aX-Evil:%201").status == 500
    assert origin.requests == []
    assert "control character" in server.log()


def test_the_clients_fields_can_be_kept_back(make_server, origin):
    got = asked(make_server, origin, more="proxy_pass_request_headers off;", fields=["X-One: 1"])
    assert got.get("X-One") is None and got.get("Host")


@weir_only
def test_via_names_the_protocol_that_came(make_server, origin):
    got = asked(make_server, origin, fields=["Via: 1.0 first"])
    assert got.all("Via") == ["1.0 first, 1.1 weir"]


@weir_only
@pytest.mark.parametrize("preset, want", [
    ("x", {"X-Forwarded-For": "192.0.2.1, 127.0.0.1", "X-Forwarded-Proto": "http",
           "X-Forwarded-Host": "a", "X-Real-IP": "127.0.0.1"}),
    ("rfc7239", {"Forwarded": 'for=127.0.0.1;host="a";proto=http', "X-Forwarded-For": "192.0.2.1"}),
    ("off", {"X-Forwarded-For": "192.0.2.1", "X-Real-IP": "forged"}),
])
def test_presets_tell_who_asked(make_server, origin, preset, want):
    got = asked(make_server, origin, more=f"proxy_forwarded {preset};",
                fields=["X-Forwarded-For: 192.0.2.1", "X-Real-IP: forged", "X-Forwarded-Host: forged"])
    assert {n: ", ".join(got.all(n)) for n in want} == want


@pytest.mark.parametrize("came, kept", [
    (["for=192.0.2.1"], "for=192.0.2.1, "), (['for="[2001:db8::1]"', "by=x"], 'for="[2001:db8::1]", by=x, '),
    (['for="a\\"b"'], 'for="a\\"b", '), (['for="a'], ""), (['for="a\\"'], ""), (['for="a\\'], ""), (["for=b", 'x="'], "for=b, ")])
def test_nobody_can_take_into_quotes_what_is_said_of_him(make_server, origin, came, kept):
    """[RFC 7239 4, RFC 9110 5.6.4]"""
    got = asked(make_server, origin, more="proxy_forwarded rfc7239;", fields=[f"Forwarded: {c}" for c in came])
    assert got.all("Forwarded") == [kept + 'for=127.0.0.1;host="a";proto=http']


def test_add_x_forwarded_for_adds(make_server, origin):
    got = asked(make_server, origin, more="proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;",
                fields=["X-Forwarded-For: 192.0.2.1"])
    assert got.all("X-Forwarded-For") == ["192.0.2.1, 127.0.0.1"]


@weir_only
@pytest.mark.parametrize("hops, passed", [("3", "2"), ("1", "0"), ("x", "x")])
def test_max_forwards_of_options_counts_down(make_server, origin, hops, passed):
    got = asked(make_server, origin, method="OPTIONS", fields=[f"Max-Forwards: {hops}"])
    assert got.all("Max-Forwards") == [passed]


@weir_only
def test_options_without_hops_left_is_answered_here(make_server, origin):
    server = proxy(make_server, origin)
    got = fetch(server.port, "/", "OPTIONS", fields=["Max-Forwards: 0"])
    assert got.status == 200 and "GET" in got.get("Allow") and origin.requests == []


def test_http_1_0_is_spoken_when_told_to(make_server, origin):
    got = asked(make_server, origin, more="proxy_http_version 1.0;")
    assert got.line == "GET / HTTP/1.0" and got.get("Connection") == "close"


# ---- URIs. ----

URIS = [
    # location, URI of proxy_pass, path asked for, path that arrives
    ("/", "", "/a%20b/%41?x=%20&y", "/a%20b/%41?x=%20&y"),
    ("/", "", "/a/../b", "/a/../b"),
    ("/", "/", "/a/../b%20c", "/b%20c"),
    ("/a/", "/b/", "/a/c", "/b/c"),
    ("/a/", "/b/", "/a/c?d=e&f", "/b/c?d=e&f"),
    ("/a/", "/b", "/a/c", "/bc"),
    ("/a", "/b/", "/a/c", "/b//c"),
    ("/a/", "/", "/a/%41%2B%25", "/A+%25"),
    ("= /a", "/b", "/a?c", "/b?c"),
    ("^~ /a/", "/b/", "/a/c", "/b/c"),
    ("~ ^/a/", "", "/a/%7Eb?c", "/a/%7Eb?c"),
    ("/a/", "/b?c=d", "/a/", "/b?c=d"),
]


@pytest.mark.parametrize("location, uri, path, want", URIS)
def test_the_path_that_arrives(make_server, origin, location, uri, path, want):
    assert asked(make_server, origin, path, "", uri, location).target == want


@pytest.mark.parametrize("behind, want", [("/x?y", "/x?y"), ("?y", "/?y"), ("/", "/"), ("", "/")])
def test_an_absolute_target_arrives_in_origin_form(make_server, origin, behind, want):
    """An empty path is the root's.  [RFC 9112 3.2.1]"""
    server = proxy(make_server, origin)
    with Connection(server.port) as c:
        c.send(f"GET http://b.example{behind} HTTP/1.1\r\nHost: b.example\r\n\r\n".encode())
        assert c.response().status == 200
    assert origin.requests[0].target == want


@pytest.mark.parametrize("value, want", [
    ("http://$arg_h", "/p/%41?h=H"), ("http://$arg_h/z", "/z"), ("http://$arg_h/z$is_args$args", "/z?h=H"),
    ("http://$arg_h$uri", "/p/A"),
])
def test_variables_say_where_to(make_server, origin, value, want):
    server = make_server(f"location / {{ proxy_pass {value}; }}").start()
    where = f"127.0.0.1:{origin.port}"
    assert fetch(server.port, f"/p/%41?h={where}").status == 200
    assert origin.requests[0].target == want.replace("H", where)


def test_a_named_location_passes_the_uri_as_it_came(make_server, origin):
    server = make_server(f"location / {{ try_files /none @app; }}"
                         f"location @app {{ proxy_pass http://127.0.0.1:{origin.port}; }}").start()
    assert fetch(server.port, "/a%20b/../c?d").status == 200
    assert origin.requests[0].target == "/a%20b/../c?d"


def test_a_location_within_does_not_inherit_where_to(make_server, origin):
    server = proxy(make_server, origin, "location /in { return 204; } location /none { root /nowhere; }")
    assert [fetch(server.port, p).status for p in ("/x", "/in", "/none")] == [200, 204, 404]


def test_limit_except_inherits_where_to(make_server, origin):
    server = proxy(make_server, origin, "limit_except GET { allow all; }")
    assert fetch(server.port, "/").status == 200
    assert fetch(server.port, "/", "POST", body=b"x").status == 200
    assert [r.method for r in origin.requests] == ["GET", "POST"]


def test_a_unix_socket_is_an_upstream(make_server, tmp_path):
    path = str(tmp_path / "s")
    with Origin(path=path) as origin:
        server = make_server(f"location /a/ {{ proxy_pass http://unix:{path}:/b/; }}"
                             f"location / {{ proxy_pass http://unix:{path}; }}").start()
        assert fetch(server.port, "/a/c").status == 200 and fetch(server.port, "/d").status == 200
        assert [(r.target, r.get("Host")) for r in origin.requests] == [("/b/c", "localhost"), ("/d", "localhost")]


def test_a_group_is_an_upstream(make_server, origin):
    server = make_server("location / { proxy_pass http://app/x/; }",
                         http=f"upstream app {{ server 127.0.0.1:{origin.port}; }}").start()
    assert fetch(server.port, "/d").status == 200
    assert (origin.requests[0].target, origin.requests[0].get("Host")) == ("/x/d", "app")


@pytest.mark.parametrize("conf, says", [
    ("location ~ a { proxy_pass http://127.0.0.1:1/b; }", "cannot have URI part"),
    ("location @a { proxy_pass http://127.0.0.1:1/; }", "cannot have URI part"),
    ("location / { limit_except GET { proxy_pass http://127.0.0.1:1/; } }", "cannot have URI part"),
    ("location / { proxy_pass 127.0.0.1:1; }", "invalid URL prefix"),
    ("location / { proxy_pass http://; }", "no host in upstream"),
    ("location / { proxy_pass http://a:99999; }", "invalid port in upstream"),
    ("location / { proxy_pass http://a:; }", "invalid port in upstream"),
    ("location / { proxy_pass http://$host; proxy_redirect default; }", "cannot be used with"),
    ("location / { proxy_pass http://127.0.0.1:1; proxy_buffers 1 4k; }", "at least 2"),
    ("proxy_pass http://127.0.0.1:1;", "not allowed here"),
])
def test_what_cannot_be_is_refused_at_load(make_server, conf, says):
    server = make_server(conf)
    result = server.run("-t")
    assert result.returncode != 0 and says in result.stderr + result.stdout


# ---- Methods and bodies of requests. ----

@weir_only
@pytest.mark.parametrize("size", [0, 1, 10_000, 300_000])
@pytest.mark.parametrize("buffering", ["on", "off"])
@pytest.mark.parametrize("chunk", [False, True])
def test_a_body_arrives_whole(make_server, origin, size, buffering, chunk):
    body = bytes(i * 11 % 256 for i in range(size))
    server = proxy(make_server, origin, f"proxy_request_buffering {buffering}; client_max_body_size 1m;")
    with Connection(server.port) as c:
        if chunk:
            c.send(b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n" +
                   b"".join(b"%x\r\n%s\r\n" % (len(p), p) for p in
                            (body[i:i + 5000] for i in range(0, size, 5000))) + b"0\r\n\r\n", methods=[b"POST"])
        else:
            c.send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % size + body, methods=[b"POST"])
        assert c.response().status == 200
        assert c.get("/").status == 200
    got = origin.requests[0]
    assert got.whole and got.body == body
    if buffering == "on" or not chunk:
        assert got.all("Content-Length") == [str(size)] and got.get("Transfer-Encoding") is None
    else:
        assert got.all("Transfer-Encoding") == ["chunked"] and got.get("Content-Length") is None


def test_a_buffered_body_is_not_sent_before_it_is_whole(make_server, origin):
    server = proxy(make_server, origin)
    with Connection(server.port) as c:
        c.sock.sendall(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 6\r\n\r\nabc")
        time.sleep(0.2)
        assert origin.connections == 0
        c.send(b"def", methods=[b"POST"])
        assert c.response().status == 200
    assert origin.requests[0].body == b"abcdef"


def test_an_unbuffered_body_is_sent_as_it_comes(make_server):
    first = threading.Event()
    def script(request):
        assert request.stream.read(3) == b"abc"
        first.set()
        assert request.stream.read(3) == b"def"
        return answer()
    with Origin(script, early=True) as origin:
        server = proxy(make_server, origin, "proxy_request_buffering off;")
        with Connection(server.port) as c:
            c.sock.sendall(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 6\r\n\r\nabc")
            assert first.wait(30)
            c.send(b"def", methods=[b"POST"])
            assert c.response().status == 200


@weir_only
def test_a_slow_upstream_stops_an_unbuffered_upload(make_server):
    go = threading.Event()
    def script(request):
        go.wait(30)
        left = int(request.get("Content-Length"))
        while left:
            left -= len(request.stream.read(min(left, 1 << 20)))
        return answer()
    with Origin(script, early=True) as origin:
        server = proxy(make_server, origin, "proxy_request_buffering off; client_max_body_size 0;")
        total = 64 << 20
        with Connection(server.port) as c:
            c.sock.sendall(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % total)
            c.sock.settimeout(0.5)
            sent = 0
            try:
                while sent < total:
                    sent += c.sock.send(bytes(min(65536, total - sent)))
            except TimeoutError:
                pass
            assert sent < total
            assert status_kb(server.process.pid, "VmHWM") < 60_000
            go.set()
            c.sock.settimeout(TIMEOUT)
            while sent < total:
                sent += c.sock.send(bytes(min(65536, total - sent)))
            c.methods.append(b"POST")
            assert c.response().status == 200


@weir_only
def test_an_upload_that_has_to_wait_for_the_upstream_goes_on(make_server):
    """Of more than may wait, all goes out at once when the group's only place is free: no later event says that there is room."""
    go, body = threading.Event(), bytes(600_000)
    def script(request):
        if request.method == "GET":
            go.wait(30)
        return answer(b"%d" % len(request.body))
    with Origin(script) as origin:
        server = make_server("location / { proxy_pass http://up; proxy_request_buffering off; client_max_body_size 0; }",
                             http=f"upstream up {{ zone z 64k; server 127.0.0.1:{origin.port} max_conns=1; "
                                  "queue 2 timeout=60s; keepalive 1; }").start()
        with Connection(server.port) as first, Connection(server.port) as c:
            first.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            wait_for("the origin", lambda: origin.requests)
            c.send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body), methods=[b"POST"])
            queue = ReceiveQueue(c.sock)
            wait_for("more than may wait is there", lambda: 0 < queue.unread() < len(body) - 100_000)
            go.set()
            assert first.response().status == 200
            assert c.response().body == b"%d" % len(body)


def test_an_upload_that_breaks_off_ends_the_exchange(make_server):
    seen = []
    def script(request):
        seen.append(request.stream.read(6))
        return answer()
    with Origin(script, early=True) as origin:
        server = proxy(make_server, origin, "proxy_request_buffering off;")
        with Connection(server.port) as c:
            c.sock.sendall(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 6\r\n\r\nabc")
            wait_for("the origin", lambda: origin.requests)
        wait_for("the end", lambda: seen)
        assert seen == [b"abc"]


def test_an_answer_before_the_whole_upload_arrives(make_server):
    with Origin(lambda r: answer(b"early", "413 Too Large", [("Connection", "close")]), early=True) as origin:
        server = proxy(make_server, origin, "proxy_request_buffering off; client_max_body_size 0;")
        with Connection(server.port) as c:
            c.send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\nabc", methods=[b"POST"])
            got = c.response()
            assert (got.status, got.body) == (413, b"early")


def test_body_and_method_can_be_replaced(make_server, origin):
    got = asked(make_server, origin, "/", "proxy_method PUT; proxy_set_body <$request_method>;")
    assert (got.method, got.body, got.get("Content-Length")) == ("PUT", b"<GET>", "5")


@weir_only
def test_a_body_that_is_not_passed_on_has_no_length(make_server, origin):
    got = asked(make_server, origin, "/", "proxy_pass_request_body off;", method="POST", body=b"abc")
    assert got.get("Content-Length") is None and got.body == b""


@weir_only
def test_settings_cannot_say_another_length(make_server, origin):
    got = asked(make_server, origin, "/", "proxy_set_header Content-Length 99; proxy_set_header Transfer-Encoding x;",
                method="POST", body=b"abc")
    assert got.all("Content-Length") == ["3"] and got.get("Transfer-Encoding") is None


@weir_only
@pytest.mark.parametrize("body", [b"", b"abc", b"x" * 100_000], ids=["none", "short", "long"])
@pytest.mark.parametrize("buffering", ["on", "off"])
def test_trailers_of_an_upload_pass_when_wanted(make_server, origin, body, buffering):
    server = proxy(make_server, origin, f"proxy_request_buffering {buffering}; proxy_pass_trailers on;")
    with Connection(server.port) as c:
        c.send(b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n" +
               (b"%x\r\n%s\r\n" % (len(body), body) if body else b"") +
               b"0\r\nX-T: 1\r\nHost: evil\r\nX-Forwarded-For: evil\r\nX-U: 2\r\n\r\n", methods=[b"POST"])
        assert c.response().status == 200
        assert c.get("/").status == 200
    assert origin.requests[0].body == body
    assert origin.requests[0].trailers == [("X-T", "1"), ("X-U", "2")]


@weir_only
def test_a_whole_upload_without_trailers_keeps_its_length(make_server, origin):
    server = proxy(make_server, origin, "proxy_pass_trailers on;")
    with Connection(server.port) as c:
        c.send(b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nHost: evil\r\n\r\n",
               methods=[b"POST"])
        assert c.response().status == 200
    got = origin.requests[0]
    assert got.all("Content-Length") == ["3"] and got.get("Transfer-Encoding") is None and got.body == b"abc"


def test_trailers_of_an_upload_are_read_off(make_server, origin):
    server = proxy(make_server, origin)
    with Connection(server.port) as c:
        c.send(b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nX-T: 1\r\n\r\n",
               methods=[b"POST"])
        assert c.response().status == 200
    assert origin.requests[0].body == b"abc"


@pytest.mark.parametrize("buffering", ["on", "off"])
@pytest.mark.parametrize("body, chunked, want", [(None, False, ["0", ""]), (b"abc", False, ["3", ""]), (b"abc", True, ["3", ""])])
def test_the_body_that_is_sent_has_variables(make_server, origin, body, chunked, want, buffering):
    """[nginx ngx_http_proxy_module $proxy_internal_body_length, $proxy_internal_chunked]"""
    server = proxy(make_server, origin, f"proxy_request_buffering {buffering}; proxy_http_version 1.1;"
                   "proxy_set_header X-Length $proxy_internal_body_length; proxy_set_header X-Chunked $proxy_internal_chunked;")
    with Connection(server.port) as c:
        framing = b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n" if chunked else b"Content-Length: 3\r\n\r\nabc" if body else b"\r\n"
        c.send(b"POST / HTTP/1.1\r\nHost: a\r\n" + framing, methods=[b"POST"])
        assert c.response().status == 200
    if chunked and buffering == "off":
        want = ["", "chunked"]
    assert [origin.requests[0].get("X-Length", ""), origin.requests[0].get("X-Chunked", "")] == want

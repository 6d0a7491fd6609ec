"""Proxying: the head of the answer, and who else may answer.  [nginx ngx_http_proxy_module]"""

import pytest

from weir.recorder import Origin, answer, chunked
from weir.server import FLAVOUR, wait_for
from weir.wire import Connection, fetch

weir_only = pytest.mark.weir_only


def answered(make_server, reply, more="", path="/", location="/", uri="", request=None, **parts):
    """What a client gets for a reply (bytes, or a function of the origin)."""
    with Origin(lambda r: reply(origin) if callable(reply) else reply) as origin:
        server = make_server(f"location {location} {{ proxy_pass http://127.0.0.1:{origin.port}{uri}; {more} }}",
                             **parts).start()
        return fetch(server.port, path, **(request or {}))


# ---- Fields. ----

def test_status_reason_fields_and_body_pass(make_server):
    got = answered(make_server, answer(b"x", "207 Several Things", [("X-A", "1"), ("x-a", "2"), ("ETag", '"e"')]))
    assert (got.status, got.reason, got.body) == (207, "Several Things", b"x")
    assert got.all("X-A") == ["1", "2"] and got.get("ETag") == '"e"'


def test_date_and_server_are_ours_unless_they_are_passed(make_server):
    reply = answer(fields=[("Date", "Sun, 06 Nov 1994 08:49:37 GMT"), ("Server", "theirs")])
    got = answered(make_server, reply)
    assert got.get("Server") != "theirs" and got.get("Date") != "Sun, 06 Nov 1994 08:49:37 GMT"
    got = answered(make_server, reply, "proxy_pass_header Date; proxy_pass_header Server;")
    assert got.all("Server") == ["theirs"] and got.all("Date") == ["Sun, 06 Nov 1994 08:49:37 GMT"]


@pytest.mark.parametrize("name", ["X-Pad", "X-Accel-Expires", "X-Accel-Charset"])
def test_fields_for_us_are_not_passed_unless_told_to(make_server, name):
    reply = answer(fields=[(name, "v")])
    assert answered(make_server, reply).get(name) is None
    assert answered(make_server, reply, f"proxy_pass_header {name};").get(name) == "v"


def test_fields_can_be_hidden(make_server):
    got = answered(make_server, answer(fields=[("X-Secret", "1"), ("ETag", '"e"'), ("X-Open", "2")]),
                   "proxy_hide_header x-secret; proxy_hide_header ETag;")
    assert got.get("X-Secret") is None and got.get("ETag") is None and got.get("X-Open") == "2"


def test_fields_of_the_upstreams_connection_stay_here(make_server):
    got = answered(make_server, answer(fields=[("Connection", "X-Hop"), ("X-Hop", "1"), ("Keep-Alive", "timeout=9"),
                                               ("X-End", "2")]))
    assert got.get("X-End") == "2" and got.get("Keep-Alive") is None


def test_fields_keep_their_order_whatever_stands_between(make_server):
    fields = [("X-A", "1"), ("Date", "x"), ("ETag", '"e"'), ("Connection", "X-Hop"), ("X-Hop", "1"), ("X-B", "2"),
              ("Location", "/else"), ("X-C", "3"), ("Proxy-Connection", "x"), ("X-A", "4"), ("Set-Cookie", "a=b")]
    got = answered(make_server, answer(b"x", fields=fields), "proxy_redirect /else /there;")
    passed = [(name, value) for name, value in got.fields if name not in ("Server", "Date", "Content-Length", "Connection")]
    assert passed == [("X-A", "1"), ("ETag", '"e"'), ("X-B", "2"), ("Location", got.get("Location")), ("X-C", "3"),
                      ("X-A", "4"), ("Set-Cookie", "a=b")]
    assert got.get("Location").endswith("/there")


@weir_only      # nginx: since 1.23
@pytest.mark.parametrize("name, first, second", [("Content-Type", "text/plain", "text/html"), ("ETag", '"a"', '"b"'),
                                                 ("Location", "/a", "/b"),
                                                 ("Last-Modified", "Sun, 06 Nov 1994 08:49:37 GMT", "never")])
def test_of_a_field_that_says_one_thing_the_first_line_counts(make_server, name, first, second):
    got = answered(make_server, answer(fields=[(name, first), ("X-A", "1"), ("X-A", "2"), (name, second)]), "proxy_redirect off;")
    assert got.all(name) == [first] and got.all("X-A") == ["1", "2"]


@pytest.mark.parametrize("line", [b"X-A:1", b"X-A:  1", b"X-A: 1 ", b"X-A:\t1", b"x-a: 1"])
def test_lines_are_passed_with_one_blank_and_none_behind(make_server, line):
    reply = b"HTTP/1.1 200 OK\r\nX-0: 0\r\n" + line + b"\r\nX-2: 2\r\nContent-Length: 1\r\n\r\nx"
    got = answered(make_server, lambda origin: reply)
    name = line[:3].decode()
    assert (name, "1") in got.fields and got.get("X-0") == "0" and got.get("X-2") == "2"


def test_a_chunked_reply_is_chunked_again(make_server):
    got = answered(make_server, chunked(b"abc", b"defg", fields=[("X-A", "1")]))
    assert got.body == b"abcdefg" and got.get("Content-Length") is None and got.get("X-A") == "1"


def test_a_reply_that_ends_with_its_connection_is_passed(make_server):
    def script(request):
        request.last = True
        return answer(b"until the end", length=None)
    with Origin(script) as origin:
        server = make_server(f"location / {{ proxy_pass http://127.0.0.1:{origin.port}; }}").start()
        assert fetch(server.port).body == b"until the end"


@pytest.mark.parametrize("status", [204, 304])
def test_a_reply_without_body_passes(make_server, status):
    got = answered(make_server, answer(b"", f"{status} None", [("ETag", '"e"')], length=None))
    assert (got.status, got.body, got.get("ETag")) == (status, b"", '"e"')


def test_head_is_answered_by_the_head_alone(make_server):
    with Origin(lambda r: answer(b"" if r.method == "HEAD" else b"abc", fields=[("Content-Length", "3")],
                                 length=None)) as origin:
        server = make_server(f"location / {{ proxy_pass http://127.0.0.1:{origin.port}; }}").start()
        with Connection(server.port) as c:
            got = c.get("/", "HEAD")
            assert (got.status, got.get("Content-Length")) == (200, "3")
            assert c.get("/").body == b"abc"
        assert origin.connections == 1 or origin.requests[0].version == "HTTP/1.0"


@weir_only
def test_upstream_connections_are_kept(make_server):
    with Origin() as origin:
        server = make_server(f"location / {{ proxy_pass http://127.0.0.1:{origin.port}; }}").start()
        for _ in range(5):
            assert fetch(server.port).status == 200
        assert origin.connections == 1


@weir_only
@pytest.mark.parametrize("status", ["600 x", "999 x"])
def test_a_status_that_is_none_is_502(make_server, status):
    assert answered(make_server, answer(b"x", status)).status == 502


LOOSE = b"HTTP/1.1 200 OK\nX-A: 1\n(nofield): 1\nContent-Length: 3\n\nabc"


@pytest.mark.parametrize("main, conf, status", [("", "proxy_loose_replies on;", 200), ("compat nginx;", "", 200),
                                                ("compat nginx;", "proxy_loose_replies off;", 502), ("", "", 502)])
@weir_only
def test_lines_that_end_in_a_line_feed_are_taken_when_told_to(make_server, main, conf, status):
    got = answered(make_server, lambda origin: LOOSE, conf, main=main)
    assert got.status == status
    if status == 200:
        assert (got.get("X-A"), got.body) == ("1", b"abc")


def test_nobody_there_is_502(make_server):
    server = make_server("location / { proxy_pass http://127.0.0.1:1; }").start()
    assert fetch(server.port).status == 502
    wait_for("the line", lambda: "connect() failed (111: Connection refused) while connecting to upstream" in server.log())
    assert 'upstream: "http://127.0.0.1:1/"' in server.log()


def test_silence_is_504(make_server):
    with Origin(lambda r: iter([3.0])) as origin:
        server = make_server(f"location / {{ proxy_pass http://127.0.0.1:{origin.port}; proxy_read_timeout 300ms; }}").start()
        assert fetch(server.port).status == 504
        wait_for("the line", lambda: "upstream timed out (110: Connection timed out) while reading response header"
                 in server.log())


def test_another_server_is_tried(make_server):
    with Origin() as origin:
        server = make_server("location / { proxy_pass http://app; }",
                             http=f"upstream app {{ server 127.0.0.1:1; server 127.0.0.1:{origin.port}; }}").start()
        assert [fetch(server.port).status for _ in range(4)] == [200] * 4


@pytest.mark.parametrize("conf, want", [("proxy_next_upstream http_503;", 200), ("proxy_next_upstream off;", 503),
                                        ("", 503), ("proxy_next_upstream http_503; proxy_next_upstream_tries 1;", 503)])
def test_statuses_make_another_server_tried_when_told_to(make_server, conf, want):
    with Origin(lambda r: answer(b"no", "503 No")) as bad, Origin() as good:
        server = make_server(f"location / {{ proxy_pass http://app; {conf} }}",
                             http=f"upstream app {{ server 127.0.0.1:{bad.port}; server 127.0.0.1:{good.port} backup; }}").start()
        assert fetch(server.port).status == want


# ---- Redirects. ----

@pytest.mark.parametrize("conf, location, uri, sent, want", [
    ("", "/one/", "/two/", "http://127.0.0.1:P/two/x?y", "http://a:S/one/x?y"),
    ("", "/one/", "", "http://127.0.0.1:P/two", "http://a:S/two"),
    ("", "/one/", "/two/", "http://127.0.0.1:P/other", "http://127.0.0.1:P/other"),
    ("", "/one/", "/two/", "http://elsewhere.example/two/x", "http://elsewhere.example/two/x"),
    ("", "/one/", "/two/", "/two/x", "/two/x"),
    ("proxy_redirect off;", "/one/", "/two/", "http://127.0.0.1:P/two/x", "http://127.0.0.1:P/two/x"),
    ("proxy_redirect http://b.example/ /b/;", "/one/", "/two/", "http://b.example/x", "http://a:S/b/x"),
    ("proxy_redirect http://b.example/ http://$host:1/;", "/one/", "/two/", "http://b.example/x", "http://a:1/x"),
    ("proxy_redirect http://b.example/ /b/;", "/one/", "/two/", "http://127.0.0.1:P/two/x", "http://127.0.0.1:P/two/x"),
    ("proxy_redirect http://b.example/ /b/; proxy_redirect default;", "/one/", "/two/", "http://127.0.0.1:P/two/x",
     "http://a:S/one/x"),
    ("proxy_redirect ~^http://([^.]+)[.]example/(.*)$ https://$1.net/$2;", "/one/", "/two/", "http://c.example/x",
     "https://c.net/x"),
    ("proxy_redirect ~*^HTTP://C[.]example/ /;", "/one/", "/two/", "http://c.example/x", "http://a:S/"),
])
def test_locations_are_rewritten(make_server, conf, location, uri, sent, want):
    def reply(request):
        return answer(b"", "302 Found", [("Location", sent.replace("P", str(origin.port)))])
    with Origin(reply) as origin:
        server = make_server(f"location {location} {{ proxy_pass http://127.0.0.1:{origin.port}{uri}; {conf} }}").start()
        got = fetch(server.port, "/one/z").get("Location")
        assert got == want.replace("P", str(origin.port)).replace("S", str(server.port))


def test_refresh_is_rewritten(make_server):
    got = answered(make_server, lambda o: answer(fields=[("Refresh", f"5; URL=http://127.0.0.1:{o.port}/two/x")]),
                   path="/one/z", location="/one/", uri="/two/")
    assert got.get("Refresh") == "5; URL=/one/x"


# ---- Cookies. ----

@pytest.mark.parametrize("conf, sent, want", [
    ("", "a=b; Domain=x; path=/", "a=b; Domain=x; path=/"),
    ("proxy_cookie_domain app.example www.example;", "a=b; Domain=App.example; Path=/", "a=b; Domain=www.example; Path=/"),
    ("proxy_cookie_domain .app.example www.example;", "a=b; domain=.app.example", "a=b; domain=.www.example"),
    ("proxy_cookie_domain app.example www.example;", "a=b; domain=my.app.example", "a=b; domain=my.app.example"),
    ("proxy_cookie_domain ~^(.+)[.]example$ $1.net;", "a=b; domain=app.example", "a=b; domain=app.net"),
    ("proxy_cookie_path /two/ /;", "a=b; path=/two/x; HttpOnly", "a=b; path=/x; HttpOnly"),
    ("proxy_cookie_path ~^/(.)(.*) /$1-$2;", "a=b; path=/two", "a=b; path=/t-wo"),
    ("proxy_cookie_path /two/ /;", "a=b; path=/other", "a=b; path=/other"),
    ("proxy_cookie_path off;", "a=b; path=/two/x", "a=b; path=/two/x"),
    ("proxy_cookie_flags a secure samesite=strict;", "a=b; path=/", "a=b; path=/; Secure; SameSite=Strict"),
    ("proxy_cookie_flags a nosecure nohttponly;", "a=b; Secure; HttpOnly; path=/", "a=b; path=/"),
    ("proxy_cookie_flags ~^s httponly;", "session=b", "session=b; HttpOnly"),
    ("proxy_cookie_flags other httponly;", "session=b", "session=b"),
    ("proxy_cookie_flags a secure httponly samesite=lax;", "a=b; secure; Path=/; SameSite=Strict; Max-Age=1",
     "a=b; secure; Path=/; SameSite=Lax; Max-Age=1; HttpOnly"),
    ("proxy_cookie_flags ~ secure;", "nopair", "nopair"),
    ("proxy_cookie_path /x /y;", "a=b;Path=/;HttpOnly", "a=b;Path=/;HttpOnly"),
])
def test_cookies_are_rewritten(make_server, conf, sent, want):
    assert answered(make_server, answer(fields=[("Set-Cookie", sent)]), conf).get("Set-Cookie") == want


# ---- Filters. ----

@pytest.mark.parametrize("conf, changed", [("sub_filter abc X; sub_filter_types *;", True), ("sub_filter abc X;", False),
                                           ("add_after_body /more; addition_types *;", True), ("add_after_body /more;", False),
                                           ("gzip on; gzip_min_length 0; gzip_proxied any; gzip_types *;", True),
                                           ("gzip on; gzip_min_length 0; gzip_proxied any;", False)])
def test_all_types_are_also_that_of_a_reply_without_type(make_server, conf, changed):
    with Origin(lambda r: answer(b"abc" * 100)) as origin:
        server = make_server(f"location /more {{ return 200 more; }}"
                             f"location / {{ proxy_pass http://127.0.0.1:{origin.port}; {conf} }}").start()
        got = fetch(server.port, "/", fields=["Accept-Encoding: gzip"])
        assert got.status == 200 and (got.body != b"abc" * 100) == changed


# ---- Who else answers. ----

def test_errors_pass_unless_they_are_intercepted(make_server):
    pages = "error_page 404 /page; location = /page { return 200 page; }"
    reply = answer(b"theirs", "404 Not Found")
    for more, body in (("", b"theirs"), ("proxy_intercept_errors on;", b"page")):
        with Origin(lambda r: reply) as origin:
            server = make_server(f"{pages} location / {{ proxy_pass http://127.0.0.1:{origin.port}; {more} }}").start()
            got = fetch(server.port, "/x")
            assert (got.status, got.body) == (404, body)


def test_what_is_intercepted_begins_with_300(make_server):
    with Origin(lambda r: answer(b"theirs", "300 Multiple Choices")) as origin:
        server = make_server("error_page 300 /page; location = /page { return 200 page; } location / { "
                             f"proxy_pass http://127.0.0.1:{origin.port}; proxy_intercept_errors on; }}").start()
        got = fetch(server.port, "/x")
        assert (got.status, got.body) == (300, b"page")


def test_an_error_without_a_page_passes_although_errors_are_intercepted(make_server):
    got = answered(make_server, answer(b"theirs", "404 Not Found"), "proxy_intercept_errors on; error_page 500 /x;")
    assert (got.status, got.body) == (404, b"theirs")


def test_a_401_that_is_intercepted_keeps_its_challenge(make_server):
    with Origin(lambda r: answer(b"t", "401 No", [("WWW-Authenticate", "Basic")])) as origin:
        server = make_server(f"error_page 401 /page; location = /page {{ return 200 page; }} location / {{"
                             f"proxy_pass http://127.0.0.1:{origin.port}; proxy_intercept_errors on; }}").start()
        got = fetch(server.port, "/x")
        assert (got.status, got.body, got.get("WWW-Authenticate")) == (401, b"page", "Basic")


def test_a_fallback_answers_when_nobody_is_there(make_server):
    with Origin(lambda r: answer(b"second")) as origin:
        server = make_server(f"location / {{ proxy_pass http://127.0.0.1:1; error_page 502 = @second; }}"
                             f"location @second {{ proxy_pass http://127.0.0.1:{origin.port}; }}").start()
        got = fetch(server.port, "/x?y", "POST", body=b"body")
        assert (got.status, got.body) == (200, b"second")
        assert (origin.requests[0].target, origin.requests[0].body) == ("/x?y", b"body")


ACCEL = "proxy_accel on;"


@weir_only
@pytest.mark.parametrize("trusted", [True, False])
def test_a_trusted_upstream_can_have_a_file_answered(make_server, trusted):
    fields = [("X-Accel-Redirect", "/files/a%20b?q"), ("Content-Type", "text/x-theirs"), ("Set-Cookie", "c=d"),
              ("X-Other", "1")]
    with Origin(lambda r: answer(b"theirs", fields=fields)) as origin:
        server = make_server(f"location / {{ proxy_pass http://127.0.0.1:{origin.port}; {ACCEL if trusted else ''} }}"
                             "location /files/ { internal; }", files={"files/a b": b"the file"}).start()
        got = fetch(server.port, "/x", "POST", body=b"z")
        if trusted:
            assert (got.status, got.body, got.get("Content-Type")) == (200, b"the file", "text/x-theirs")
            assert got.get("Set-Cookie") == "c=d" and got.get("X-Other") is None
        else:
            assert (got.status, got.body) == (200, b"theirs")
            assert "proxy_accel" in server.log()
        assert got.get("X-Accel-Redirect") is None


@weir_only
@pytest.mark.parametrize("to", ["files/x", "/../x", "/%00", "/a%", "/files/%2e%2e/%2e%2e/x", ""])
def test_an_unsafe_redirect_is_not_followed(make_server, to):
    assert answered(make_server, answer(fields=[("X-Accel-Redirect", to)]), ACCEL).status == 404


@pytest.mark.parametrize("to, line", [("@second", "POST /x?y HTTP/1.1"), ("/second/z", "GET /second/z HTTP/1.1")])
def test_a_named_location_gets_the_request_as_it_came(make_server, to, line):
    accel = "" if FLAVOUR == "nginx" else ACCEL
    with Origin(lambda r: answer(fields=[("X-Accel-Redirect", to)])) as first, Origin(lambda r: answer(b"second")) as second:
        server = make_server(f"proxy_http_version 1.1; location / {{ proxy_pass http://127.0.0.1:{first.port}; {accel} }}"
                             f"location @second {{ proxy_pass http://127.0.0.1:{second.port}; }}"
                             f"location /second/ {{ internal; proxy_pass http://127.0.0.1:{second.port}; }}").start()
        got = fetch(server.port, "/x?y", "POST", body=b"body")
        assert (got.status, second.requests[0].line, second.requests[0].body) == (200, line, b"body")


@weir_only
def test_a_redirect_of_the_upstream_can_be_ignored(make_server):
    got = answered(make_server, answer(b"own", fields=[("X-Accel-Redirect", "/x")]),
                   ACCEL + "proxy_ignore_headers X-Accel-Redirect;")
    assert got.body == b"own"


@weir_only
def test_a_trusted_upstream_can_name_a_charset(make_server):
    got = answered(make_server, answer(fields=[("Content-Type", "text/plain"), ("X-Accel-Charset", "koi8-r")]), ACCEL)
    assert got.get("Content-Type") == "text/plain; charset=koi8-r"


def test_ranges_can_be_answered_here(make_server):
    request = {"fields": ["Range: bytes=1-2"]}
    reply = answer(b"abcdef")
    assert answered(make_server, reply, request=request).status == 200
    got = answered(make_server, reply, "proxy_force_ranges on;", request=request)
    assert (got.status, got.body, got.get("Content-Range")) == (206, b"bc", "bytes 1-2/6")
    reply = answer(b"abcdef", fields=[("Accept-Ranges", "none")])
    got = answered(make_server, reply, "proxy_force_ranges on;", request=request)
    assert (got.status, got.body) == (206, b"bc") and "none" not in got.all("Accept-Ranges")


@weir_only
@pytest.mark.parametrize("offer", ["none", "lines", "None"])
def test_ranges_that_are_not_offered_are_not_cut(make_server, offer):            # [RFC 9110 14.3]
    body = b"0123456789" * 100
    reply = answer(body, fields=[("Content-Type", "text/html"), ("Accept-Ranges", offer)])
    got = answered(make_server, reply, request={"fields": ["Range: bytes=0-3"]})
    assert (got.status, got.body) == (200, body) and got.get("Accept-Ranges") == offer
    coded = answered(make_server, reply, "gzip on;", request={"fields": ["Range: bytes=0-3", "Accept-Encoding: gzip"]})
    assert coded.status == 200 and coded.get("Content-Encoding") == "gzip"


def test_a_206_of_the_upstream_passes(make_server):
    got = answered(make_server, answer(b"bc", "206 Partial Content", [("Content-Range", "bytes 1-2/6")]),
                   request={"fields": ["Range: bytes=1-2"]})
    assert (got.status, got.body, got.get("Content-Range")) == (206, b"bc", "bytes 1-2/6")


def test_a_reply_is_coded_on_its_way(make_server):
    import gzip
    got = answered(make_server, answer(b"text " * 1000, fields=[("Content-Type", "text/html")]), "gzip on; gzip_proxied any;",
                   request={"fields": ["Accept-Encoding: gzip"]})
    assert gzip.decompress(got.body) == b"text " * 1000


# ---- Interim replies, trailers. ----

HINT = b"HTTP/1.1 103 Early Hints\r\nLink: </a>; rel=preload\r\n\r\n"


@weir_only
@pytest.mark.parametrize("conf, wanted", [("early_hints 1;", True), ("", False), ("early_hints $arg_none;", False)])
def test_early_hints_pass_when_wanted(make_server, conf, wanted):
    with Origin(lambda r: iter([HINT, 0.1, answer()])) as origin:
        server = make_server(f"location / {{ proxy_pass http://127.0.0.1:{origin.port}; {conf} }}").start()
        with Connection(server.port) as c:
            c.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", methods=[b"GET"])
            if wanted:
                assert c.until(b"\r\n\r\n") == HINT
            assert c.until(b"\r\n").startswith(b"HTTP/1.1 200")


@weir_only
@pytest.mark.parametrize("conf, want", [("proxy_pass_trailers on;", [("X-Sum", "1")]), ("", [])])
def test_trailers_of_replies_pass_when_wanted(make_server, conf, want):
    got = answered(make_server, chunked(b"abc", trailers=[("X-Sum", "1")]), conf, request={"fields": ["TE: trailers"]})
    assert (got.body, got.trailers) == (b"abc", want)


@weir_only
@pytest.mark.parametrize("te, sent", [("trailers", "trailers"), ("gzip", None)])
def test_a_client_that_takes_trailers_has_them_asked_for(make_server, te, sent):
    with Origin() as origin:
        server = make_server(f"location / {{ proxy_pass http://127.0.0.1:{origin.port}; proxy_pass_trailers on; }}").start()
        fetch(server.port, fields=[f"TE: {te}"])
        assert origin.requests[0].get("TE") == sent
        assert origin.requests[0].get("Connection") == (sent and "TE")

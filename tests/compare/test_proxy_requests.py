"""Weir and nginx, equally configured, in front of one origin: the request that arrives there is the same.

Configurations are made of parts (location, URI, fields, bodies), each asked in several ways; what arrives is compared part by
part: request line, each field by name with all its values, body, trailers. What differs on purpose stands in `MEANT`, and is
listed in docs/differences.md.
"""

import itertools

import pytest

from weir import server as servers
from weir.recorder import Origin, answer
from weir.server import Server, configuration
from weir.wire import Connection

NGINX = "/usr/sbin/nginx"
SPEAK = "proxy_http_version 1.1; "

# ---- Configurations: (what, location, inside of it), %O% is the origin. ----

LOCATIONS = ["/", "/a", "/a/", "= /a/b", "^~ /a/", "/a/b/"]
URIS = ["", "/", "/x", "/x/", "/x/y/", "/x%20y/", "/x?z=1", "/x/?z=1"]
CONFIGS = [(f"{where} to {uri or 'no URI'}", where, f"proxy_pass http://%O%{uri};")
           for where, uri in itertools.product(LOCATIONS, URIS)]
CONFIGS += [(f"{where} without URI", where, "proxy_pass http://%O%;") for where in
            ("~ ^/a", "~* ^/A", "~ b$", "~ ^/(?<part>[a-z])/")]
CONFIGS += [(f"variables: {value}", "/", f"proxy_pass {value};") for value in
            ("http://$arg_to", "http://$arg_to/", "http://$arg_to/x", "http://$arg_to$uri", "http://$arg_to$request_uri",
             "http://$arg_to/x$is_args$args", "$scheme://$arg_to", "http://$arg_to$document_uri?b=1")]
CONFIGS += [(f"a group: {uri}", "/a/", f"proxy_pass http://app{uri};") for uri in ("", "/", "/x", "/x/y?z=1")]

FIELDS = [
    "proxy_set_header Host $host;", "proxy_set_header Host $http_host;", "proxy_set_header Host fixed.example;",
    'proxy_set_header Host "";', "proxy_set_header Host $host:1;", "proxy_set_header host lower.example;",
    "proxy_set_header X-A 1;", 'proxy_set_header X-A "";', "proxy_set_header X-A $arg_a;",
    'proxy_set_header X-A "one two; three=\\"four\\"";', "proxy_set_header X-A 1; proxy_set_header X-A 2;",
    "proxy_set_header x-client set;", "proxy_set_header X-Client $http_x_client-more;",
    "proxy_set_header X-Real-IP $remote_addr; proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;",
    "proxy_set_header X-Forwarded-Proto $scheme;", "proxy_set_header X-U $uri; proxy_set_header X-R $request_uri;",
    'proxy_set_header Connection "";', "proxy_set_header Connection keep-alive;", "proxy_set_header Connection close;",
    'proxy_set_header Accept-Encoding "";', "proxy_set_header Accept-Encoding identity;",
    "proxy_set_header Cookie $http_cookie; proxy_set_header Cookie2 $cookie_c;", 'proxy_set_header Cookie "";',
    'proxy_set_header Content-Type "";', "proxy_set_header Content-Type text/other;",
    'proxy_set_header Authorization "Basic eDp5";', 'proxy_set_header Range ""; proxy_set_header If-Range "";',
    "proxy_set_header TE trailers;", "proxy_set_header Keep-Alive 5;", "proxy_set_header Expect something;",
    "proxy_set_header X-Host $proxy_host; proxy_set_header X-Port $proxy_port;",
    "proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection upgrade;",
    "proxy_pass_request_headers off;", "proxy_pass_request_headers off; proxy_set_header X-A 1;",
    "proxy_set_header Proxy-Connection x;", "proxy_set_header Via $http_via;", "proxy_set_header Referer $http_referer;",
    "proxy_set_header User-Agent weir;", 'proxy_set_header If-Modified-Since "";', "proxy_set_header Early-Data $arg_a;",
]
CONFIGS += [(f"fields: {text}", "/", f"proxy_pass http://%O%; {text}") for text in FIELDS]

BODIES = [
    "proxy_request_buffering on;", "proxy_request_buffering off;", "proxy_method POST;", "proxy_method GET;",
    "proxy_method PUT;", "proxy_method $arg_m;", "proxy_set_body fixed;", 'proxy_set_body "$request_method $uri";',
    "proxy_set_body $request_body-more;", "proxy_method POST; proxy_set_body x=1;", "client_body_buffer_size 8;",
    "client_body_in_file_only clean;", "client_body_in_single_buffer on;",
    'proxy_pass_request_body off; proxy_set_header Content-Length "";',
    "proxy_request_buffering on; proxy_set_header X-L $content_length;",
    "proxy_request_buffering off; proxy_set_header X-L $content_length;", "proxy_buffering off;",
    "proxy_next_upstream off;", "proxy_ignore_client_abort on;", "proxy_socket_keepalive on;", "proxy_bind 127.0.0.1;",
    "proxy_send_timeout 5s; proxy_read_timeout 5s; proxy_connect_timeout 5s;",
]
CONFIGS += [(f"bodies: {text}", "/", f"proxy_pass http://%O%; {text}") for text in BODIES]
CONFIGS += [(f"bodies to a URI: {text}", "/a/", f"proxy_pass http://%O%/x/; {text}") for text in BODIES[:14]]
CONFIGS += [(f"HTTP/1.0: {text}", "/", f"proxy_pass http://%O%; proxy_http_version 1.0; {text}") for text in
            ("", "proxy_request_buffering off;", "proxy_set_header Host $host;", "proxy_set_body x;",
             "proxy_set_header Connection keep-alive;")]
REWRITES = [
    "rewrite ^/a/(.*) /y/$1 break;", "rewrite ^/a/(.*) /y/$1?q=2 break;", "rewrite ^/a/(.*) /y/$1? break;",
    "rewrite ^ /whole break;", "rewrite ^/a/(.*)/ /$1/ break;", "set $args z=9;", "set $x 1;",
    "if ($arg_a) { set $x 1; }", "if ($arg_a) { rewrite ^ /if break; }", "rewrite ^/none /x break;",
]
CONFIGS += [(f"{text} {uri}", "/a/", f"{text} proxy_pass http://%O%{uri};")
            for text, uri in itertools.product(REWRITES, ("", "/x/"))]
CONFIGS += [(f"moved: {text}", "/n/", f"{text} }} location /a/ {{ {passes} }} location @n {{ proxy_pass http://%O%; ")
            for text, passes in (("try_files /none @n;", "return 204;"), ("error_page 404 = @n;", "return 404;"),
                                 ("rewrite ^/n/(.*) /a/$1 last;", "proxy_pass http://%O%;"),
                                 ("rewrite ^/n/(.*) /a/$1 last;", "proxy_pass http://%O%/x/;"))]

# ---- Requests. ----

PATHS = ["/", "/a", "/a/", "/a/b", "/a/b?c", "/a/b/c?d=e&f", "/a/%41%7E", "/a/b%20c", "/a/%2B%26%3D%3B", "/a/../a/b",
         "/a/./b", "/a//b", "/a/b%25c", "/a/%c3%a4", "/a/b?%20&a=1", "/n/%41?q", "/A/b", "/a/b;p=1", "/a/b?"]
GET = [("GET", path, (), b"") for path in PATHS]
VARIED = [
    ("GET", "/a/b?a=1", ("X-Client: one", "X-Client: two", "Accept: */*", "Cookie: c=d; e=f", "Via: 1.0 x",
                         "Accept-Encoding: gzip", "Referer: http://r.example/", "User-Agent: u"), b""),
    ("GET", "/a/b?a=1", ("X-Forwarded-For: 192.0.2.1", "X-Real-IP: 192.0.2.2", "Range: bytes=0-1", "If-Range: \"x\"",
                         "If-None-Match: \"e\"", "If-Modified-Since: Sun, 06 Nov 1994 08:49:37 GMT", "Early-Data: 1"), b""),
    ("GET", "/a/b", ("Connection: keep-alive", "Keep-Alive: 5", "TE: trailers", "Authorization: Basic eA=="), b""),
    ("HEAD", "/a/b", (), b""), ("DELETE", "/a/b", (), b""), ("OPTIONS", "/a/b", (), b""), ("PATCH", "/a/b", (), b"p"),
    ("POST", "/a/b?m=PUT", ("Content-Type: text/plain",), b"body"), ("POST", "/a/b", (), b""), ("PUT", "/a/b", (), b"x" * 40_000),
    ("POST", "/a/b", ("Transfer-Encoding: chunked",), b"chunked"), ("PROPFIND", "/a/b", ("Depth: 1",), b""),
    ("GET", "/a/b", ("X-Empty:", "X-Spaces:   a  b  ", "X-High: \xe4"), b""),
]


def requests_for(what):
    return GET if " to " in what or "without URI" in what or "rewrite" in what or what.startswith(("a group", "set", "if", "moved", "variables")) \
        else VARIED + GET[4:8]


# ---- What differs on purpose: (of what, of which request) -> reason. ----

def meant(what, method, path, fields, name, mine, theirs):
    """Why this part may differ; None: it may not."""
    if name == "connection" and theirs == ["close"] and "proxy_set_header Connection" not in what:
        return "nginx before 1.29.7 closes by default"
    if name in ("content-length", "transfer-encoding", "x-l") and "buffering off" in what and "1.0" not in what \
            and "Transfer-Encoding: chunked" in fields:
        return "nginx knows the length of an unbuffered body when all of it came with the head"
    if "$arg_m" in what and name == "line" and theirs[0].startswith(" "):
        return "nginx sends an empty method"
    if "$http_x_client-more" in what and name == "x-client" and mine == ["one, two-more"]:
        return "nginx before 1.23 knows the first of several fields only"
    if "$arg_to$" in what and ("%20" in path or "%c3" in path):
        return "nginx sends blanks and other bytes within the URI as they are"
    return None


# ---- Asking. ----

def config_of(origin):
    made, group = [], f"upstream app {{ server 127.0.0.1:{origin.port}; }} client_max_body_size 1m;"
    for i, (_, where, inside) in enumerate(CONFIGS):
        text = inside.replace("%O%", f"127.0.0.1:{origin.port}")
        speak = "" if "proxy_http_version" in text else SPEAK
        made.append(f"server_name c{i}.example; {speak} location {where} {{ {text} }}")
    return group, made


@pytest.fixture(scope="module")
def trio():
    """(origin, weir, nginx)"""
    with Origin() as origin:
        group, made = config_of(origin)
        pair, binary = [], servers.BINARY
        try:
            for path, more in ((binary, "proxy_via off; proxy_upgrade off;"), (NGINX, "server_names_hash_bucket_size 64;")):
                servers.BINARY = path
                server = Server()
                server.configure(configuration("return 404;", http=group + more, servers=made))
                pair.append(server.start())
        finally:
            servers.BINARY = binary
        yield origin, *pair
        for server in pair:
            server.stop(check=False)


def ask(server, origin, host, method, path, fields, body):
    """Status, and the request that arrived (None: none did)."""
    origin.requests.clear()
    lines = [f"{method} {path} HTTP/1.1", f"Host: {host}", "Connection: close"]
    lines = [line for line in lines if not (line.startswith("Connection") and any(f.startswith("Connection") for f in fields))]
    if any("chunked" in f for f in fields):
        body = b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)
    elif body or method in ("POST", "PUT"):
        lines.append(f"Content-Length: {len(body)}")
    with Connection(server.port) as c:
        c.send("\r\n".join([*lines, *fields, "", ""]).encode("latin-1") + body, methods=[method.encode()])
        status = c.response().status
    return status, origin.requests[0] if origin.requests else None


def parts_of(status, request):
    parts = {"status": [status], "arrived": [request is not None]}
    if request is not None:
        parts.update({"line": [request.line], "body": [request.body], "trailers": request.trailers})
        for name, value in request.fields:
            parts.setdefault(name.lower(), []).append(value)
    return parts


@pytest.mark.parametrize("i", range(len(CONFIGS)), ids=[what for what, _, _ in CONFIGS])
def test_the_same_request_arrives(trio, i):
    origin, mine, theirs = trio
    what, wrong = CONFIGS[i][0], []
    for method, path, fields, body in requests_for(what):
        if "$arg_to" in what or "arg_to" in CONFIGS[i][2]:
            path += ("&" if "?" in path else "?") + f"to=127.0.0.1:{origin.port}"
        pair = [parts_of(*ask(server, origin, f"c{i}.example", method, path, fields, body)) for server in (mine, theirs)]
        for name in sorted({*pair[0], *pair[1]}):
            a, b = pair[0].get(name), pair[1].get(name)
            if a != b and meant(what, method, path, fields, name, a, b) is None:
                wrong.append(f"{method} {path} {list(fields)}: {name}: {a}, nginx: {b}")
    assert not wrong, f"{CONFIGS[i]}\n" + "\n".join(wrong[:10])


def test_there_are_enough_configurations():
    assert len(CONFIGS) >= 150

"""Files of Python's own web server through the proxy: an origin that is simple, and nobody's test double.  [RFC 9110 14]"""

import http.server
import random
import threading
from functools import partial

import pytest

from weir.wire import Connection, fetch

FILES = {"a.txt": b"0123456789" * 10, "empty.bin": b"", "large.bin": random.Random(3).randbytes(3 << 20),
         "sub/index.html": b"<p>hello"}


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


@pytest.fixture(scope="module", params=["HTTP/1.0", "HTTP/1.1"])
def origin(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp("files")
    for name, data in FILES.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(data)
    handler = type("Handler", (Quiet,), {"protocol_version": request.param})
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(handler, directory=str(folder)))
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_address[1]
    server.shutdown()
    server.server_close()


@pytest.fixture
def server(make_server, origin):
    return make_server(f"location / {{ proxy_pass http://127.0.0.1:{origin}; }}"
                       f"location /ranges/ {{ proxy_pass http://127.0.0.1:{origin}/; proxy_force_ranges on; }}").start()


@pytest.mark.parametrize("name", FILES)
def test_files_come_whole_and_heads_alone(server, name):
    with Connection(server.port) as conn:
        got = conn.get(f"/{name}")
        assert (got.status, got.body) == (200, FILES[name])
        head = conn.get(f"/{name}", "HEAD")
        assert (head.status, head.body, head.get("Content-Length")) == (200, b"", str(len(FILES[name])))
        assert head.get("Last-Modified") == got.get("Last-Modified")
        conn.expect_kept()


def test_a_file_that_has_not_changed_is_304(server):
    date = fetch(server.port, "/a.txt").get("Last-Modified")
    with Connection(server.port) as conn:
        assert conn.get("/a.txt", fields=[f"If-Modified-Since: {date}"]).status == 304
        conn.expect_kept()


def test_an_origin_without_ranges_answers_whole(server):
    got = fetch(server.port, "/a.txt", fields=["Range: bytes=1-2"])
    assert (got.status, got.body) == (200, FILES["a.txt"])


@pytest.mark.parametrize("text, begin, end", [("0-0", 0, 1), ("10-19", 10, 20), ("95-", 95, 100), ("-3", 97, 100)])
def test_ranges_can_be_cut_here(server, text, begin, end):
    got = fetch(server.port, "/ranges/a.txt", fields=[f"Range: bytes={text}"])
    assert (got.status, got.body) == (206, FILES["a.txt"][begin:end])
    assert got.get("Content-Range") == f"bytes {begin}-{end - 1}/100"


def test_a_range_deep_in_a_large_file_is_right(server):
    got = fetch(server.port, "/ranges/large.bin", fields=["Range: bytes=2000000-2999999"])
    assert (got.status, got.body) == (206, FILES["large.bin"][2000000:3000000])


def test_a_range_past_the_end_is_416(server):
    got = fetch(server.port, "/ranges/a.txt", fields=["Range: bytes=100-"])
    assert (got.status, got.get("Content-Range")) == (416, "bytes */100")


def test_folders_are_redirected_to_and_listed(server):
    got = fetch(server.port, "/sub")
    assert got.status == 301 and got.get("Location").endswith("/sub/")
    assert fetch(server.port, "/sub/").body == FILES["sub/index.html"]
    assert b"large.bin" in fetch(server.port, "/").body


def test_a_method_that_the_origin_does_not_know_is_its_501(server):
    assert fetch(server.port, "/a.txt", "POST", body=b"x=1").status == 501

"""HTTP/2: what every request can do over it.  [RFC 9113, 9218, 8441; reliability 3]"""

import gzip
import re
import select
import shutil
import signal
import socket
import ssl
import struct
import subprocess
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from weir.http2 import (CANCEL, CONNECT_ERROR, DATA, ENABLE_CONNECT, END_HEADERS, END_STREAM, HEADERS, INITIAL_WINDOW,
                        INTERNAL_ERROR, MAX_LIST, MAX_STREAMS, NO_ERROR, NO_OLD_PRIORITIES, PREFACE,
                        PRIORITY_UPDATE, REFUSED_STREAM, SETTINGS, GoneAway, Http2, Reset, block, fetch, frame, head)
from weir.server import Server, configuration, wait_for
from weir.wire import Connection

pytestmark = pytest.mark.weir_only
ON = "http2 on; "
BIG = bytes(range(256)) * 8192


def start(make_server, conf="location / { }", files=(), **more):
    return make_server(ON + conf, files={"a.txt": "hello", "big": BIG, **dict(files)}, **more).start()


# ---- The beginning. -------------------------------------------------------------------------------

def test_the_settings_say_what_the_limits_are(make_server):
    server = start(make_server)
    with Http2(server.port) as conn:
        assert conn.get("/a.txt").body == b"hello"
        assert conn.settings[MAX_STREAMS] == 100
        assert conn.settings[MAX_LIST] == 32768
        assert conn.settings[INITIAL_WINDOW] == 65536
        assert conn.settings[ENABLE_CONNECT] == 1 and conn.settings[NO_OLD_PRIORITIES] == 1


def test_the_directives_change_the_settings(make_server):
    server = start(make_server, "http2_max_concurrent_streams 7; http2_body_preread_size 20000; "
                                "large_client_header_buffers 2 10000; location / { }")
    with Http2(server.port) as conn:
        conn.get("/a.txt")
        assert (conn.settings[MAX_STREAMS], conn.settings[INITIAL_WINDOW], conn.settings[MAX_LIST]) == (7, 20000, 20000)


def test_the_preface_may_come_byte_by_byte(make_server):
    server = start(make_server)
    with Http2(server.port, begin=False) as conn:
        for at in range(len(PREFACE)):
            conn.send(PREFACE[at:at + 1])
        conn.frame(SETTINGS)
        assert conn.get("/a.txt").body == b"hello"


def test_frames_may_come_byte_by_byte(make_server):
    server = start(make_server)
    with Http2(server.port) as conn:
        conn.methods[1] = "GET"
        for byte in frame(HEADERS, END_HEADERS | END_STREAM, 1, block(head("/a.txt", fields=[("cookie", "a=b")]))):
            conn.send(bytes([byte]))
        assert conn.response(1).body == b"hello"


@pytest.mark.parametrize("first", [b"P", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r", b"PRI * HTTP/2.0\r\n\r\nSN\r\n\r\n"])
def test_half_a_preface_is_no_http2(make_server, first):
    server = start(make_server, "client_header_timeout 1s; location / { }")
    with Connection(server.port) as conn:
        conn.send(first)
        answer = conn.response("GET")
        assert answer.status in (400, 405, 408, 505)


def test_http1_is_spoken_on_the_same_port(make_server):
    server = start(make_server)
    with Connection(server.port) as conn:
        assert conn.get("/a.txt").body == b"hello"
        conn.expect_kept()


def test_without_the_directive_the_preface_is_refused(make_server):
    server = make_server("location / { return 200 ok; }").start()
    with Connection(server.port) as conn:
        conn.send(PREFACE)
        assert conn.response("PRI").status in (400, 405, 505)


def test_listen_http2_is_enough(make_server):
    server = make_server("location / { return 200 $http2; }", listen="listen 127.0.0.1:%PORT% http2;").start()
    assert fetch(server.port).body == b"h2c"


def test_the_default_server_of_the_address_decides(make_server):
    server = make_server("location / { return 200 one; }",
                         servers=["http2 on; server_name b; location / { return 200 two; }"]).start()
    with Connection(server.port) as conn:
        conn.send(PREFACE)
        assert conn.response("PRI").status in (400, 405, 505)


def test_a_proxy_protocol_header_comes_before_the_preface(make_server):
    server = make_server("http2 on; location / { return 200 $proxy_protocol_addr; }",
                         listen="listen 127.0.0.1:%PORT% proxy_protocol;").start()
    with Http2(server.port, begin=False) as conn:
        conn.send(b"PROXY TCP4 192.0.2.7 192.0.2.8 1111 80\r\n" + PREFACE + frame(SETTINGS))
        assert conn.get().body == b"192.0.2.7"


# ---- Requests and answers. ------------------------------------------------------------------------

def test_variables_and_logs_tell_the_protocol(make_server):
    server = start(make_server, 'location / { return 200 "$server_protocol|$http2|$request|$host|$http_host|$scheme"; '
                                "access_log %PREFIX%/logs/a.log; }")
    answer = fetch(server.port, "/x?y", authority="Example.COM:81")
    assert answer.body == b"HTTP/2.0|h2c|GET /x?y HTTP/2.0|example.com|Example.COM:81|http"
    log = server.prefix / "logs/a.log"
    wait_for("the line", lambda: '"GET /x?y HTTP/2.0" 200 ' in log.read_text())


def test_the_server_is_chosen_by_authority_or_host(make_server):
    server = start(make_server, "location / { return 200 one; }",
                   servers=["server_name b.example; location / { return 200 two; }"])
    with Http2(server.port) as conn:
        assert conn.get(authority="b.example").body == b"two"
        assert conn.get(authority="B.example.:80").body == b"two"
        assert conn.get(authority=None, fields=[("host", "b.example")]).body == b"two"
        assert conn.get(authority="b.example", fields=[("host", "B.EXAMPLE")]).body == b"two"
        assert conn.get(authority="c").body == b"one"


def test_head_and_304_and_204_have_no_body(make_server):
    server = start(make_server, "location / { } location /n { return 204; }")
    with Http2(server.port) as conn:
        answer = conn.get("/a.txt", method="HEAD")
        assert (answer.status, answer.body, answer.get("content-length")) == (200, b"", "5")
        answer = conn.get("/a.txt", fields=[("if-none-match", answer.get("etag"))])
        assert (answer.status, answer.body, answer.get("content-length")) == (304, b"", None)
        answer = conn.get("/n")
        assert (answer.status, answer.body, answer.get("content-length")) == (204, b"", None)


def test_ranges(make_server):
    server = start(make_server)
    with Http2(server.port) as conn:
        answer = conn.get("/big", fields=[("range", "bytes=100-299999")])
        assert (answer.status, answer.body) == (206, BIG[100:300000])
        assert answer.get("content-range") == f"bytes 100-299999/{len(BIG)}"
        assert b"bytes 5-6/" in conn.get("/big", fields=[("range", "bytes=0-1,5-6")]).body


def test_gzip(make_server):
    text = "so much of the same\n" * 500
    server = start(make_server, "gzip on; gzip_types text/plain; location / { }", {"t.txt": text})
    answer = fetch(server.port, "/t.txt", fields=[("accept-encoding", "gzip")])
    assert answer.get("content-encoding") == "gzip" and gzip.decompress(answer.body).decode() == text


def test_error_pages_and_redirects(make_server):
    server = start(make_server, "error_page 404 /a.txt; location / { } location /d { return 301 /there; }")
    with Http2(server.port) as conn:
        answer = conn.get("/none")
        assert (answer.status, answer.body) == (404, b"hello")
        assert conn.get("/d", authority="h:8080").get("location") == f"http://h:{server.port}/there"


def test_444_resets_the_stream_and_nothing_else(make_server):
    server = start(make_server, "location / { } location /q { return 444; }")
    with Http2(server.port) as conn:
        with pytest.raises(Reset):
            conn.get("/q")
        assert conn.get("/a.txt").body == b"hello"


def test_cookie_crumbs_are_joined(make_server):
    server = start(make_server, 'location / { return 200 "$http_cookie|$cookie_b|$http_x"; }')
    answer = fetch(server.port, fields=[("x", "1"), ("cookie", "a=1"), ("cookie", "b=2; c=3"), ("cookie", "d=4")])
    assert answer.body == b"a=1; b=2; c=3; d=4|2|1"


def test_fields_with_underscores_are_dropped_as_over_http1(make_server):
    server = start(make_server, 'location / { return 200 "$http_a_b|$http_c"; }')
    assert fetch(server.port, fields=[("a_b", "1"), ("c", "2")]).body == b"|2"


def test_options_asterisk_is_about_the_server(make_server):
    answer = fetch(start(make_server).port, "*", method="OPTIONS")
    assert answer.status == 204 and "GET" in answer.get("allow")


@pytest.mark.parametrize("raw", [head(path=None, scheme=None, method="CONNECT", authority="a:80"),
                                 head(method="TRACE")])
def test_methods_that_nobody_answers_are_405(make_server, raw):
    with Http2(start(make_server).port) as conn:
        answer = conn.response(conn.request(raw=raw))
        assert answer.status == 405 and "GET" in answer.get("allow")


def test_an_extended_connect_reaches_its_location(make_server):
    """Its method, path and protocol are a request's; who cannot make a tunnel says so, and by no 200.  [RFC 8441 5]"""
    server = start(make_server, 'location / { } location /no { return 403 "$request_method $uri $http_upgrade"; }'
                                "location /yes { return 200 ok; }")
    with Http2(server.port) as conn:
        raw = [(":method", "CONNECT"), (":protocol", "websocket"), (":scheme", "http"), (":path", "/no"),
               (":authority", "a")]
        answer = conn.response(conn.request(raw=raw, end=False))
        assert (answer.status, answer.body) == (403, b"CONNECT /no websocket")
        raw[3] = (":path", "/a.txt")
        assert conn.response(conn.request(raw=raw, end=False)).status == 405
        raw[3] = (":path", "/yes")
        assert conn.reset_of(conn.request(raw=raw, end=False)) == CONNECT_ERROR
        assert conn.get("/a.txt").body == b"hello"


def test_trailers_go_behind_the_body(make_server):
    server = start(make_server, "location / { add_trailer X-Check $sent_http_content_type; }")
    answer = fetch(server.port, "/a.txt")
    assert answer.body == b"hello" and answer.trailers == [("x-check", "text/plain")]


def test_a_fast_client_reads_a_large_file(make_server):
    server = start(make_server, files={"huge": b"0123456789abcdef" * 1_000_000})
    answer = fetch(server.port, "/huge")
    assert answer.body == b"0123456789abcdef" * 1_000_000
    assert max(answer.pieces) <= 16384


def test_limit_rate_holds(make_server):
    server = start(make_server, "limit_rate 400k; location / { }")
    begin = time.monotonic()
    assert fetch(server.port, "/big", fields=[("range", "bytes=0-399999")]).body == BIG[:400000]
    assert time.monotonic() - begin >= 0.5


def test_http2_chunk_size_cuts_frames(make_server):
    server = start(make_server, "http2_chunk_size 1000; location / { }")
    assert max(fetch(server.port, "/big", fields=[("range", "bytes=0-9999")]).pieces) == 1000


# ---- Bodies of requests. --------------------------------------------------------------------------

ECHO = dict(main="load_module %MODULE:echo%;", conf="client_max_body_size 3m; location / { echo on; }")


def test_a_body_with_and_without_a_length(make_server):
    server = start(make_server, **ECHO)
    with Http2(server.port) as conn:
        assert conn.get(method="POST", body=b"abc").body == b"3:abc"
        assert conn.get(method="POST", body=b"abc", fields=[("content-length", "3")]).body == b"3:abc"
        assert conn.get(method="POST", body=b"").body == b"0:"
        stream = conn.request(method="POST", body=b"ab", end=False)
        conn.frame(DATA, 0x8, stream, b"\x05cde" + b"\0" * 5)      # padded
        conn.frame(DATA, END_STREAM, stream)
        assert conn.response(stream).body == b"5:abcde"


def test_bodies_larger_than_every_window_arrive(make_server):
    """The client sends no more than it may, so windows have to be opened as bytes are taken."""
    server = start(make_server, **ECHO)
    with Http2(server.port, credit=True) as conn:
        conn.synchronise()
        stream = conn.request(method="POST", body=b"", end=False)
        window = {0: 65535 + conn.window_updates.get(0, 0), stream: conn.settings[INITIAL_WINDOW]}
        conn.window_updates.clear()
        sent = 0
        while sent < len(BIG):
            for key in (0, stream):
                window[key] += conn.window_updates.pop(key, 0)
            size = min(window[0], window[stream], 16384, len(BIG) - sent)
            if size == 0:
                conn.read()
                continue
            conn.frame(DATA, END_STREAM if sent + size == len(BIG) else 0, stream, BIG[sent:sent + size])
            window[0], window[stream], sent = window[0] - size, window[stream] - size, sent + size
        assert conn.response(stream).body == b"%d:" % len(BIG) + BIG


def test_many_bodies_at_once(make_server):
    server = start(make_server, **ECHO)
    with Http2(server.port) as conn:
        streams = {conn.request(method="POST", body=b"", end=False): n for n in range(50)}
        for part in range(5):
            for stream, n in streams.items():
                conn.frame(DATA, END_STREAM if part == 4 else 0, stream, b"%d " % n)
        for stream, n in streams.items():
            body = b"%d " % n * 5
            assert conn.response(stream).body == b"%d:" % len(body) + body


def test_a_body_nobody_wants_does_not_harm(make_server):
    server = start(make_server, "location / { return 200 ok; }")
    with Http2(server.port) as conn:
        for _ in range(20):
            stream = conn.request(method="POST", body=b"x" * 30000, end=False)
            assert conn.response(stream).body == b"ok"
            assert conn.reset_of(stream) == NO_ERROR
        assert conn.get().body == b"ok"


LINGER = "lingering_timeout 1h; location / { return 200 ok; } location /empty { return 200; } " \
         "location /off { lingering_close off; return 200 ok; } " \
         "location /soon { lingering_timeout 1ms; return 200 ok; }"


def test_what_still_comes_behind_an_answer_is_let_in(make_server):
    server = start(make_server, LINGER)
    with Http2(server.port) as conn:
        for _ in range(3):              # more than a connection's window, all in all
            streams = [conn.request(method="POST", fields=[("content-length", "16000")], end=False) for _ in range(4)]
            for stream in streams:
                assert conn.response(stream).body == b"ok"
            for stream in streams:
                conn.body(stream, b"x" * 16000)
        for path in ("/", "/empty"):
            stream = conn.request(path, method="POST", end=False)
            assert conn.response(stream).status == 200
            seen = conn.window_updates.get(0, 0)
            conn.body(stream, b"x")     # clients that have their answer wait for a sign that this came
            conn.until("a window", lambda: conn.window_updates.get(0, 0) > seen)
        stream = conn.request(method="POST", end=False)
        assert conn.response(stream).body == b"ok"
        conn.head(stream, [("x-sum", "1")], True)
        conn.synchronise()
        assert not conn.resets
        assert conn.get().body == b"ok"


def test_more_of_it_than_that_is_not(make_server):
    server = start(make_server, LINGER)
    with Http2(server.port) as conn:
        stream = conn.request(method="POST", end=False)
        assert conn.response(stream).body == b"ok"
        conn.synchronise()
        assert stream not in conn.resets
        conn.body(stream, b"x" * 17000, end=False)
        assert conn.reset_of(stream) == NO_ERROR
        for path in ("/off", "/soon"):  # nor what nobody waits for, or what does not come
            stream = conn.request(path, method="POST", end=False)
            assert conn.response(stream).body == b"ok"
            assert conn.reset_of(stream) == NO_ERROR
        assert conn.get().body == b"ok"


def test_a_stream_that_lingers_keeps_no_connection_open(make_server):
    server = start(make_server, "lingering_timeout 1h; location / { return 200 ok; }")
    with Http2(server.port) as conn:
        stream = conn.request(method="POST", end=False)
        assert conn.response(stream).body == b"ok"
        conn.sock.shutdown(socket.SHUT_WR)
        assert conn.goaway() in (None, NO_ERROR)
    with Http2(server.port) as conn:
        stream = conn.request(method="POST", end=False)
        assert conn.response(stream).body == b"ok"
        conn.reset(stream)
        assert conn.get().body == b"ok"
    with Http2(server.port) as conn:
        stream = conn.request(method="POST", end=False)
        assert conn.response(stream).body == b"ok"
        server.process.send_signal(signal.SIGQUIT)
        assert conn.goaway() == NO_ERROR


def test_a_body_that_is_too_long_is_413(make_server):
    server = start(make_server, "client_max_body_size 1000; location / { echo on; }", main=ECHO["main"])
    with Http2(server.port) as conn:
        assert conn.get(method="POST", body=b"x" * 2000, fields=[("content-length", "2000")]).status == 413
        assert conn.get(method="POST", body=b"x" * 2000).status == 413
        assert conn.get(method="POST", body=b"x").body == b"1:x"


def test_trailers_of_a_request_end_its_body(make_server):
    server = start(make_server, **ECHO)
    with Http2(server.port) as conn:
        stream = conn.request(method="POST", body=b"abc", end=False)
        conn.frame(HEADERS, END_HEADERS | END_STREAM, stream, block([("x-sum", "1")]))
        assert conn.response(stream).body == b"3:abc"
        assert conn.get(method="POST", body=b"d").body == b"1:d"


def test_100_continue_is_sent_when_the_body_is_wanted(make_server):
    server = start(make_server, **ECHO)
    with Http2(server.port) as conn:
        stream = conn.request(method="POST", fields=[("expect", "100-continue")], end=False)
        conn.until("100", lambda: stream in conn.answers and conn.answers[stream].interim)
        conn.body(stream, b"abc")
        assert conn.response(stream).body == b"3:abc"
        assert [status for status, _ in conn.answers[stream].interim] == [100]
        assert conn.get(method="POST", body=b"", fields=[("expect", "mercy")]).status == 417


# ---- Windows and priorities. ----------------------------------------------------------------------

def test_windows_are_kept_to(make_server):
    server = start(make_server)
    with Http2(server.port, settings={INITIAL_WINDOW: 1000}, credit=False) as conn:
        stream = conn.request("/big")
        conn.until("a full window", lambda: stream in conn.answers and len(conn.answers[stream].body) >= 1000)
        conn.synchronise()
        assert len(conn.answers[stream].body) == 1000
        conn.update(stream, 500)
        conn.until("more", lambda: len(conn.answers[stream].body) >= 1500)
        conn.synchronise()
        assert len(conn.answers[stream].body) == 1500
        assert conn.get("/a.txt").body == b"hello"         # others go on


def test_a_smaller_initial_window_may_make_windows_negative(make_server):
    server = start(make_server)
    with Http2(server.port, settings={INITIAL_WINDOW: 10000}, credit=False) as conn:
        stream = conn.request("/big")
        conn.until("a window", lambda: stream in conn.answers and len(conn.answers[stream].body) == 10000)
        conn.frame(SETTINGS, payload=struct.pack("!HI", INITIAL_WINDOW, 0))
        conn.update(stream, 9999)
        conn.synchronise()
        assert len(conn.answers[stream].body) == 10000     # it is -1 now
        conn.update(stream, 11)
        conn.until("ten more", lambda: len(conn.answers[stream].body) == 10010)


def order_of_ends(conn, streams):
    done = []
    while len(done) < len(streams):
        conn.read()
        done += [s for s in streams if s in conn.ended and s not in done]
    return done


def test_urgent_answers_go_first(make_server):
    """The window of the connection is opened only when all have been asked for.  [RFC 9218 10]"""
    server = start(make_server, files={f"f{n}": b"x" * 60000 for n in range(8)})
    with Http2(server.port, credit=False, settings={INITIAL_WINDOW: 1 << 20}) as conn:
        first = conn.request("/big")                       # uses the connection's window up
        conn.until("the window", lambda: first in conn.answers and len(conn.answers[first].body) == 65535)
        conn.reset(first)
        streams = {n: conn.request(f"/f{n}", fields=[("priority", f"u={n}")]) for n in (5, 1, 7, 0, 3)}
        conn.synchronise()
        conn.update(0, 1 << 20)
        order = order_of_ends(conn, list(streams.values()))
        assert order == [streams[n] for n in sorted(streams)]


def test_a_priority_update_changes_the_order(make_server):
    server = start(make_server, files={f"f{n}": b"x" * 60000 for n in range(8)})
    with Http2(server.port, credit=False, settings={INITIAL_WINDOW: 1 << 20}) as conn:
        first = conn.request("/big")
        conn.until("the window", lambda: first in conn.answers and len(conn.answers[first].body) == 65535)
        conn.reset(first)
        one, two = conn.request("/f1", fields=[("priority", "u=2")]), conn.request("/f2", fields=[("priority", "u=4")])
        conn.frame(PRIORITY_UPDATE, 0, 0, struct.pack("!I", two) + b"u=0")
        conn.synchronise()
        conn.update(0, 1 << 20)
        assert order_of_ends(conn, [one, two]) == [two, one]


def test_incremental_answers_take_turns(make_server):
    server = start(make_server)
    with Http2(server.port, credit=False, settings={INITIAL_WINDOW: 1 << 20}) as conn:
        first = conn.request("/big")
        conn.until("the window", lambda: first in conn.answers and len(conn.answers[first].body) == 65535)
        conn.reset(first)
        streams = [conn.request("/big", fields=[("priority", "u=3, i")]) for _ in range(2)]
        conn.synchronise()
        conn.update(0, 300_000)
        conn.until("300 KB", lambda: sum(len(conn.answers[s].body) for s in streams if s in conn.answers) == 300_000)
        assert min(len(conn.answers[s].body) for s in streams) >= 100_000


# ---- The end. -------------------------------------------------------------------------------------

def test_a_stream_that_is_cut_is_reset(make_server):
    server = start(make_server)
    with Http2(server.port, credit=False) as conn:
        stream = conn.request("/big")
        conn.until("a window", lambda: stream in conn.answers and len(conn.answers[stream].body) == 65535)
        (server.root / "big").write_bytes(b"")
        conn.update(0, 1 << 20)
        conn.update(stream, 1 << 20)
        assert conn.reset_of(stream) == INTERNAL_ERROR
        assert conn.get("/a.txt").body == b"hello"


def test_the_client_may_close_its_side_and_still_read(make_server):
    server = start(make_server)
    with Http2(server.port) as conn:
        stream = conn.request("/a.txt")
        conn.sock.shutdown(1)
        assert conn.response(stream).body == b"hello"
        assert conn.goaway() in (None, NO_ERROR)


def test_a_reset_request_is_logged_as_499(make_server):
    server = start(make_server, "access_log %PREFIX%/logs/a.log; location / { echo on; }", main=ECHO["main"])
    with Http2(server.port) as conn:
        conn.reset(conn.request("/gone", method="POST", end=False))
        conn.synchronise()
    wait_for("the line", lambda: '"POST /gone HTTP/2.0" 499 ' in (server.prefix / "logs/a.log").read_text())


def test_keepalive_requests_end_a_connection_gracefully(make_server):
    server = start(make_server, "keepalive_requests 5; location / { }")
    with Http2(server.port) as conn:
        for _ in range(5):
            assert conn.get("/a.txt").body == b"hello"
        assert conn.goaway() == NO_ERROR
        assert conn.goaways[-1][0] >= 9


def test_request_length_counts_what_frames_carry(make_server):
    """As in nginx: the fields as they came, and the body, without the heads of frames."""
    server = start(make_server, 'location / { return 200 "$request_length"; }')
    with Http2(server.port) as conn:
        fields = head("/", fields=(("x-long", "y" * 100),))
        assert conn.response(conn.request(raw=fields)).body == b"%d" % len(block(fields))


def test_an_idle_connection_is_told_to_go(make_server):
    server = start(make_server, "keepalive_timeout 1s; location / { }")
    with Http2(server.port) as conn:
        assert conn.get("/a.txt").body == b"hello"
        begin = time.monotonic()
        assert conn.goaway() == NO_ERROR
        assert 0.5 <= time.monotonic() - begin <= 30


def test_a_connection_that_is_not_kept_goes_when_it_is_idle(make_server):
    """keepalive_timeout 0: what is under way is answered, and what comes while it is. [nginx keepalive_timeout]"""
    server = start(make_server, "keepalive_timeout 0; location / { }")
    with Http2(server.port) as conn:
        streams = [conn.request("/a.txt") for _ in range(3)]
        assert [conn.response(s).body for s in streams] == [b"hello"] * 3
        assert conn.goaway() == NO_ERROR
        assert conn.goaways[-1][0] == streams[-1]


def test_pings_do_not_keep_an_idle_connection(make_server):
    server = start(make_server, "keepalive_timeout 1s; location / { }")
    with Http2(server.port) as conn:
        conn.get("/a.txt")
        begin = time.monotonic()
        with pytest.raises(GoneAway):
            while time.monotonic() - begin < 30:
                conn.synchronise()
                select.select([], [], [], 0.1)


@pytest.mark.parametrize("half", [b"", PREFACE, PREFACE + frame(SETTINGS),
                                  PREFACE + frame(SETTINGS) + frame(HEADERS, 0, 1, block(head()))],
                         ids=["nothing", "preface", "settings", "half a head"])
def test_a_connection_without_a_request_is_cut_in_time(make_server, half):
    server = start(make_server, "client_header_timeout 1s; location / { }")
    with Http2(server.port, begin=False) as conn:
        conn.send(half)
        begin = time.monotonic()
        conn.goaway()
        assert time.monotonic() - begin <= 30


def test_a_body_that_does_not_come_is_408(make_server):
    server = start(make_server, "client_body_timeout 1s; location / { echo on; }", main=ECHO["main"])
    with Http2(server.port) as conn:
        stream = conn.request(method="POST", body=b"abc", end=False)
        assert conn.response(stream).status == 408
        assert conn.get(method="POST", body=b"d").body == b"1:d"


def test_a_window_that_stays_closed_ends_its_stream_and_no_other(make_server):
    server = start(make_server, "send_timeout 1s; location / { }")
    with Http2(server.port, settings={INITIAL_WINDOW: 0}, credit=False) as conn:
        stream = conn.request("/big")
        assert conn.reset_of(stream) == CANCEL
        conn.frame(SETTINGS, payload=struct.pack("!HI", INITIAL_WINDOW, 65535))
        assert conn.get("/a.txt").body == b"hello"


def cut_for_slowness(server, stop):
    """Two streams of one connection, neither ever still: a body that drips in, and a window that is opened by a few bytes.
    The seconds until both are cut."""
    begin = time.monotonic()
    with Http2(server.port, settings={INITIAL_WINDOW: 10}, credit=False) as conn:
        sender = conn.request("/echo", method="POST", body=b"x", end=False)
        reader = conn.request("/big")

        def both_cut():
            if stop.wait(0.25):
                return True
            conn.body(sender, b"x", end=False)
            if reader not in conn.resets:
                conn.update(reader, 10)
            while select.select([conn.sock], [], [], 0)[0]:
                conn.read()
            return "body too slowly" in server.log() and reader in conn.resets

        wait_for("both are cut", both_cut, 90)
        assert stop.is_set() or (conn.resets[reader] == CANCEL and len(conn.answers[reader].body) > 20)
        assert not conn.goaways
        return time.monotonic() - begin


@pytest.fixture(scope="module", autouse=True)
def both_cut():
    """Two streams that are too slow: it takes 20 seconds until they are cut, in which the other tests run."""
    server, stop = Server({"big": BIG}), threading.Event()
    server.configure(configuration(ON + "client_body_timeout 5s; send_timeout 5s; client_body_min_rate 500; send_min_rate 2k;"
                                   " location / { } location /echo { echo on; }", main=ECHO["main"]))
    server.start()
    try:
        with ThreadPoolExecutor(1) as pool:
            yield pool.submit(cut_for_slowness, server, stop)
            stop.set()
    finally:
        server.stop()


def test_a_client_that_does_not_read_is_cut(make_server):
    server = start(make_server, "send_timeout 1s; location / { }", {"huge": b"x" * 20_000_000})
    with Http2(server.port, settings={INITIAL_WINDOW: (1 << 31) - 1}, buffer=4096) as conn:
        conn.update(0, (1 << 31) - 1 - 65535)
        conn.request("/huge")
        wait_for("the server lets go", lambda: re.search("timed out while reading", server.log()))


def test_quit_finishes_what_has_begun(make_server):
    """Two GOAWAYs, the second with the last stream that is answered; every stream up to it is.  [RFC 9113 6.8]"""
    server = make_server(ON + "location / { }", files={"big": BIG, "a.txt": "hello"}, single=False).start()
    with Http2(server.port, credit=False) as conn:
        stream = conn.request("/big")
        conn.until("a window", lambda: stream in conn.answers and len(conn.answers[stream].body) == 65535)
        server.kill(signal.SIGHUP)
        conn.until("the notice", lambda: conn.goaways)
        assert conn.goaways[0] == ((1 << 31) - 1, NO_ERROR)
        late = conn.request("/a.txt")                      # sent before the second one has come
        conn.credit = True
        conn.update(0, 1 << 20)
        conn.update(stream, 1 << 20)
        assert conn.response(stream).body == BIG
        if late <= conn.goaways[-1][0]:
            assert conn.response(late).body == b"hello"
        assert conn.goaway() == NO_ERROR
        assert conn.goaways[-1][0] in (stream, late)


def test_a_busy_connection_leaves_its_old_worker(make_server):
    """Requests follow one another all the time; the old worker goes, and none that it took is lost."""
    server = make_server(ON + "location / { }", files={"a.txt": "hello"}, single=False).start()
    with Http2(server.port) as conn:
        open_streams = [conn.request("/a.txt") for _ in range(10)]
        for _ in range(20):
            assert conn.response(open_streams.pop(0)).body == b"hello"
            open_streams.append(conn.request("/a.txt"))
        old = server.workers()
        server.kill(signal.SIGHUP)
        begin = time.monotonic()
        try:
            while time.monotonic() - begin < 30:
                assert conn.response(open_streams.pop(0)).body == b"hello"
                open_streams.append(conn.request("/a.txt"))
        except GoneAway as gone:
            assert gone.code == NO_ERROR
        except Reset as late:                              # behind the last that was announced: safe to ask for again
            assert late.code == REFUSED_STREAM and conn.goaway() == NO_ERROR
        last = conn.goaways[-1][0]
        assert all(s in conn.ended and s not in conn.resets for s in range(1, last + 1, 2))
    wait_for("the old worker leaves", lambda: not set(old) & set(server.workers()))


# ---- TLS. -----------------------------------------------------------------------------------------

@pytest.fixture
def tls_server(make_server, tmp_path):
    """HTTP/2 in the default server, and none in the other one."""
    for name in ("key", "cert"):
        (tmp_path / name).touch()
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                    "-subj", "/CN=a", "-days", "2", "-keyout", tmp_path / "key", "-out", tmp_path / "cert"],
                   check=True, capture_output=True)
    return make_server(
        "http2 on; location / { } location /v { return 200 $http2; }", listen="listen 127.0.0.1:%PORT% ssl;",
        http=f"ssl_certificate {tmp_path}/cert; ssl_certificate_key {tmp_path}/key;",
        files={"a.txt": "hello", "big": BIG}).start()


def context(*protocols):
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    tls.check_hostname, tls.verify_mode = False, ssl.CERT_NONE
    tls.set_alpn_protocols(protocols)
    return tls


def test_http2_is_agreed_on_in_the_handshake(tls_server):
    with Http2(tls_server.port, tls=context("h2", "http/1.1")) as conn:
        assert conn.sock.selected_alpn_protocol() == "h2"
        assert conn.get("/v", scheme="https").body == b"h2"
        assert conn.get("/big", scheme="https").body == BIG
        streams = [conn.request("/a.txt", scheme="https") for _ in range(50)]
        assert all(conn.response(stream).body == b"hello" for stream in streams)


def test_http1_is_spoken_with_who_does_not_offer_http2(tls_server):
    with socket.create_connection(("127.0.0.1", tls_server.port), timeout=15) as plain:
        with context("http/1.1").wrap_socket(plain) as sock:
            sock.sendall(b"GET /a.txt HTTP/1.1\r\nHost: a\r\n\r\n")
            assert sock.recv(100).startswith(b"HTTP/1.1 200 ")


def test_who_agreed_on_http2_has_to_speak_it(tls_server):
    with socket.create_connection(("127.0.0.1", tls_server.port), timeout=15) as plain:
        with context("h2").wrap_socket(plain) as sock:
            sock.sendall(b"GET /a.txt HTTP/1.1\r\nHost: a\r\n\r\n")
            said = b""
            while data := sock.recv(65536):
                said += data
            assert b"HTTP/1.1" not in said and b"hello" not in said


def test_who_is_slower_than_the_minimum_rates_loses_the_stream_after_20_seconds(both_cut):
    assert both_cut.result() >= 20


# ---- Other people's clients. ----------------------------------------------------------------------

@pytest.mark.skipif(not shutil.which("curl"), reason="no curl")
def test_curl(make_server):
    server = start(make_server, **ECHO)
    (server.root / "up").write_bytes(BIG)
    out = subprocess.run(["curl", "-s", "--http2-prior-knowledge", "--data-binary", f"@{server.root}/up",
                          f"http://127.0.0.1:{server.port}/"], capture_output=True, timeout=30)
    assert out.stdout == b"%d:" % len(BIG) + BIG


@pytest.mark.skipif(not shutil.which("nghttp"), reason="no nghttp")
def test_nghttp(make_server):
    server = start(make_server)
    out = subprocess.run(["nghttp", "-ns", "-m", "20", f"http://127.0.0.1:{server.port}/big"],
                         capture_output=True, timeout=30, text=True)
    assert len(re.findall(r" 200 +2M +/big", out.stdout)) == 20, out.stdout


@pytest.mark.skipif(not shutil.which("h2load"), reason="no h2load")
def test_h2load(make_server):
    server = start(make_server, "keepalive_requests 100000; location / { }")
    out = subprocess.run(["h2load", "-n", "2000", "-c", "4", "-m", "32", f"http://127.0.0.1:{server.port}/a.txt"],
                         capture_output=True, timeout=60, text=True)
    assert "2000 succeeded, 0 failed" in out.stdout, out.stdout

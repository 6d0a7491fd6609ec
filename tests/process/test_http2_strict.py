"""HTTP/2: what no client may send, and how it is told.  [RFC 9113; conformance "HTTP/2"]

A malformed request resets its stream and is never answered; the connection goes on. A mistake in frames, windows or
the compression of fields ends the connection.
"""

import struct

import pytest

from weir.http2 import (ACK, COMPRESSION_ERROR, CONTINUATION, DATA, END_HEADERS, END_STREAM, ENHANCE_YOUR_CALM,
                        FLOW_CONTROL_ERROR, FRAME_SIZE_ERROR, GOAWAY, HEADERS, INITIAL_WINDOW, MAX_FRAME, NO_ERROR, PADDED, PING,
                        PREFACE, PRIORITY, PROTOCOL_ERROR, PUSH, REFUSED_STREAM, RST_STREAM, SETTINGS, STREAM_CLOSED,
                        WINDOW_UPDATE, Http2, Reset, block, frame, head, integer, literal)

pytestmark = pytest.mark.weir_only


@pytest.fixture(scope="module")
def server():
    from weir.server import Server, configuration
    server = Server({"a.txt": "hello"})
    server.configure(configuration("http2 on; location / { } location /echo { echo on; }",
                                   main="load_module %MODULE:echo%;"))
    server.start()
    yield server
    server.stop()


def no(fields, without):
    return [(n, v) for n, v in fields if n != without]


MALFORMED = {
    "no method": no(head("/a.txt"), ":method"),
    "no scheme": no(head("/a.txt"), ":scheme"),
    "no path": no(head("/a.txt"), ":path"),
    "no authority": head("/a.txt", authority=None),
    "an empty path": head(""),
    "an empty method": head("/a.txt", method=""),
    "an empty authority": head("/a.txt", authority=""),
    "a path without its slash": head("a.txt"),
    "an absolute path": head("http://a/a.txt"),
    "an asterisk and GET": head("*"),
    "a fragment": head("/a.txt#x"),
    "a blank in the path": head("/a.txt x"),
    "a tab in the path": head("/a.txt\tx"),
    "a byte over 7f in the path": head("/\xe4"),
    "a blank in the method": head("/a.txt", method="GET x"),
    "a tab in the method": head("/a.txt", method="GE\tT"),
    "a blank in the authority": head("/a.txt", authority="a b"),
    "userinfo": head("/a.txt", authority="u@a"),
    "a slash in the authority": head("/a.txt", authority="a/b"),
    "a bad port": head("/a.txt", authority="a:b"),
    "a bad scheme": head("/a.txt", scheme="ht tp"),
    "a method twice": [(":method", "GET"), *head("/a.txt")],
    "a path twice": [*head("/a.txt"), (":path", "/b")],
    "an authority twice": [*head("/a.txt"), (":authority", "a")],
    "a pseudo-field that is not known": [*head("/a.txt"), (":unknown", "x")],
    "a pseudo-field of answers": [*head("/a.txt"), (":status", "200")],
    "a pseudo-field behind others": [*head("/a.txt")[:3], ("x", "y"), (":authority", "a")],
    "a protocol without CONNECT": [*head("/a.txt"), (":protocol", "websocket")],
    "a CONNECT with a path": head("/a.txt", method="CONNECT"),
    "host that differs": head("/a.txt", fields=[("host", "b")]),
    "host twice": head("/a.txt", authority=None, fields=[("host", "a"), ("host", "a")]),
    "host that is none": head("/a.txt", authority=None, fields=[("host", "a b")]),
    "connection": head("/a.txt", fields=[("connection", "close")]),
    "keep-alive": head("/a.txt", fields=[("keep-alive", "1")]),
    "proxy-connection": head("/a.txt", fields=[("proxy-connection", "close")]),
    "transfer-encoding": head("/a.txt", fields=[("transfer-encoding", "chunked")]),
    "upgrade": head("/a.txt", fields=[("upgrade", "h2c")]),
    "te that says gzip": head("/a.txt", fields=[("te", "gzip")]),
    "te that says more": head("/a.txt", fields=[("te", "trailers, gzip")]),
    "capitals": head("/a.txt", fields=[("X-Y", "z")]),
    "capitals in a known name": head("/a.txt", fields=[("Accept", "z")]),
    "a name without bytes": head("/a.txt", fields=[("", "z")]),
    "a blank in a name": head("/a.txt", fields=[("x y", "z")]),
    "a colon in a name": head("/a.txt", fields=[("x:y", "z")]),
    "a byte over 7f in a name": head("/a.txt", fields=[("x\xe4", "z")]),
    "a delimiter in a name": head("/a.txt", fields=[("x(y", "z")]),
    "a line feed in a name": head("/a.txt", fields=[("x\ny", "z")]),
    "a line feed in a value": head("/a.txt", fields=[("x", "y\nz: a")]),
    "a carriage return in a value": head("/a.txt", fields=[("x", "y\rz")]),
    "a NUL in a value": head("/a.txt", fields=[("x", "y\0z")]),
    "a DEL in a value": head("/a.txt", fields=[("x", "y\x7f")]),
    "a blank before a value": head("/a.txt", fields=[("x", " y")]),
    "a tab behind a value": head("/a.txt", fields=[("x", "y\t")]),
    "a length without a body": head("/a.txt", fields=[("content-length", "1")]),
    "a length that is no number": head("/a.txt", fields=[("content-length", "+0")]),
    "two lengths": head("/a.txt", fields=[("content-length", "0"), ("content-length", "0")]),
    "a length that is too large": head("/a.txt", fields=[("content-length", "99999999999999999999")]),
}


@pytest.mark.parametrize("fields", MALFORMED.values(), ids=MALFORMED.keys())
def test_a_malformed_request_resets_its_stream(server, fields):
    with Http2(server.port) as conn:
        stream = conn.request(raw=fields)
        assert conn.reset_of(stream) == PROTOCOL_ERROR
        assert conn.answers[stream].status == 400          # and a program learns what was wrong
        assert conn.get("/a.txt").body == b"hello"         # the others on the connection do not suffer


def test_what_is_well_formed_and_wrong_is_answered(server):
    with Http2(server.port) as conn:
        for path in ("/../x", "/%zz", "/%00", "/a%2fb"):
            assert conn.get(path).status == 400
        assert conn.get("/a.txt", authority="a..b").status == 400


def test_te_trailers_and_tabs_inside_are_right(server):
    with Http2(server.port) as conn:
        assert conn.get("/a.txt", fields=[("te", "trailers"), ("x", "a\tb"), ("y", "\xe4"), ("z", "")]).status == 200
        assert conn.get("/a.txt", fields=[("content-length", "0")]).status == 200


@pytest.mark.parametrize("length,body", [("4", b"abc"), ("2", b"abc"), ("0", b"a")])
def test_data_that_is_not_as_long_as_it_said(server, length, body):
    with Http2(server.port) as conn:
        stream = conn.request("/echo", method="POST", fields=[("content-length", length)], body=body)
        assert conn.reset_of(stream) == PROTOCOL_ERROR
        assert conn.answers[stream].status == 400
        assert conn.get("/a.txt").body == b"hello"


@pytest.mark.parametrize("trailers,flags", [([(":path", "/")], END_STREAM), ([("X", "y")], END_STREAM),
                                            ([("connection", "x")], END_STREAM), ([("x", "y")], 0)],
                         ids=["pseudo-field", "capitals", "connection", "not the end"])
def test_bad_trailers(server, trailers, flags):
    with Http2(server.port) as conn:
        stream = conn.request("/echo", method="POST", body=b"abc", end=False)
        conn.frame(HEADERS, END_HEADERS | flags, stream, block(trailers))
        assert conn.reset_of(stream) == PROTOCOL_ERROR
        assert conn.get("/a.txt").body == b"hello"


# ---- Limits. --------------------------------------------------------------------------------------

def test_limits_are_answered_as_over_http1(server):
    with Http2(server.port) as conn:
        assert conn.get("/" + "x" * 9000).status == 414
        assert conn.get("/a.txt", fields=[("x", "y" * 9000)]).status == 431
        assert conn.get("/a.txt", fields=[(f"x{n}", "y" * 4000) for n in range(9)]).status == 431
        assert conn.get("/a.txt", fields=[(f"x{n}", "y") for n in range(201)]).status == 431
        assert conn.get("/a.txt", fields=[(f"x{n}", "y") for n in range(150)]).status == 200


def test_a_path_that_is_longer_than_all_of_a_head_may_be_is_414(server):
    """What stands behind it is not missing.  [RFC 9110 15.5.15]"""
    with Http2(server.port) as conn:
        for size in (8192, 32000, 32768, 40000, 60000):
            assert conn.get("/" + "x" * size).status == 414
        assert conn.get("/a.txt").body == b"hello"


def test_a_head_far_over_the_limit_ends_the_connection(server):
    with Http2(server.port) as conn:
        conn.frame(HEADERS, END_STREAM, 1, block(head("/a.txt")))
        for _ in range(6):
            conn.frame(CONTINUATION, 0, 1, block([("x", "y" * 7000)] * 2))
        assert conn.goaway() == ENHANCE_YOUR_CALM


def test_more_streams_than_allowed_are_refused(server):
    """Those that were there go on."""
    with Http2(server.port) as conn:
        first = [conn.request("/echo", method="POST", body=b"a", end=False) for _ in range(100)]
        late = conn.request("/a.txt")                      # before we have acknowledged the limit
        assert conn.reset_of(late) == REFUSED_STREAM
        for stream in first:
            conn.frame(DATA, END_STREAM, stream)
        assert all(conn.response(stream).body == b"1:a" for stream in first)


# ---- Frames. --------------------------------------------------------------------------------------

def request_then(*frames):
    """A whole request on stream 1, and frames behind it."""
    return [frame(HEADERS, END_HEADERS | END_STREAM, 1, block(head("/a.txt"))), *frames]


def one(value):
    return struct.pack("!I", value)


OPEN = frame(HEADERS, END_HEADERS, 1, block(head("/echo", method="POST")))
FATAL = {
    "DATA on stream 0": ([frame(DATA, 0, 0, b"x")], PROTOCOL_ERROR),
    "DATA on an idle stream": ([frame(DATA, 0, 5, b"x")], PROTOCOL_ERROR),
    "HEADERS on stream 0": ([frame(HEADERS, END_HEADERS, 0, block(head()))], PROTOCOL_ERROR),
    "HEADERS on an even stream": ([frame(HEADERS, END_HEADERS | END_STREAM, 2, block(head()))], PROTOCOL_ERROR),
    "RST_STREAM on an idle stream": ([frame(RST_STREAM, 0, 5, one(8))], PROTOCOL_ERROR),
    "RST_STREAM of 3 bytes": ([OPEN, frame(RST_STREAM, 0, 1, b"abc")], FRAME_SIZE_ERROR),
    "WINDOW_UPDATE on an idle stream": ([frame(WINDOW_UPDATE, 0, 5, one(1))], PROTOCOL_ERROR),
    "WINDOW_UPDATE of 3 bytes": ([frame(WINDOW_UPDATE, 0, 0, b"abc")], FRAME_SIZE_ERROR),
    "WINDOW_UPDATE of nothing": ([frame(WINDOW_UPDATE, 0, 0, one(0))], PROTOCOL_ERROR),
    "a window over 2^31-1": ([frame(WINDOW_UPDATE, 0, 0, one((1 << 31) - 1))], FLOW_CONTROL_ERROR),
    "SETTINGS on a stream": ([frame(SETTINGS, 0, 1)], PROTOCOL_ERROR),
    "SETTINGS of 5 bytes": ([frame(SETTINGS, 0, 0, b"12345")], FRAME_SIZE_ERROR),
    "SETTINGS ACK with bytes": ([frame(SETTINGS, ACK, 0, b"123456")], FRAME_SIZE_ERROR),
    "an initial window over 2^31-1": ([frame(SETTINGS, 0, 0, struct.pack("!HI", INITIAL_WINDOW, 1 << 31))],
                                      FLOW_CONTROL_ERROR),
    "a frame size under 2^14": ([frame(SETTINGS, 0, 0, struct.pack("!HI", MAX_FRAME, 1000))], PROTOCOL_ERROR),
    "ENABLE_PUSH 2": ([frame(SETTINGS, 0, 0, struct.pack("!HI", 2, 2))], PROTOCOL_ERROR),
    "PING on a stream": ([frame(PING, 0, 1, b"12345678")], PROTOCOL_ERROR),
    "PING of 7 bytes": ([frame(PING, 0, 0, b"1234567")], FRAME_SIZE_ERROR),
    "GOAWAY on a stream": ([frame(GOAWAY, 0, 1, b"12345678")], PROTOCOL_ERROR),
    "PUSH_PROMISE by a client": ([OPEN, frame(PUSH, END_HEADERS, 1, one(2) + block(head()))], PROTOCOL_ERROR),
    "CONTINUATION without HEADERS": ([frame(CONTINUATION, END_HEADERS, 1, block(head()))], PROTOCOL_ERROR),
    "a frame inside a field block": ([frame(HEADERS, END_STREAM, 1, block(head())), frame(PING, 0, 0, b"12345678")],
                                     PROTOCOL_ERROR),
    "CONTINUATION of another stream": ([frame(HEADERS, END_STREAM, 1, block(head())),
                                        frame(CONTINUATION, END_HEADERS, 3, b"")], PROTOCOL_ERROR),
    "padding longer than the frame": ([OPEN, frame(DATA, PADDED, 1, b"\x05ab")], PROTOCOL_ERROR),
    "a stream whose number is smaller": ([frame(HEADERS, END_HEADERS | END_STREAM, 5, block(head("/a.txt"))),
                                          frame(HEADERS, END_HEADERS | END_STREAM, 3, block(head("/a.txt")))],
                                         PROTOCOL_ERROR),
    "a frame over 2^14": ([OPEN, frame(DATA, 0, 1, b"x" * 16385)], FRAME_SIZE_ERROR),
    "an index outside the table": ([frame(HEADERS, END_HEADERS | END_STREAM, 1, b"\xff\x80\x01")], COMPRESSION_ERROR),
    "index 0": ([frame(HEADERS, END_HEADERS | END_STREAM, 1, b"\x80")], COMPRESSION_ERROR),
    "a path whose code is filled up with zeros": ([frame(HEADERS, END_HEADERS | END_STREAM, 1, b"\x04\x81\x18")],
                                                  COMPRESSION_ERROR),
    "a path with the code that ends texts": ([frame(HEADERS, END_HEADERS | END_STREAM, 1, b"\x14\x84\xff\xff\xff\xff")],
                                             COMPRESSION_ERROR),
    "a field block that is cut": ([frame(HEADERS, END_HEADERS | END_STREAM, 1, b"\0\x05ab")], COMPRESSION_ERROR),
    "Huffman padding over 7 bits": ([frame(HEADERS, END_HEADERS | END_STREAM, 1,
                                           block(head("/a.txt")) + b"\0" + literal("x") + b"\x82\xf8\xff\xff"[:1]
                                           + b"\xf8\xff")], COMPRESSION_ERROR),
    "Huffman padding of zeros": ([frame(HEADERS, END_HEADERS | END_STREAM, 1,
                                        block(head("/a.txt")) + b"\0" + literal("x") + b"\x81\x18")], COMPRESSION_ERROR),
    "a coded end of string": ([frame(HEADERS, END_HEADERS | END_STREAM, 1,
                                     block(head("/a.txt")) + b"\0" + literal("x") + b"\x84\xff\xff\xff\xff")],
                              COMPRESSION_ERROR),
    "a table size over the limit": ([frame(HEADERS, END_HEADERS | END_STREAM, 1,
                                           integer(5000, 5, 0x20) + block(head("/a.txt")))], COMPRESSION_ERROR),
    "a table size behind a field": ([frame(HEADERS, END_HEADERS | END_STREAM, 1,
                                           block(head("/a.txt")) + b"\x20")], COMPRESSION_ERROR),
}


@pytest.mark.parametrize("frames,code", FATAL.values(), ids=FATAL.keys())
def test_a_wrong_frame_ends_the_connection(server, frames, code):
    with Http2(server.port) as conn:
        conn.synchronise()
        conn.send(b"".join(frames))
        assert conn.goaway() == code


def test_something_else_than_settings_first(server):
    with Http2(server.port, begin=False) as conn:
        conn.send(PREFACE + frame(PING, 0, 0, b"12345678"))
        assert conn.goaway() == PROTOCOL_ERROR


def test_settings_that_lift_a_stream_window_over_the_limit(server):
    """A connection error, also when it comes by SETTINGS.  [RFC 9113 6.9.2]"""
    with Http2(server.port, credit=False) as conn:
        stream = conn.request("/echo", method="POST", body=b"a", end=False)
        conn.update(stream, (1 << 31) - 1 - 65535)
        conn.synchronise()
        conn.frame(SETTINGS, payload=struct.pack("!HI", INITIAL_WINDOW, 65536))
        assert conn.goaway() == FLOW_CONTROL_ERROR


def test_a_stream_window_over_the_limit_resets_the_stream(server):
    with Http2(server.port) as conn:
        stream = conn.request("/echo", method="POST", body=b"a", end=False)
        conn.update(stream, (1 << 31) - 1)
        assert conn.reset_of(stream) == FLOW_CONTROL_ERROR
        assert conn.get("/a.txt").body == b"hello"


def test_a_stream_window_opened_by_nothing_resets_the_stream(server):
    """It is a fault of the stream's; of the connection's window it ends the connection (above).  [RFC 9113 6.9]"""
    with Http2(server.port) as conn:
        stream = conn.request("/echo", method="POST", body=b"a", end=False)
        other = conn.request("/echo", method="POST", body=b"b", end=False)
        conn.update(stream, 0)
        assert conn.reset_of(stream) == PROTOCOL_ERROR
        conn.frame(DATA, END_STREAM, other)
        assert conn.response(other).body == b"1:b"


@pytest.mark.parametrize("last", [0, 1, 4, (1 << 31) - 1])
def test_a_client_that_leaves_gets_what_it_asked_for(server, last):
    """Which of our streams it has taken is nothing to us; some name theirs. The connection ends behind the answer.  [RFC 9113 6.8]"""
    with Http2(server.port) as conn:
        stream = conn.request("/echo", method="POST", body=b"a", end=False)
        conn.frame(GOAWAY, 0, 0, struct.pack("!II", last, NO_ERROR))
        conn.frame(DATA, END_STREAM, stream, b"b")
        assert conn.response(stream).body == b"2:ab"
        assert conn.goaway() in (None, NO_ERROR)


@pytest.mark.parametrize("late", [frame(DATA, END_STREAM, 1, b"x"),
                                  frame(HEADERS, END_HEADERS | END_STREAM, 1, block([("x", "y")]))], ids=["DATA", "HEADERS"])
def test_frames_behind_the_end_of_a_stream(server, late):
    """The stream is half closed, or closed: the connection ends with STREAM_CLOSED.  [RFC 9113 5.1]"""
    with Http2(server.port) as conn:
        conn.send(b"".join(request_then(late)))
        assert conn.goaway() == STREAM_CLOSED
    with Http2(server.port) as conn:
        assert conn.get("/a.txt").body == b"hello"
        conn.send(late)
        assert conn.goaway() in (STREAM_CLOSED, PROTOCOL_ERROR)


def test_frames_behind_our_reset_are_let_pass(server):
    """They may have been under way.  [RFC 9113 5.1]"""
    with Http2(server.port) as conn:
        stream = conn.request(raw=MALFORMED["connection"], end=False)
        assert conn.reset_of(stream) == PROTOCOL_ERROR
        conn.frame(DATA, 0, stream, b"x" * 1000)
        conn.update(stream, 100)
        conn.frame(DATA, END_STREAM, stream)
        assert conn.get("/a.txt").body == b"hello"


def test_too_much_data_for_the_window(server):
    """The answer waits, and the body with it: no more than the window may come."""
    with Http2(server.port, settings={INITIAL_WINDOW: 0}) as conn:
        conn.synchronise()                                 # our acknowledgement makes their window count
        stream = conn.request("/a.txt", end=False)
        conn.body(stream, b"x" * 65536, end=False)
        conn.synchronise()
        assert stream not in conn.resets
        conn.body(stream, b"x", end=False)
        assert conn.reset_of(stream) == FLOW_CONTROL_ERROR


def test_what_nobody_knows_is_passed_over(server):
    """Types of frames, settings, flags."""
    with Http2(server.port) as conn:
        conn.frame(0xfa, 0xff, 0, b"whatever")
        conn.frame(0xfa, 0xff, 7, b"whatever")
        conn.frame(SETTINGS, payload=struct.pack("!HI", 0xfa, 1))
        conn.frame(PING, 0xfe, 0, b"12345678")
        assert conn.get("/a.txt").body == b"hello"
        assert conn.pongs == [b"12345678"]


def test_an_empty_fragment_before_the_rest_of_a_head(server):
    with Http2(server.port) as conn:
        conn.methods[1] = "GET"
        conn.frame(HEADERS, END_STREAM, 1)
        conn.frame(CONTINUATION, 0, 1, block(head("/a.txt"))[:7])
        conn.frame(CONTINUATION, END_HEADERS, 1, block(head("/a.txt"))[7:])
        assert conn.response(1).body == b"hello"


def test_a_smaller_table_has_to_be_acknowledged_by_an_update(server):
    """Table size updates at the start of a block are right, one and two of them."""
    with Http2(server.port) as conn:
        conn.methods[1] = conn.methods[3] = "GET"
        conn.frame(HEADERS, END_HEADERS | END_STREAM, 1, b"\x20" + block(head("/a.txt")))
        assert conn.response(1).body == b"hello"
        conn.frame(HEADERS, END_HEADERS | END_STREAM, 3, b"\x20" + integer(4096, 5, 0x20) + block(head("/a.txt")))
        assert conn.response(3).body == b"hello"


def test_a_priority_on_itself_is_no_use(server):
    """Old priorities are not used; a frame of them harms nobody, or is a mistake of its stream at most."""
    with Http2(server.port) as conn:
        conn.frame(PRIORITY, 0, 1, one(3) + b"\x10")
        conn.next = 5
        assert conn.get("/a.txt").body == b"hello"

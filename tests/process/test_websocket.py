"""WebSockets through the proxy, with a real peer at each end: messages, pings, closes, idle tunnels, refusals.  [RFC 6455]"""

import asyncio
import contextlib
import ssl

import pytest

from weir.authority import authority
from weir.origin import Origin
from weir.server import status_kb, wait_for
from weir.wire import Connection

websockets = pytest.importorskip("websockets")
from weir.echo import FLOOD, LARGE, Echo    # noqa: E402  it needs websockets

pytestmark = pytest.mark.weir_only          # nginx wants header lines for each location


@pytest.fixture(scope="module")
def echo():
    origin = Echo()
    yield origin
    origin.stop()


@pytest.fixture(params=["plain", "tls"])
def talk(request, make_server, echo):
    """talk(path, script): connect through the server, run the script with the socket, its result."""
    tls = request.param == "tls"

    def run(path, script, conf="", **options):
        echo.seen.clear()
        server = make_server(f"location / {{ proxy_pass http://127.0.0.1:{echo.port}; {conf} }}",
                             http="ssl_certificate %TLS%/localhost.pem; ssl_certificate_key %TLS%/localhost.key;",
                             listen=f"listen 127.0.0.1:%PORT% {'ssl' if tls else ''};").start()
        if tls:
            options["ssl"] = ssl.create_default_context(cafile=authority() / "ca.pem")
            options["server_hostname"] = "localhost"
        scheme = "wss" if tls else "ws"

        async def go():
            async with websockets.connect(f"{scheme}://127.0.0.1:{server.port}{path}", max_size=None, ping_interval=None,
                                          **options) as socket:
                return await script(socket)
        return asyncio.run(asyncio.wait_for(go(), 30))
    return run


@pytest.mark.parametrize("message", ["", "hello", "\u00fcber \U0001f30a" * 20_000, b"", b"\0\xff" * 100_000, LARGE],
                         ids=["empty text", "text", "long text", "no bytes", "bytes", "5 MiB"])
@pytest.mark.parametrize("compression", ["deflate", None])
def test_messages_come_back_as_they_were(talk, message, compression):
    async def script(socket):
        await socket.send(message)
        return await socket.recv()
    assert talk("/echo", script, compression=compression) == message


def test_fragments_become_one_message_both_ways(talk):
    async def script(socket):
        await socket.send([b"a" * 10, b"", b"b" * 70_000, b"c"])
        return await socket.recv()
    assert talk("/echo", script) == b"a" * 10 + b"b" * 70_000 + b"c"

    async def listen(socket):
        return await socket.recv()
    assert talk("/push", listen, compression=None) == LARGE


def test_many_messages_keep_their_order(talk):
    async def script(socket):
        got = []

        async def read():
            for _ in range(3000):
                got.append(await socket.recv())
        reader = asyncio.ensure_future(read())
        for i in range(3000):
            await socket.send(f"{i} " + "x" * (i % 700))
        await reader
        return got
    assert talk("/echo", script) == [f"{i} " + "x" * (i % 700) for i in range(3000)]


def test_pings_are_answered_by_the_other_end(talk):
    async def script(socket):
        for data in (b"", b"are you there", b"x" * 125):
            await asyncio.wait_for(await socket.ping(data), 30)
        await socket.send("still")
        return await socket.recv()
    assert talk("/echo", script) == "still"


@pytest.mark.parametrize("code", [1000, 1001, 4001])
def test_the_clients_code_reaches_the_application(talk, echo, code):
    async def script(socket):
        await socket.close(code, "enough")
    talk("/echo", script)
    wait_for("the end", lambda: echo.seen)
    assert echo.seen == [(code, "enough")]


@pytest.mark.parametrize("code", [1000, 1011, 4002])
def test_the_applications_code_reaches_the_client(talk, code):
    async def script(socket):
        with pytest.raises(websockets.ConnectionClosed):
            await socket.recv()
        return socket.close_code, socket.close_reason
    assert talk(f"/close/{code}", script) == (code, "as you asked")


def test_extensions_and_protocols_are_agreed_between_the_ends(talk):
    async def script(socket):
        return socket.subprotocol, [e.name for e in socket.extensions]
    assert talk("/echo", script, subprotocols=["other", "chat"]) == ("chat", ["permessage-deflate"])


def test_the_application_is_told_who_asks(talk, echo):
    async def script(socket):
        return socket.response_headers
    echo.heads.clear()
    headers = talk("/echo", script, "proxy_forwarded x; proxy_set_header Host $host;", origin="https://a.example")
    assert headers["Upgrade"] == "websocket"
    (asked,) = echo.heads
    assert asked["X-Real-IP"] == "127.0.0.1" and asked["Origin"] == "https://a.example" and asked["Host"] == "127.0.0.1"


def test_a_client_that_vanishes_is_seen_by_the_application(talk, echo):
    async def script(socket):
        socket.transport.abort()
        await socket.wait_closed()
    talk("/echo", script)
    wait_for("the end", lambda: echo.seen)
    assert echo.seen == [(1006, "")]


def test_an_idle_tunnel_is_cut_and_a_busy_one_is_not(talk, echo):
    async def script(socket):
        clock = asyncio.get_running_loop().time
        begin = clock()
        for _ in range(5):                      # bytes of either side count; longer than the time in all
            await asyncio.sleep(0.5)
            await socket.send("busy")
        begin_idle = clock()
        with pytest.raises(websockets.ConnectionClosedError):
            await socket.recv()
        return begin_idle - begin, clock() - begin_idle
    busy, idle = talk("/silent", script, "proxy_read_timeout 2s;")
    assert busy > 2.4 and 1.9 < idle < 30
    wait_for("the end", lambda: echo.seen)
    assert echo.seen == [(1006, "")]


def test_a_refusal_is_an_answer(talk, echo):
    async def script(socket):
        raise AssertionError("not refused")
    with pytest.raises(websockets.InvalidStatusCode) as refused:
        talk("/refuse", script)
    assert refused.value.status_code == 403 and refused.value.headers["X-Why"] == "not you"


def test_upgrades_can_be_turned_off(talk, echo):
    async def script(socket):
        raise AssertionError("not refused")
    echo.heads.clear()
    with pytest.raises(websockets.InvalidStatusCode) as refused:
        talk("/echo", script, "proxy_upgrade off;")
    assert refused.value.status_code == 426         # the application's: it was asked for a page
    assert "Sec-WebSocket-Key" in echo.heads[0] and "Upgrade" not in echo.heads[0]


def test_no_application_is_502(talk):
    async def script(socket):
        raise AssertionError("not refused")
    with pytest.raises(websockets.InvalidStatusCode) as refused:
        talk("/echo", script, "limit_except POST { proxy_pass http://127.0.0.1:1; }")
    assert refused.value.status_code == 502


def test_a_slow_reader_holds_the_writer_back(make_server, echo):
    """What a client does not take, waits at the application: the server stores little, and nothing is lost."""
    server = make_server(f"location / {{ proxy_pass http://127.0.0.1:{echo.port}; }}").start()

    async def go():
        async with websockets.connect(f"ws://127.0.0.1:{server.port}/flood", max_size=None, ping_interval=None,
                                      compression=None, max_queue=1, read_limit=1 << 12) as socket:
            before = -1
            while before != echo.sent:
                before = echo.sent
                await asyncio.sleep(0.5)
            assert before < FLOOD - 2
            grown = status_kb(server.process.pid, "VmHWM")
            for _ in range(FLOOD):
                assert await socket.recv() == LARGE
            return grown
    assert asyncio.run(asyncio.wait_for(go(), 60)) < 60_000


def test_tunnels_go_on_in_the_old_worker_over_a_reload(make_server, echo):
    server = make_server(f"location / {{ proxy_pass http://127.0.0.1:{echo.port}; }}", single=False).start()

    async def go():
        async with websockets.connect(f"ws://127.0.0.1:{server.port}/echo", ping_interval=None) as socket:
            old = server.workers()
            server.kill(1)
            await asyncio.to_thread(wait_for, "new workers", lambda: set(server.workers()) - set(old))
            await socket.send("still")
            assert await socket.recv() == "still"
    asyncio.run(asyncio.wait_for(go(), 30))


# ---- Upgrades written by hand. ----

def switched(make_server, fields, asked, version="1.1"):
    """The first line that a client has, and all the rest of its head, from an origin that always switches."""
    def script(talk):
        talk.request()
        talk.send(b"HTTP/1.1 101 Switching\r\nConnection: upgrade\r\nUpgrade: websocket\r\nX-A: 1\r\n\r\n")
        talk.wait_for_end()
    with contextlib.closing(Origin(script)) as origin:
        server = make_server(f"location / {{ proxy_pass http://127.0.0.1:{origin.port}; proxy_http_version 1.1; {fields} }}").start()
        with Connection(server.port) as c:
            c.send(f"GET / HTTP/{version}\r\nHost: a\r\n{asked}\r\n".encode())
            return c.until(b"\r\n\r\n").decode()


ASKED = "Connection: Upgrade\r\nUpgrade: websocket\r\n"


@pytest.mark.parametrize("upgrade", ["$http_upgrade", "websocket", '"websocket"'])
@pytest.mark.parametrize("connection", ["upgrade", '"Upgrade"', "$http_connection"])
def test_an_upgrade_may_be_written_by_hand(make_server, upgrade, connection):
    head = switched(make_server, f"proxy_set_header Upgrade {upgrade}; proxy_set_header Connection {connection};", ASKED)
    assert head.startswith("HTTP/1.1 101 ") and "X-A: 1" in head


@pytest.mark.parametrize("asked, version", [("", "1.1"), (ASKED, "1.0")])
@pytest.mark.parametrize("upgrade", ["$http_upgrade", "websocket"])
def test_nobody_is_switched_who_cannot_be(make_server, asked, version, upgrade):
    """Nor does a field of the 101 stay in what is said instead.  [RFC 9110 7.8]"""
    head = switched(make_server, f"proxy_set_header Upgrade {upgrade}; proxy_set_header Connection upgrade;", asked, version)
    assert head.startswith("HTTP/1.1 502 ") and "X-A" not in head and "Upgrade" not in head

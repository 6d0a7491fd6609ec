"""Ways to listen: Unix sockets, IPv6, reuseport, port ranges, PROXY protocol."""

import random
import re
import signal
import socket
import stat
import struct

import pytest

from weir.server import wait_for
from weir.wire import Closed, Connection, fetch

SHOW = 'location / { return 200 "$remote_addr|$remote_port|$server_addr|$server_port"; }'


def test_a_unix_socket_serves_and_is_removed(make_server):
    server = make_server(SHOW + " listen unix:%PREFIX%/s.sock;").start()
    path = server.prefix / "s.sock"
    assert stat.S_ISSOCK(path.stat().st_mode)
    assert fetch(str(path)).body.startswith(b"unix:|")
    server.process.send_signal(signal.SIGTERM)
    server.process.wait(30)
    assert not path.exists()


def test_a_unix_socket_outlives_a_reload(make_server):
    server = make_server(SHOW + " listen unix:%PREFIX%/s.sock;", single=False).start()
    path = str(server.prefix / "s.sock")
    assert fetch(path).status == 200
    old = server.workers()
    server.kill(signal.SIGHUP)
    wait_for("the new worker alone", lambda: server.workers() and not set(old) & set(server.workers()))
    assert fetch(path).status == 200


def test_ipv6_serves(make_server):
    server = make_server(SHOW + " listen [::1]:%PORT2%;").start()
    answer = fetch(("::1", server.extra_ports["PORT2"]))
    assert re.fullmatch(rb"::1\|\d+\|::1\|%d" % server.extra_ports["PORT2"], answer.body)


def test_ipv6only_off_takes_ipv4_too(make_server):
    server = make_server(SHOW + " listen [::]:%PORT2% ipv6only=off;").start()
    assert b"127.0.0.1" in fetch(server.extra_ports["PORT2"]).body
    assert fetch(("::1", server.extra_ports["PORT2"])).body.startswith(b"::1|")


def test_a_bare_port_listens_everywhere(make_server):
    server = make_server(SHOW + " listen %PORT2%;").start()
    assert fetch(("127.0.0.5", server.extra_ports["PORT2"])).body.startswith(b"127.0.0.")


def test_one_address_wins_over_all_addresses(make_server):
    server = make_server('listen 127.0.0.1:%PORT2%; return 200 "one";',
                         servers=['listen %PORT2%; return 200 "all";']).start()
    port = server.extra_ports["PORT2"]
    assert fetch(("127.0.0.1", port)).body == b"one"
    assert fetch(("127.0.0.2", port)).body == b"all"


def test_reuseport_serves_from_every_worker(make_server):
    server = make_server('listen 127.0.0.1:%PORT2% reuseport; location / { return 200 "$pid"; }',
                         single=False, main="worker_processes 2;").start()
    wait_for("two workers", lambda: len(server.workers()) == 2)
    pids = {fetch(server.extra_ports["PORT2"]).body for _ in range(60)}
    assert len(pids) == 2


def test_a_backlog_and_buffers_may_be_set(make_server):
    server = make_server(SHOW + " listen 127.0.0.1:%PORT2% backlog=64 rcvbuf=16k sndbuf=16k "
                         "so_keepalive=on deferred;").start()
    assert fetch(server.extra_ports["PORT2"]).status == 200


@pytest.mark.weir_only
def test_a_port_range_listens_on_each(make_server):
    """nginx has these since 1.15.10, too; the ports must be free side by side."""
    # Below the ports that the kernel gives to clients, so that none comes in between.
    port = next(p for p in random.sample(range(20000, 30000), 50) if free(p) and free(p + 1))
    server = make_server(SHOW + f" listen 127.0.0.1:{port}-{port + 1};").start()
    for number in (port, port + 1):
        assert fetch(number).body.endswith(b"|%d" % number)


def free(port):
    with socket.socket() as sock:
        try:
            sock.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


PROXY = ('listen 127.0.0.1:%PORT2% proxy_protocol; location / { return 200 "$proxy_protocol_addr|'
         '$proxy_protocol_port|$proxy_protocol_server_addr|$proxy_protocol_server_port|$remote_addr"; }')
GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
V2 = b"\r\n\r\n\0\r\nQUIT\n"


def v2(command, family, payload):
    return V2 + struct.pack("!BBH", 0x20 | command, family, len(payload)) + payload


V4 = socket.inet_aton("192.0.2.1") + socket.inet_aton("192.0.2.2") + struct.pack("!HH", 1234, 80)
V6 = socket.inet_pton(10, "2001:db8::1") + socket.inet_pton(10, "2001:db8::2") + struct.pack("!HH", 1234, 80)


@pytest.mark.parametrize("head, body", [
    (b"PROXY TCP4 192.0.2.1 192.0.2.2 1234 80\r\n", b"192.0.2.1|1234|192.0.2.2|80|127.0.0.1"),
    (b"PROXY TCP6 2001:db8::1 2001:db8::2 1234 80\r\n", b"2001:db8::1|1234|2001:db8::2|80|127.0.0.1"),
    (b"PROXY UNKNOWN\r\n", b"||||127.0.0.1"),
    (b"PROXY UNKNOWN 2001:db8::1 2001:db8::2 1 2\r\n", b"||||127.0.0.1"),
    (v2(1, 0x11, V4), b"192.0.2.1|1234|192.0.2.2|80|127.0.0.1"),
    (v2(1, 0x21, V6), b"2001:db8::1|1234|2001:db8::2|80|127.0.0.1"),
    (v2(1, 0x11, V4 + b"\x04\0\x03abc"), b"192.0.2.1|1234|192.0.2.2|80|127.0.0.1"),
    (v2(0, 0x00, b""), b"||||127.0.0.1"),
], ids=["v1 ipv4", "v1 ipv6", "v1 unknown", "v1 unknown with more", "v2 ipv4", "v2 ipv6", "v2 with tlv",
        "v2 local"])
@pytest.mark.parametrize("piece", [0, pytest.param(1, marks=pytest.mark.weir_only)])
def test_a_proxy_header_gives_the_addresses(make_server, head, body, piece):
    server = make_server(PROXY).start()
    with Connection(server.extra_ports["PORT2"]) as conn:
        conn.send(head + GET, piece, [b"GET"])
        assert conn.response().body == body
        conn.send(GET)
        assert conn.response().body == body, "the addresses hold for the whole connection"


def test_a_trusted_proxy_header_gives_the_client(make_server):
    server = make_server('listen 127.0.0.1:%PORT2% proxy_protocol; set_real_ip_from 127.0.0.0/8; '
                         'real_ip_header proxy_protocol; '
                         'location / { return 200 "$remote_addr|$remote_port|$realip_remote_addr"; }').start()
    with Connection(server.extra_ports["PORT2"]) as conn:
        conn.send(b"PROXY TCP4 192.0.2.9 192.0.2.1 4242 80\r\n" + GET)
        assert conn.response().body == b"192.0.2.9|4242|127.0.0.1"


@pytest.mark.parametrize("head", [
    b"", b"PROXY TCP4 192.0.2.1 192.0.2.2 1234 80\n", pytest.param(b"PROXY TCP4 192.0.2.300 192.0.2.2 1234 80\r\n", marks=pytest.mark.weir_only),
    b"PROXY TCP4 192.0.2.1 192.0.2.2 123456 80\r\n", b"PROXY TCP9 192.0.2.1 192.0.2.2 1234 80\r\n",
    b"PROXY TCP4 " + b"1" * 120 + b"\r\n", b"proxy TCP4 192.0.2.1 192.0.2.2 1234 80\r\n",
    V2 + b"\x31\x11\0\x0c" + V4, V2 + b"\x21\x11\xff\xff" + V4 * 10, v2(1, 0x11, V4[:8])],
    ids=["none", "bare LF", "bad address", "bad port", "bad family", "too long", "small letters",
         "v2 bad version", "v2 too long", "v2 too short"])
def test_a_bad_proxy_header_closes_without_an_answer(make_server, head):
    server = make_server(PROXY).start()
    with Connection(server.extra_ports["PORT2"]) as conn:
        conn.send(head + GET, 0, [b"GET"])
        if head.startswith(V2 + b"\x21\x11\xff\xff"):
            conn.sock.shutdown(socket.SHUT_WR)
        with pytest.raises(Closed):
            conn.response()


def test_a_bad_proxy_header_is_told_of_with_its_sender(make_server):
    server = make_server(PROXY).start()
    port = server.extra_ports["PORT2"]
    with Connection(port) as conn:
        conn.send(b"PROXY TCP4 192.0.2.1\r\n" + GET)
        with pytest.raises(Closed):
            conn.response()
    wait_for("the line", lambda: re.search(
        r"\[error\] \d+#\d+: \*\d+ broken header.* while reading PROXY protocol.*"
        r", client: 127\.0\.0\.1, server: 127\.0\.0\.1:%d$" % port, server.log(whole=True), re.M | re.S))


def test_a_plain_port_takes_no_proxy_header(make_server):
    server = make_server(SHOW).start()
    with Connection(server.port) as conn:
        conn.send(b"PROXY TCP4 192.0.2.1 192.0.2.2 1234 80\r\n" + GET, 0, [b"GET"])
        assert conn.response().status == 400

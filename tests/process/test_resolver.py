"""Names that the server looks up while it runs, asked of a name server of this test's own.

The module test.relay connects to what a location names and answers with "PEER WHO": the peer as the server sees it, and what the
peer says of itself.
"""

import re
import signal
import socket
import threading

import pytest

from weir import recorder
from weir.names import NameServer
from weir.server import wait_for
from weir.wire import fetch

pytestmark = pytest.mark.weir_only


class Origins:
    """One port at several addresses of loopback; each connection is told where it came to."""

    def __init__(self, *hosts):
        self.socks, port = {}, 0
        for host in hosts:
            self.socks[host] = socket.create_server((host, port))
            port = self.socks[host].getsockname()[1]
        self.port = port
        for sock in self.socks.values():
            threading.Thread(target=self.accept, args=(sock,), daemon=True).start()

    def accept(self, listener):
        while True:
            try:
                sock, _ = listener.accept()
            except OSError:
                return
            with sock:
                sock.settimeout(10)
                try:
                    if sock.recv(64):
                        sock.sendall(sock.getsockname()[0].encode() + b"\n")
                except OSError:
                    pass

    def close(self):
        for sock in self.socks.values():
            sock.shutdown(socket.SHUT_RDWR)
            sock.close()


@pytest.fixture
def names():
    server = NameServer()
    yield server
    server.close()


@pytest.fixture
def origins():
    made = Origins("127.0.0.1", "127.0.0.2", "127.0.0.3")
    yield made
    made.close()


@pytest.fixture
def quick_system(monkeypatch):
    """The system's name servers, which a test has no hold of, are given up soon when they are silent."""
    monkeypatch.setenv("RES_OPTIONS", "timeout:1 attempts:1")


MAIN = "load_module %MODULE:relay%;"


def serve(make_server, names, conf, http="", options="ipv6=off", **more):
    return make_server(conf, http=f"resolver {names.address} {options}; resolver_timeout 2s;\n{http}",
                       main=MAIN, **more).start()


def who(server, path="/", port=None):
    """(status, who said so)."""
    answer = fetch(server.port, path)
    return answer.status, answer.body.decode().split()[1] if answer.status == 200 else ""


def metric(server, name):
    return int(re.search(rf"^{re.escape(name)} (\d+)$", fetch(server.port, "/metrics").body.decode(), re.M)[1])


# -- names of requests

AT = "location / { relay_at $arg_to; }"
METRICS = "location /metrics { metrics prometheus; }"


def at(server, to):
    return who(server, f"/?to={to}")


def test_a_name_in_a_variable_is_looked_up(make_server, names, origins):
    names.add("app.test", "A", "127.0.0.2")
    server = serve(make_server, names, AT)
    assert at(server, f"app.test:{origins.port}") == (200, "127.0.0.2")
    assert at(server, f"APP.test:{origins.port}") == (200, "127.0.0.2")
    assert names.count("app.test") == 1


def test_an_address_in_a_variable_needs_nobody(make_server, names, origins):
    server = serve(make_server, names, AT)
    assert at(server, f"127.0.0.3:{origins.port}") == (200, "127.0.0.3")
    assert names.asked == []


def test_a_group_in_a_variable_is_the_group(make_server, names, origins):
    server = serve(make_server, names, AT, f"upstream app.test {{ server 127.0.0.3:{origins.port}; }}")
    assert at(server, "app.test") == (200, "127.0.0.3")
    assert names.asked == []


def test_aliases_are_followed(make_server, names, origins):
    names.add("www.test", "CNAME", "web.test")
    names.add("web.test", "CNAME", "app.test")
    names.add("app.test", "A", "127.0.0.2")
    server = serve(make_server, names, AT)
    assert at(server, f"www.test:{origins.port}") == (200, "127.0.0.2")


def chain(names, length):
    for i in range(length):
        names.add(f"c{length - i}.test", "CNAME", f"c{length - i - 1}.test" if i != length - 1 else "end.test")
    names.add("end.test", "A", "127.0.0.2")
    return f"c{length}.test"


@pytest.mark.parametrize("options", ["ipv6=off", ""])
def test_eight_aliases_are_followed(make_server, names, origins, options):
    name = chain(names, 8)
    assert at(serve(make_server, names, AT, options=options), f"{name}:{origins.port}") == (200, "127.0.0.2")


@pytest.mark.parametrize("options", ["ipv6=off", ""])
def test_nine_aliases_are_not(make_server, names, origins, options):
    name = chain(names, 9)
    server = serve(make_server, names, AT, options=options)
    assert at(server, f"{name}:{origins.port}")[0] == 502
    assert f"{name} could not be resolved (1: Format error)" in server.log()


def test_aliases_in_a_circle_end(make_server, names, origins):
    names.add("a.test", "CNAME", "b.test")
    names.add("b.test", "CNAME", "a.test")
    server = serve(make_server, names, AT)
    assert at(server, f"a.test:{origins.port}")[0] == 502


def test_an_unknown_name_is_502_and_said(make_server, names):
    server = serve(make_server, names, AT)
    assert at(server, "none.test:80")[0] == 502
    assert "none.test could not be resolved (3: Host not found)" in server.log()
    assert at(server, "none.test:80")[0] == 502
    assert names.count("none.test") == 1


@pytest.mark.parametrize("text", ["-bad-.test:80", "a..b:80", "app.test:99999", "app.test:0", "a_%01:80", "[::1", "",
                                  "app.test:80/x", "u@app.test:80", "*:80", "80", "127.0.0.1.:80", "x" * 64 + ".test:80"])
def test_what_is_no_address_is_asked_of_nobody(make_server, names, text):
    server = serve(make_server, names, AT)
    assert at(server, text)[0] in (500, 502)
    assert names.asked == []


def test_both_kinds_of_addresses_are_asked_for(make_server, names, origins):
    names.add("app.test", "A", "127.0.0.2")
    names.add("app.test", "AAAA", "::1")
    server = serve(make_server, names, AT, options="")
    assert {at(server, f"app.test:{origins.port}")[0] for _ in range(4)} == {200}
    assert sorted(names.asked) == [("app.test", "A"), ("app.test", "AAAA")]


def test_ipv4_off_asks_for_ipv6_only(make_server, names):
    names.add("app.test", "A", "127.0.0.2")
    with socket.create_server(("::1", 0), family=socket.AF_INET6) as listener:
        names.add("app.test", "AAAA", "::1")
        threading.Thread(target=lambda: listener.accept()[0].sendall(b"six\n"), daemon=True).start()
        server = serve(make_server, names, AT, options="ipv4=off")
        assert at(server, f"app.test:{listener.getsockname()[1]}") == (200, "six")
    assert names.asked == [("app.test", "AAAA")]


def test_an_answer_is_good_for_its_time(make_server, names, origins):
    names.add("app.test", "A", "127.0.0.2", ttl=1)
    server = serve(make_server, names, AT)
    assert at(server, f"app.test:{origins.port}") == (200, "127.0.0.2")
    names.replace("app.test", "A", ["127.0.0.3"], ttl=1)
    wait_for("the new address", lambda: at(server, f"app.test:{origins.port}") == (200, "127.0.0.3"))


def test_valid_overrules_the_answers_time(make_server, names, origins):
    names.add("app.test", "A", "127.0.0.2", ttl=0)
    server = serve(make_server, names, AT, options="ipv6=off valid=1h")
    for _ in range(5):
        assert at(server, f"app.test:{origins.port}") == (200, "127.0.0.2")
    assert names.count("app.test") == 1


def test_an_answer_without_time_is_asked_for_each_time(make_server, names, origins):
    names.add("app.test", "A", "127.0.0.2", ttl=0)
    server = serve(make_server, names, AT)
    for _ in range(3):
        assert at(server, f"app.test:{origins.port}") == (200, "127.0.0.2")
    assert names.count("app.test") == 3


@pytest.mark.parametrize("manner", ["wrong id", "wrong question", "truncated"])
def test_the_right_answer_is_found_among_others(make_server, names, origins, manner):
    names.add("app.test", "A", "127.0.0.2")
    names.manner["app.test"] = manner
    assert at(serve(make_server, names, AT), f"app.test:{origins.port}") == (200, "127.0.0.2")


@pytest.mark.parametrize("manner", ["another's record", "cut", "garbage", "loop", "too many promised", "silence",
                                    "servfail", "refused"])
def test_a_bad_answer_is_502_within_the_time(make_server, names, origins, manner):
    names.add("app.test", "A", "127.0.0.2")
    names.manner["app.test"] = manner
    server = serve(make_server, names, AT)
    assert at(server, f"app.test:{origins.port}")[0] == 502
    assert "app.test could not be resolved (" in server.log()


def test_silence_is_a_timeout(make_server, names):
    names.manner["app.test"] = "silence"
    server = serve(make_server, names, AT)
    assert at(server, "app.test:80")[0] == 502
    assert "app.test could not be resolved (110: Operation timed out)" in server.log()


def test_hundreds_of_addresses_come_over_tcp(make_server, names, origins):
    for i in range(600):
        names.add("many.test", "A", f"127.1.{i // 250}.{i % 250 + 1}")
    names.replace("many.test", "A", [f"127.0.0.{1 + i % 3}" for i in range(600)])
    names.manner["many.test"] = "truncated"
    server = serve(make_server, names, AT)
    assert {at(server, f"many.test:{origins.port}")[1] for _ in range(3)} == {"127.0.0.1", "127.0.0.2", "127.0.0.3"}


def test_another_name_server_is_asked_when_one_is_dead(make_server, names, origins):
    names.add("app.test", "A", "127.0.0.2")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as dead:
        dead.bind(("127.0.0.1", 0))
        port = dead.getsockname()[1]
    server = make_server(AT, http=f"resolver 127.0.0.1:{port} {names.address} ipv6=off valid=1h; resolver_timeout 10s;",
                         main=MAIN).start()
    assert at(server, f"app.test:{origins.port}") == (200, "127.0.0.2")


def test_a_location_has_its_own_resolver(make_server, names, origins):
    other = NameServer()
    try:
        names.add("app.test", "A", "127.0.0.2")
        other.add("app.test", "A", "127.0.0.3")
        server = serve(make_server, names, f"{AT} location /other {{ resolver {other.address} ipv6=off; relay_at $arg_to; }}")
        assert at(server, f"app.test:{origins.port}") == (200, "127.0.0.2")
        assert who(server, f"/other?to=app.test:{origins.port}") == (200, "127.0.0.3")
    finally:
        other.close()


def test_a_client_that_leaves_while_a_name_is_asked_for_leaves_nothing(make_server, names, origins):
    names.manner["slow.test"] = "silence"
    names.add("app.test", "A", "127.0.0.2")
    server = serve(make_server, names, AT)
    for _ in range(20):
        with socket.create_connection(("127.0.0.1", server.port)) as sock:
            sock.sendall(b"GET /?to=slow.test:80 HTTP/1.1\r\nHost: a\r\n\r\n")
            wait_for("a question", lambda: names.count("slow.test") > 0)
    assert at(server, f"app.test:{origins.port}") == (200, "127.0.0.2")


def test_many_who_wait_for_one_name_ask_once(make_server, names, origins):
    gate = threading.Event()

    def late(number, question, word):
        gate.wait(30)
        names.manner["app.test"] = None
        return names.answer(packet_of(number, question), False)

    names.add("app.test", "A", "127.0.0.2")
    names.manner["app.test"] = late
    server = serve(make_server, names, AT)
    found = []
    threads = [threading.Thread(target=lambda: found.append(at(server, f"app.test:{origins.port}"))) for _ in range(8)]
    for thread in threads:
        thread.start()
    wait_for("the question", lambda: names.count("app.test") == 1)
    gate.set()
    for thread in threads:
        thread.join(30)
    assert found == [(200, "127.0.0.2")] * 8
    assert names.count("app.test") <= 2                # what came, and the answer's own count


def packet_of(number, question):
    return number.to_bytes(2, "big") + b"\x01\x00\x00\x01" + bytes(6) + question


def test_names_over_the_limit_go_the_oldest_first(make_server, names, origins):
    for i in range(6):
        names.add(f"n{i}.test", "A", "127.0.0.2")
    server = serve(make_server, names, AT + METRICS, options="ipv6=off names=2")
    for _ in range(2):
        for i in range(6):
            assert at(server, f"n{i}.test:{origins.port}") == (200, "127.0.0.2")
    assert names.count("n0.test") == 2
    assert metric(server, "weir_resolver_run_time_upstreams") == 2


def test_a_name_over_the_limit_is_refused_while_all_are_in_use(make_server, names, origins):
    names.manner["a.test"] = "silence"
    names.add("b.test", "A", "127.0.0.2")
    server = serve(make_server, names, AT + METRICS, options="ipv6=off names=1")
    with socket.create_connection(("127.0.0.1", server.port)) as sock:
        sock.sendall(b"GET /?to=a.test:80 HTTP/1.1\r\nHost: a\r\n\r\n")
        wait_for("a question", lambda: names.count("a.test") > 0)
        assert at(server, f"b.test:{origins.port}")[0] == 500
        assert metric(server, "weir_resolver_run_time_upstreams_denied_total") == 1
        assert b" 502 " in sock.recv(4096)
    assert metric(server, "weir_resolver_run_time_upstreams") == 1


def test_what_is_asked_is_counted(make_server, names, origins):
    names.add("app.test", "A", "127.0.0.2")
    server = serve(make_server, names, AT + METRICS)
    for name in "app.test", "app.test", "APP.test", "none.test", "localhost":
        at(server, f"{name}:{origins.port}")
    for by, count in ("asked", 2), ("cached", 1), ("hosts", 1), ("denied", 0):
        assert metric(server, f'weir_resolver_questions_total{{by="{by}"}}') == count
    for result, count in ("found", 2), ("none", 1), ("failure", 0), ("timeout", 0):
        assert metric(server, f'weir_resolver_answers_total{{result="{result}"}}') == count


def test_localhost_is_known(make_server, names, origins):
    server = serve(make_server, names, AT)
    assert at(server, f"localhost:{origins.port}") == (200, "127.0.0.1")
    assert names.asked == []


# -- servers that are resolved

def group(origins, servers, more=""):
    return f"upstream app {{ {servers.replace('PORT', str(origins.port))} {more} }}"


APP = "location / { relay app; }"


def all_of(server, times=8):
    return {who(server) for _ in range(times)}


def test_a_resolved_server_has_the_peers_of_its_name(make_server, names, origins):
    names.add("app.test", "A", "127.0.0.1")
    names.add("app.test", "A", "127.0.0.2")
    server = serve(make_server, names, APP, group(origins, "server app.test:PORT resolve;"))
    assert all_of(server) == {(200, "127.0.0.1"), (200, "127.0.0.2")}


def test_the_first_request_waits_for_the_first_answer(make_server, names, origins):
    names.add("app.test", "A", "127.0.0.1")
    server = serve(make_server, names, APP, group(origins, "server app.test:PORT resolve;"))
    assert who(server) == (200, "127.0.0.1")


def test_peers_come_and_go_with_the_answers(make_server, names, origins):
    names.add("app.test", "A", "127.0.0.1", ttl=1)
    server = serve(make_server, names, APP, group(origins, "server app.test:PORT resolve;"))
    assert all_of(server) == {(200, "127.0.0.1")}
    names.replace("app.test", "A", ["127.0.0.2", "127.0.0.3"], ttl=1)
    wait_for("the new peers", lambda: all_of(server) == {(200, "127.0.0.2"), (200, "127.0.0.3")})
    names.remove("app.test", "A")
    wait_for("none", lambda: all_of(server, 1) == {(502, "")})
    names.replace("app.test", "A", ["127.0.0.1"], ttl=1)
    wait_for("one again", lambda: all_of(server) == {(200, "127.0.0.1")})


def test_peers_stay_while_name_servers_fail(make_server, names, origins):
    names.add("app.test", "A", "127.0.0.1", ttl=1)
    server = serve(make_server, names, APP, group(origins, "server app.test:PORT resolve;"))
    assert all_of(server) == {(200, "127.0.0.1")}
    names.manner["app.test"] = "servfail"
    wait_for("the failure", lambda: "app.test could not be resolved (2: Server failure)" in server.log())
    assert all_of(server) == {(200, "127.0.0.1")}


def test_a_group_may_have_a_resolver_of_its_own(make_server, names, origins):
    names.add("app.test", "A", "127.0.0.2")
    server = make_server(APP, http=group(origins, "server app.test:PORT resolve;",
                                         f"resolver {names.address} ipv6=off; resolver_timeout 2s;"), main=MAIN).start()
    assert all_of(server) == {(200, "127.0.0.2")}


def test_services_are_found_by_their_records(make_server, names, origins):
    other = Origins("127.0.0.4")
    try:
        names.add("_relay._tcp.app.test", "SRV", (10, 1, origins.port, "one.test"))
        names.add("_relay._tcp.app.test", "SRV", (10, 3, other.port, "two.test"))
        names.add("_relay._tcp.app.test", "SRV", (20, 1, origins.port, "three.test"))
        for name, address in ("one", "127.0.0.1"), ("two", "127.0.0.4"), ("three", "127.0.0.3"):
            names.add(f"{name}.test", "A", address)
        server = serve(make_server, names, APP, "upstream app { server app.test service=relay resolve; }")
        found = [who(server) for _ in range(8)]
        assert found.count((200, "127.0.0.1")) == 2 and found.count((200, "127.0.0.4")) == 6
        names.replace("_relay._tcp.app.test", "SRV", [])
    finally:
        other.close()


def test_records_of_higher_numbers_stand_in(make_server, names, origins):
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    names.add("_relay._tcp.app.test", "SRV", (1, 1, port, "dead.test"))
    names.add("_relay._tcp.app.test", "SRV", (2, 1, origins.port, "app.test"))
    names.add("dead.test", "A", "127.0.0.1")
    names.add("app.test", "A", "127.0.0.2")
    server = serve(make_server, names, APP, "upstream app { server app.test service=_relay._tcp resolve; }")
    assert all_of(server, 3) == {(200, "127.0.0.2")}


# -- exchanges

class Http(Origins):
    """The same as an HTTP server."""

    def accept(self, listener):
        while True:
            try:
                sock, _ = listener.accept()
            except OSError:
                return
            with sock:
                sock.settimeout(10)
                host = sock.getsockname()[0].encode()
                try:
                    if sock.recv(65536):
                        sock.sendall(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\nI %s"
                                     % (len(host) + 2, host))
                except OSError:
                    pass


@pytest.fixture
def web():
    made = Http("127.0.0.1", "127.0.0.2", "127.0.0.3")
    yield made
    made.close()


def exchange(make_server, names, web, servers):
    return make_server("location / { courier app; }", main="load_module %MODULE:courier%;",
                       http=f"resolver {names.address} ipv6=off; resolver_timeout 2s;\n{group(web, servers)}").start()


def test_an_exchange_waits_for_the_first_answer(make_server, names, web):
    names.add("app.test", "A", "127.0.0.2")
    server = exchange(make_server, names, web, "server app.test:PORT resolve;")
    assert who(server) == (200, "127.0.0.2")


def test_an_exchange_gives_up_when_nobody_answers(make_server, names, web):
    names.manner["app.test"] = "silence"
    server = exchange(make_server, names, web, "server app.test:PORT resolve;")
    assert who(server) == (502, "")
    assert "app.test could not be resolved (110: Operation timed out)" in server.log()
    assert "no live upstreams while connecting to upstream" in server.log()


def test_a_client_that_leaves_its_exchange_waiting_for_a_name_leaves_nothing(make_server, names, web):
    names.manner["app.test"] = "silence"
    server = exchange(make_server, names, web, "server app.test:PORT resolve;")
    with socket.create_connection(("127.0.0.1", server.port)) as sock:
        sock.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        wait_for("a question", lambda: names.count("app.test") > 0)
    names.manner["app.test"] = None
    names.add("app.test", "A", "127.0.0.3")
    wait_for("the name", lambda: who(server) == (200, "127.0.0.3"))


def test_exchanges_follow_the_peers(make_server, names, web):
    names.add("app.test", "A", "127.0.0.1", ttl=1)
    server = exchange(make_server, names, web, "server app.test:PORT resolve;")
    assert all_of(server) == {(200, "127.0.0.1")}
    names.replace("app.test", "A", ["127.0.0.2", "127.0.0.3"], ttl=1)
    wait_for("the new peers", lambda: all_of(server) == {(200, "127.0.0.2"), (200, "127.0.0.3")})


def test_a_peer_that_goes_takes_its_kept_connections_along(make_server, names):
    names.add("app.test", "A", "127.0.0.1", ttl=1)
    with recorder.Origin() as origin:
        server = exchange(make_server, names, origin, "server app.test:PORT resolve;")
        assert [fetch(server.port).body for _ in range(3)] == [b"ok"] * 3 and origin.connections == 1
        names.replace("app.test", "A", ["127.0.0.2"], ttl=1)    # where nobody listens
        wait_for("the new peer", lambda: fetch(server.port).status == 502)
        wait_for("the end of the connection", lambda: origin.requests[0].stream.closed)


# -- proxy_pass

def proxy(make_server, names, conf, http=""):
    return make_server(conf, http=f"resolver {names.address} ipv6=off; resolver_timeout 2s;\n{http}").start()


def test_proxy_pass_looks_up_names_in_variables(make_server, names, web):
    names.add("app.test", "A", "127.0.0.2")
    server = proxy(make_server, names, "location / { proxy_pass http://$arg_to; }")
    for _ in range(3):
        assert at(server, f"app.test:{web.port}") == (200, "127.0.0.2")
    assert names.count("app.test") == 1
    assert at(server, "none.test:80") == (502, "")
    assert "none.test could not be resolved (3: Host not found)" in server.log()


def test_proxy_pass_follows_a_name_in_a_variable(make_server, names, web):
    names.add("app.test", "A", "127.0.0.2", ttl=1)
    server = proxy(make_server, names, f"location / {{ set $to app.test; proxy_pass http://$to:{web.port}; }}")
    assert who(server) == (200, "127.0.0.2")
    names.replace("app.test", "A", ["127.0.0.3"], ttl=1)
    wait_for("the new address", lambda: who(server) == (200, "127.0.0.3"))


def test_proxy_pass_to_a_name_that_is_found_later(make_server, names, web, quick_system):
    server = proxy(make_server, names, f"location / {{ proxy_pass http://app.test:{web.port}; }}")
    assert who(server) == (502, "")
    names.add("app.test", "A", "127.0.0.2")
    wait_for("the name", lambda: who(server) == (200, "127.0.0.2"))


# -- names that the load does not find

def test_a_name_that_is_not_found_does_not_stop_the_start(make_server, names, origins, quick_system):
    server = serve(make_server, names, APP + "location /ok { return 200 'ok up'; }",
                   group(origins, "server app.test:PORT;"))
    assert who(server, "/ok") == (200, "up")
    assert who(server) == (502, "")
    assert 'host not found in upstream "app.test:' in server.said()
    names.add("app.test", "A", "127.0.0.2", ttl=1)
    wait_for("the name", lambda: who(server) == (200, "127.0.0.2"))
    names.replace("app.test", "A", ["127.0.0.3"], ttl=1)
    assert all_of(server) == {(200, "127.0.0.2")}      # found once, it stays


def test_the_other_servers_of_the_group_serve(make_server, names, origins, quick_system):
    server = serve(make_server, names, APP, group(origins, "server app.test:PORT; server 127.0.0.3:PORT;"))
    assert all_of(server) == {(200, "127.0.0.3")}


def test_a_name_in_a_directive_may_be_found_later(make_server, names, origins, quick_system):
    server = serve(make_server, names, f"location / {{ relay app.test:{origins.port}; }}")
    assert who(server) == (502, "")
    names.add("app.test", "A", "127.0.0.2")
    wait_for("the name", lambda: who(server) == (200, "127.0.0.2"))


def test_the_test_of_a_configuration_warns_of_it(make_server, names, quick_system):
    server = make_server("location / { relay apq:80; }", main=MAIN,
                         http=f"resolver {names.address}; upstream app {{ server 127.0.0.1:1; }}")
    run = server.run("-t")
    assert run.returncode == 0
    assert re.search(r'\[warn\] .*host not found in upstream "apq:80"', run.stderr)


def test_many_names_that_nobody_knows_cost_one_wait(make_server, names):
    many = "".join(f"upstream u{i} {{ server n{i}.test:80; }}\n" for i in range(300))
    server = make_server("", http=many, main=MAIN)
    run = server.run("-t", timeout=60)
    assert run.returncode == 0


def test_a_reload_with_names_to_ask_for_goes_on(make_server, names, origins):
    names.add("app.test", "A", "127.0.0.2", ttl=1)
    server = serve(make_server, names, APP, group(origins, "server app.test:PORT resolve;"), single=False)
    before = server.workers()
    assert who(server) == (200, "127.0.0.2")
    server.kill(signal.SIGHUP)
    wait_for("new workers", lambda: server.workers() and not set(server.workers()) & set(before))
    assert all_of(server) == {(200, "127.0.0.2")}

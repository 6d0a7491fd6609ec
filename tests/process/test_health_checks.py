"""Active checks of servers: over TLS, by connections that are kept, and which group they are about.  [nginx health_check]"""

import re

import pytest

from weir.server import json_of, wait_for
from weir.wire import fetch

pytestmark = pytest.mark.weir_only

TRUST = "proxy_ssl_trusted_certificate %TLS%/ca.pem; proxy_ssl_name a.example;"
LOG = "log_format seen '$scheme $request_uri $host $ssl_server_name $connection'; access_log logs/seen.log seen;"


@pytest.fixture
def origin(make_server):
    """Speaks TLS at PORT and plainly at PORT2."""
    return make_server("", listen="", http=LOG, servers=[
        "listen 127.0.0.1:%PORT% ssl; listen 127.0.0.1:%PORT2%; ssl_certificate %TLS%/a.example.pem;"
        "ssl_certificate_key %TLS%/a.example.key; location / { return 200 well; }"]).start()


def seen(origin):
    path = origin.prefix / "logs" / "seen.log"
    return path.read_text().splitlines() if path.exists() else []


def state(server):
    found = json_of(fetch(server.port, "/metrics"))["metrics"]["weir_upstream_peer_state"]["series"]
    return [s["labels"]["state"] for s in found]


def front(make_server, origin, conf, port=None, group="health_check interval=30ms uri=/up;", **parts):
    return make_server(f"location = /metrics {{ metrics json; }} {conf}",
                       http=f"upstream app {{ zone z 64k; server 127.0.0.1:{port or origin.port}; {group} }}", **parts).start()


@pytest.mark.parametrize("where", ["upstream", "location"])
@pytest.mark.parametrize("keep", ["", "keepalive_time=1h"])
def test_checks_speak_tls_as_requests_do(make_server, origin, where, keep):
    check = f"health_check interval=30ms uri=/up {keep};"
    server = front(make_server, origin, f"location / {{ proxy_pass https://app; {TRUST} {check if where == 'location' else ''} }}",
                   group=check if where == "upstream" else "")
    wait_for("some checks", lambda: len(seen(origin)) >= 5)
    checks = [line.split() for line in seen(origin)]
    assert {tuple(c[:4]) for c in checks} == {("https", "/up", "app", "a.example")}
    assert (len({c[4] for c in checks}) == 1) == bool(keep)
    assert state(server) == ["up"]


def test_a_certificate_that_does_not_fit_is_not_well(make_server, origin):
    server = front(make_server, origin, "location / { proxy_pass https://app; proxy_ssl_trusted_certificate %TLS%/ca.pem; }")
    wait_for("it is unhealthy", lambda: state(server) == ["unhealthy"])
    assert 'certificate does not match "app"' in server.log()


def test_plain_checks_of_servers_that_speak_tls(make_server, origin):
    server = front(make_server, origin, f"location / {{ proxy_pass https://app; {TRUST} }}",
                   group=f"health_check interval=30ms uri=/plain type=http port={origin.extra_ports['PORT2']};")
    wait_for("some checks", lambda: len(seen(origin)) >= 3)
    assert {line.split()[0] for line in seen(origin)} == {"http"} and state(server) == ["up"]


@pytest.mark.parametrize("port", [False, True])
def test_servers_of_ipv6_are_checked_where_they_listen_or_at_a_port(make_server, port):
    good, bad = ("location / { return 204; }", "location / { return 500; }")
    behind = make_server(servers=[f"listen [::1]:%PORT2%; {bad if port else good}",
                                  f"listen [::1]:%PORT3%; {good if port else bad}"]).start()
    where = f"port={behind.extra_ports['PORT3']}" if port else ""
    server = make_server("location = /metrics { metrics json; } location / { proxy_pass http://app; }",
                         http=f"upstream app {{ zone z 64k; server [::1]:{behind.extra_ports['PORT2']}; "
                              f"health_check interval=30ms mandatory {where}; }}").start()
    wait_for("it is well", lambda: state(server) == ["up"])


def test_tls_may_be_told_where_requests_speak_both(make_server, origin):
    front(make_server, origin, f"location / {{ proxy_pass http://app; }} location /s {{ proxy_pass https://app; {TRUST} }}",
          group="health_check interval=30ms uri=/up type=https;")
    wait_for("a check", lambda: seen(origin))
    assert seen(origin)[0].startswith("https /up")


def test_nobody_who_speaks_tls_is_a_mistake(make_server):
    tested = make_server("location / { proxy_pass http://app; }",
                         http="upstream app { server 127.0.0.1:1; health_check type=https; }").run("-t")
    assert tested.returncode != 0 and 'no directive speaks TLS with upstream "app"' in tested.stderr


@pytest.mark.parametrize("conf", [
    "include proxied.conf; health_check interval=30ms uri=/up;",
    "health_check interval=30ms uri=/up; if ($arg_a) { proxy_pass http://app; }",
    "health_check interval=30ms uri=/up; limit_except GET { proxy_pass http://app; }",
])
def test_a_check_finds_the_group_of_its_location(make_server, origin, conf):
    server = make_server(f"location = /metrics {{ metrics json; }} location / {{ {conf} }}",
                         http=f"upstream app {{ zone z 64k; server 127.0.0.1:{origin.extra_ports['PORT2']}; }}")
    (server.prefix / "conf" / "proxied.conf").write_text("proxy_pass http://app;")
    server.start()
    wait_for("a check", lambda: seen(origin))
    assert re.match("http /up app", seen(origin)[0])


def test_a_connection_that_the_server_ends_is_made_anew(make_server, origin):
    """What a check finds is about the server, not about a connection that has grown old."""
    closing = make_server("location / { return 200 well; }", http=LOG + "keepalive_requests 2;").start()
    server = front(make_server, closing, "location / { proxy_pass http://app; }",
                   group="health_check interval=30ms uri=/up keepalive_time=1h fails=1;")
    wait_for("some checks", lambda: len(seen(closing)) >= 7)
    assert len({line.split()[-1] for line in seen(closing)}) >= 3
    assert state(server) == ["up"] and "unhealthy" not in server.log()

"""Which server a key gets: the same in weir and in nginx, so that one can take the other's place and
sessions and caches stay where they are. Each configuration is asked with many keys.
"""

from pathlib import Path

import pytest

from weir import server as servers
from weir.origin import Origin, answers
from weir.server import Server, configuration
from weir.wire import Connection

pytestmark = pytest.mark.weir_only
KEYS = 250
GROUPS = {
    "round robin": "server {0}; server {1}; server {2};",
    "weights": "server {0} weight=5; server {1}; server {2} weight=2;",
    "hash": "hash $request_uri; server {0}; server {1}; server {2}; server {3};",
    "hash with weights": "hash $request_uri; server {0} weight=3; server {1}; server {2} weight=7;",
    "hash with one down": "hash $request_uri; server {0}; server {1} down; server {2}; server {3};",
    "consistent hash": "hash $request_uri consistent; server {0}; server {1}; server {2}; server {3};",
    "consistent hash with weights": "hash $request_uri consistent; server {0} weight=2; server {1}; server {2} weight=3;",
    "consistent hash with one down": "hash $request_uri consistent; server {0}; server {1} down; server {2};",
    "hash of nothing": "hash $arg_none; server {0}; server {1};",
    "addresses": "ip_hash; server {0}; server {1}; server {2}; server {3};",
    "addresses with weights": "ip_hash; server {0} weight=2; server {1} weight=5; server {2};",
    "addresses with one down": "ip_hash; server {0}; server {1} down; server {2};",
}


@pytest.fixture(scope="module")
def origins():
    made = [Origin(answers(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n" + letter)) for letter in (b"a", b"b", b"c", b"d")]
    yield made
    for origin in made:
        origin.close()


def start(binary, group, location, main):
    before = servers.BINARY
    servers.BINARY = binary
    try:
        server = Server()
        server.configure(configuration(f"location / {{ {location} }}", http=f"upstream up {{ {group} }}", main=main))
        return server.start()
    finally:
        servers.BINARY = before


def who_answers(server, keys):
    """A letter a key, asked one after another; each from an address of its own."""
    letters = ""
    for key in range(keys):
        source = f"127.{key % 7}.{key % 200}.{key % 100 + 1}"
        with Connection(server.port, source=(source, 0)) as connection:
            letters += connection.get(f"/{key * 7919}").body.decode()
    return letters


@pytest.mark.skipif(not Path("/usr/sbin/nginx").exists(), reason="nginx is not installed")
@pytest.mark.parametrize("name", GROUPS)
def test_a_key_gets_the_same_server(origins, name):
    group = GROUPS[name].format(*(origin.address for origin in origins))
    weir = start(servers.BINARY, group, "courier up;", "load_module %MODULE:courier%;")
    nginx = start("/usr/sbin/nginx", group, "proxy_pass http://up;", "")
    try:
        ours, theirs = who_answers(weir, KEYS), who_answers(nginx, KEYS)
    finally:
        weir.stop()
        nginx.stop()
    assert ours == theirs
    assert len(set(ours)) > 1

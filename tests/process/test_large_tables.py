"""Maps and geos of a hundred thousand lines: read in a moment, looked up like small ones."""

import pytest

from weir.server import cpu_seconds
from weir.wire import Connection

LINES = 100000


@pytest.fixture
def server(make_server):
    """A map and a geo of LINES lines, in no order that helps."""
    order = [(i * 7919) % LINES for i in range(LINES)]
    server = make_server("""location / { return 200 "$m $g"; }""",
                         http="map $arg_x $m { default none; include %PREFIX%/conf/large.map; }\n"
                              "geo $arg_ip $g { default none; include %PREFIX%/conf/large.geo; }")
    (server.prefix / "conf/large.map").write_text("".join(f"key-{i}.example.com value-{i};\n" for i in order))
    (server.prefix / "conf/large.geo").write_text(
        "".join(f"{10 + (i >> 16)}.{i >> 8 & 255}.{i & 255}.0/24 net-{i};\n" for i in order))
    return server


def test_a_hundred_thousand_lines_are_read_and_found(server):
    server.start()
    assert cpu_seconds(server.process.pid) < 5, "a fraction of a second is usual"
    with Connection(server.port) as conn:
        for i in range(0, LINES, 997):
            answer = conn.get(f"/?x=KEY-{i}.example.com&ip={10 + (i >> 16)}.{i >> 8 & 255}.{i & 255}.7")
            assert answer.body.decode() == f"value-{i} net-{i}"
        assert conn.get("/?x=key-100000.example.com&ip=9.9.9.9").body == b"none none"

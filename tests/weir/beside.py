"""weir and nginx, equally configured, asked the same: what of their answers is not the same."""

import email.utils
import re

from weir import server as servers
from weir.server import Server, configuration
from weir.wire import Connection

NGINX = "/usr/sbin/nginx"
MOMENT = 2      # seconds between two answers


def start(conf, http="", files=(), own="", **more):
    """(weir, nginx); files are names, or names with their contents; own stands in weir's http block alone."""
    pair, binary = [], servers.BINARY
    try:
        for path in (binary, NGINX):
            servers.BINARY = path
            server = Server()
            for name in files:
                server.write(name, files[name] if isinstance(files, dict) else f"content of {name}\n")
            server.configure(configuration(conf, http=http + (own if path == binary else ""), **more))
            pair.append(server.start())
    finally:
        servers.BINARY = binary
    return pair


def alike(name, mine, theirs):
    """Lists of a field's values are the same; what is counted from now may be a moment apart."""
    def seconds(value):
        date = email.utils.parsedate_to_datetime(value) if name == "Expires" and value.endswith(" GMT") else None
        age = re.fullmatch(r"max-age=(\d+)", value) if name == "Cache-Control" else None
        return date.timestamp() if date else int(age[1]) if age else None

    def close(one, other):
        one, other = seconds(one), seconds(other)
        return one is not None and other is not None and abs(one - other) <= MOMENT
    return len(mine) == len(theirs) and all(a == b or close(a, b) for a, b in zip(mine, theirs))


def differences(mine, theirs, ports, fields):
    """What is not the same; each server's port and name are its own."""
    found = []
    if mine.status != theirs.status:
        found.append(f"status {mine.status}, not {theirs.status}")
    for name in fields:
        values = [[v.replace(f":{port}/", ":PORT/") for v in answer.all(name)]
                  for answer, port in zip((mine, theirs), ports)]
        if not alike(name, *values):
            found.append(f"{name}: {values[0]}, not {values[1]}")
    bodies = [re.sub(rb"<center>(weir|nginx)[/.0-9]*</center>", b"", answer.body.replace(f":{port}".encode(), b":PORT"))
              for answer, port in zip((mine, theirs), ports)]
    pages = theirs.body.startswith(b"<html>\r\n<head><title>")
    if mine.status == theirs.status and not pages and bodies[0] != bodies[1]:
        found.append(f"body {bodies[0]!r}, not {bodies[1]!r}")
    return found


def ask(server, method, path, more):
    conn = Connection(server.port)
    try:
        return conn.get(path, method, **more)
    finally:
        conn.close()


def compare(pair, asked, fields, known=None):
    """([what differs and is not known], {what is known and does not differ})."""
    known = known or {}
    wrong, idle = [], set(known)
    for method, path, more in asked:
        mine, theirs = (ask(server, method, path, more) for server in pair)
        found = differences(mine, theirs, [server.port for server in pair], fields)
        if found and path in known:
            idle.discard(path)
        elif found:
            wrong.append(f"{method} {path} {more or ''}: {'; '.join(found)}")
    return wrong, idle

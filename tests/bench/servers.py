"""What tools/bench measures: the workloads, and the servers with the configuration that each workload gives them."""

import gzip
import os
import re
import resource
import shutil
import signal
import socket
import stat
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
HAPROXY = "/usr/sbin/haproxy"
VARNISH = "/usr/sbin/varnishd"
OUT = ROOT / "build" / "bench"
CPUS = sorted(os.sched_getaffinity(0))
SERVER_CPU, LOAD_CPU = {CPUS[0]}, {CPUS[-1]}
STRICT = "-std=c17 -D_GNU_SOURCE -O2 -g -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Werror".split()


# ---- workloads ----------------------------------------------------------------------------------------------------

@dataclass
class Workload:
    """One thing to ask of every server. location and http are configuration, the same text for all.

    ours and theirs stand behind http, for weir and for nginx: two ways to one end.
    """
    name: str
    path: str = "/1k.txt"
    http: str = ""
    location: str = ""
    ours: str = ""
    theirs: str = ""
    others: str = ""                        # further server blocks
    body: str = "1k.txt"                    # what the floor sends
    floor: tuple = ()
    conns: int = 64
    depth: int = 1
    close: bool = False
    headers: tuple = ()
    counted: int = 10000                    # requests under strace
    stepped: int = 1000                     # requests under callgrind, and twice that
    goal: float = None                      # release goal for xcpu against nginx
    origin: bool = False                    # in front of tests/bench/origin.c; ORIGIN is its port
    cached: bool = False                    # by answers that are kept: the floor is that of a file; CACHE is the folder
    distinct: bool = False                  # a query that was never asked before with each request
    keys: int = 0                           # a query of so many with each request, in turn
    message: int = 0                        # bytes of messages in tunnels, which are sent in place of requests
    tls: bool = False                       # over TLS 1.3, with a certificate of P-256
    resumed: bool = False                   # by one connection after the other, each by the session of the one before
    streams: int = 0                        # over HTTP/2 and TLS, so many at a time on each connection


REGEXES = " ".join(f"location ~ ^/(section{i}|part{i})/([a-z]+)-([0-9]+)\\.(php|cgi)$ {{ return 403; }}" for i in range(50))
HOSTS = "\n".join(f"server {{ listen 127.0.0.1:PORT; server_name host{i}.example www.host{i}.example; root /var/empty; }}"
                  for i in range(99))
TEXT = "r" * 128
NAMED = "\n".join(f'server {{ listen 127.0.0.1:PORT; server_name host{i}.example *.sub{i}.example; location / {{ return 200 "{TEXT}"; }} }}'
                  for i in range(99)) + "\nserver { listen 127.0.0.1:PORT; server_name ~^re[0-9]+\\.example$; return 204; }"
ANSWERING = " ".join(f'location ~ ^/(section{i}|part{i})/([a-z]+)-([0-9]+)\\.(php|cgi)$ {{ return 200 "{TEXT}"; }}' for i in range(50))
REWRITES = (r"""set $kind page; rewrite ^/old/(.*)$ /new/$1 permanent; rewrite ^/a/([a-z]+)$ /b/$1; rewrite ^/img/(\d+)\.png$ /i/$1 last;
    if ($http_user_agent ~* (bot|crawl)) { return 403; } if ($arg_debug) { set $kind debug; }
    rewrite ^/user/([0-9]+)/([a-z]+)$ /profile?id=$1&tab=$2 last;
    location /profile { rewrite ^ /show/$arg_id/$arg_tab? last; }
    location /show/ { if ($request_method = POST) { return 405; } """ + f'return 200 "{TEXT[:100]}$uri $kind"; }}')
MAPS = ("map $uri $moved { default \"\"; " + " ".join(f"/old/{i} /new/{i};" for i in range(1000)) + " }\n"
        "map $http_user_agent $client { default other; ~*firefox firefox; ~*chrome chrome; ~*safari safari; ~*curl curl; }\n"
        "map $host $site { hostnames; default none; .example.com com; *.example.org org; localhost here; }\n"
        "map $site$client $both { default -; hereother \"here, other\"; }\n"
        "geo $place { default world; 127.0.0.0/8 here; " + " ".join(f"10.{i}.0.0/16 net{i};" for i in range(250)) + " }\n"
        "split_clients $remote_addr$uri $part { 10% a; 20% b; * c; }")
MAPPED = f'if ($moved) {{ return 301 $moved; }} location / {{ return 200 "{TEXT[:90]}$both, $place, $part"; }}'
FIELDS = " ".join(f'add_header X-Constant-{i} "a value that is the same each time";' for i in range(6)) + (
    ' add_header X-Uri "$uri" always; add_header X-Host $host; add_header X-Request "$request_method $request_uri"; '
    'add_header X-Empty $arg_none; add_header Cache-Control "max-age=60, public"; expires 60;')
STAMPED = "csp script-src 'nonce-$csp_nonce';"
SUBSTITUTED = ("add_header Content-Security-Policy \"script-src 'nonce-$request_id'\"; "
               "sub_filter_once off; sub_filter data-weir-nonce 'nonce=\"$request_id\"';")
OFC = "open_file_cache max=1000 inactive=60s; open_file_cache_valid 60s; open_file_cache_min_uses 1;"
GZIP = "gzip on; gzip_types text/plain; gzip_min_length 20; gzip_comp_level {};"
UPSTREAM = "upstream origin { server 127.0.0.1:ORIGIN; keepalive 64; }"
PASS = "location / {{ proxy_pass http://origin; proxy_http_version 1.1; proxy_set_header Connection {}; {} }}"
CACHE = UPSTREAM + " proxy_cache_path CACHE levels=1:2 keys_zone=hot:16m max_size=64m use_temp_path=off;"
KEPT = PASS.format('""', "proxy_cache hot; proxy_cache_valid 200 1h;")
TUNNEL = PASS.format("upgrade", "proxy_set_header Upgrade $http_upgrade;")
WORKLOADS = [
    Workload("small-static", goal=1.4),
    Workload("small-ofc", http=OFC, goal=1.35),
    Workload("return", path="/return", location='location /return { return 200 "' + "r" * 128 + '"; }', body="128.txt", goal=1.2),
    Workload("pipeline", path="/return", location='location /return { return 200 "' + "r" * 128 + '"; }', body="128.txt",
             depth=16, counted=32000, stepped=3200, goal=3.5),
    Workload("static-10k", path="/10k.txt", body="10k.txt", goal=1.4),
    Workload("static-10k-ofc", path="/10k.txt", body="10k.txt", http=OFC, goal=1.3),
    Workload("static-100k", path="/100k.txt", body="100k.txt", floor=("file",), goal=1.15),
    Workload("static-100k-ofc", path="/100k.txt", body="100k.txt", http=OFC, floor=("file",), goal=1.1),
    Workload("static-10m", path="/10m.txt", body="10m.txt", floor=("file",), conns=16, counted=300, stepped=40, goal=0.97),
    Workload("close", close=True, floor=("close",), goal=1.1),
    Workload("many", path="/section/1k.txt", location=REGEXES, others=HOSTS, goal=1.9),
    Workload("names", path="/x", others=NAMED, headers=("Host: host77.example",), body="128.txt", goal=1.2),
    Workload("names-wild", path="/x", others=NAMED, headers=("Host: www.sub77.example",), body="128.txt", goal=1.2),
    Workload("regex", path="/part44/abc-12.php", location=ANSWERING, body="128.txt", goal=1.9),
    Workload("rewrite", path="/user/12/photos", location=REWRITES, body="128.txt", goal=1.2),
    Workload("maps", path="/page", http=MAPS, location=MAPPED, body="128.txt", goal=1.2),
    Workload("headers", location=FIELDS, goal=1.3),
    Workload("log", http="access_log LOG;", goal=1.6),
    Workload("log-buf", http="access_log LOG combined buffer=64k;", goal=1.35),
    Workload("gzip", path="/50k.txt", body="50k.txt.gz", http=GZIP.format(1), headers=("Accept-Encoding: gzip",),
             counted=1000, stepped=100, goal=2.2),
    Workload("gzip6", path="/50k.txt", body="50k.txt.gz", http=GZIP.format(6), headers=("Accept-Encoding: gzip",),
             counted=1000, stepped=50, goal=4.0),
    Workload("gzip-made", path="/50k.txt", body="50k.txt.gz", http=GZIP.format(6), ours="compress_memory 0;",
             headers=("Accept-Encoding: gzip",), counted=1000, stepped=50),
    Workload("stamp", path="/page.html", body="page.html", ours=STAMPED, theirs=SUBSTITUTED, counted=1000, stepped=50),
    Workload("proxy-1k", path="/1024", http=UPSTREAM, location=PASS.format('""', ""), origin=True, goal=1.2),
    Workload("proxy-10m", path="/10485760", http=UPSTREAM, location=PASS.format('""', ""), origin=True, conns=8, counted=100,
             stepped=10),
    Workload("proxy-100k", path="/102400", http=UPSTREAM, location=PASS.format('""', ""), origin=True,
             counted=3000, stepped=300, goal=2.0),
    Workload("cache-1k", path="/1024", http=CACHE, location=KEPT, origin=True, cached=True, goal=1.7),
    Workload("cache-100k", path="/102400", body="100k.txt", floor=("file",), http=CACHE, location=KEPT, origin=True,
             cached=True, counted=3000, stepped=300, goal=1.8),
    Workload("cache-gzip", path="/51200", body="50k.txt.gz", http=CACHE + GZIP.format(6), location=KEPT, origin=True, cached=True,
             headers=("Accept-Encoding: gzip",), counted=1000, stepped=50),
    Workload("cache-miss", path="/1024", http=CACHE, location=KEPT, origin=True, distinct=True, counted=3000, stepped=300),
    Workload("cache-revalidate", path="/stale/1024", http=CACHE, origin=True, keys=1024, counted=3000, stepped=2048,
             location=PASS.format('""', "proxy_cache hot; proxy_cache_valid 200 1h; proxy_cache_revalidate on;")),
    Workload("messages", path="/", http=UPSTREAM, location=TUNNEL, origin=True, message=128),
    Workload("messages-64k", path="/", http=UPSTREAM, location=TUNNEL, origin=True, message=65536,
             counted=3000, stepped=300),
    Workload("tls-static", tls=True, goal=1.35),
    Workload("tls-100k", path="/100k.txt", tls=True, counted=2000, stepped=200, goal=1.1),
    Workload("tls-full", tls=True, close=True, counted=1000, stepped=50, goal=1.1),
    Workload("tls-resume", tls=True, resumed=True, close=True, counted=1000, stepped=100, goal=1.05),
    Workload("h2-static", tls=True, streams=32, conns=16, counted=20000, stepped=2000, goal=3.5),
]
SPECIAL = ["idle", "idle-tls", "idle-h2", "start-10000", "start-tls-10000", "reload", "streams"]


def text_of(size):
    """Text that compresses about as well as prose does."""
    words = [f"{a}{b}{c}" for a in ("ser", "con", "re", "in", "pro") for b in ("ver", "tent", "quest", "dex", "xy")
             for c in ("", "s", "ing", "ed")]
    out, state = [], 12345
    have = 0
    while have < size:
        state = (state * 1103515245 + 12345) & 0x7FFFFFFF
        word = words[(state >> 8) % len(words)] + ("\n" if state % 11 == 0 else " ")
        out.append(word)
        have += len(word)
    return "".join(out)[:size].encode()


def page_of(size):
    """A page with a marked script in each few KiB."""
    parts = [f"<p class=\"text\">{text_of(4000).decode()}</p>\n<script data-weir-nonce src=\"/a{i}.js\"></script>\n"
             for i in range(size // 4096)]
    return f"<!DOCTYPE html>\n<title>A page</title>\n{''.join(parts)}".encode()


def make_files(folder):
    (folder / "section").mkdir(mode=0o755)
    (folder / "section" / "1k.txt").write_bytes(text_of(1024))
    for name, size in (("128.txt", 128), ("1k.txt", 1024), ("10k.txt", 10240), ("50k.txt", 51200), ("100k.txt", 102400)):
        (folder / name).write_bytes(text_of(size))
    (folder / "page.html").write_bytes(page_of(102400))
    (folder / "10m.txt").write_bytes((text_of(102400) * 103)[:10485760])
    (folder / "50k.txt.gz").write_bytes(gzip.compress((folder / "50k.txt").read_bytes(), 6))


def make_certificate(folder, tickets=False):
    """The lines of a configuration that name a certificate for localhost, made by itself."""
    key, certificate = folder / "key.pem", folder / "certificate.pem"
    if not key.exists():
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
                        "-subj", "/CN=localhost", "-keyout", str(key), "-out", str(certificate)],
                       check=True, capture_output=True)
    return (f"ssl_certificate {certificate}; ssl_certificate_key {key}; ssl_protocols TLSv1.3; "
            f"ssl_session_cache off; ssl_session_tickets {'on' if tickets else 'off'};")


# ---- servers ------------------------------------------------------------------------------------------------------

def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def pinned(cpus):
    def setup():
        os.sched_setaffinity(0, cpus)
        resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    return setup


@dataclass
class Server:
    name: str
    binary: str
    kind: str                               # server, haproxy, varnish or floor
    folder: Path = None
    port: int = 0
    origin_port: int = 0                    # of what proxies are put in front of
    child: subprocess.Popen = None
    ratios: dict = field(default_factory=dict)

    def can(self, workload):
        """The floor speaks no TLS, HAProxy is a proxy alone, Varnish a cache alone."""
        kept = workload.cached or workload.distinct or workload.keys
        if self.kind == "haproxy":
            return workload.origin and not kept
        if self.kind == "varnish":
            return kept and not workload.headers
        return self.kind == "server" or not workload.tls

    def is_ours(self):
        return self.kind == "server" and Path(self.binary).name != "nginx"

    def write_conf(self, workload, files, servers=None):
        """The configuration; text and values are the same for all servers but for the port and the folder."""
        self.port = free_port()
        log = str(self.folder / "access.log")
        more = " ssl http2" if workload.streams else " ssl" if workload.tls else ""
        pair = make_certificate(files, workload.resumed) if workload.tls else ""
        site = servers or (f"server {{ listen 127.0.0.1:{self.port}{more} backlog=4096; server_name localhost; root {files}; "
                           f"{pair} {workload.location} }}\n{workload.others}")
        http = f"{workload.http} {workload.ours if self.is_ours() else workload.theirs}"
        http = http.replace("LOG", log).replace("CACHE", str(self.folder / "cache"))
        (self.folder / "server.conf").write_text(
            f"worker_processes 1;\nerror_log {self.folder}/error.log error;\npid {self.folder}/pid;\n"
            f"worker_rlimit_nofile 20000;\nevents {{ worker_connections 19000; }}\n"
            f"http {{\n{'' if 'access_log' in http else 'access_log off;'}\nsendfile on; tcp_nopush on;\n"
            f"keepalive_requests 1000000000; keepalive_timeout 600s;\n"
            f"client_body_temp_path {self.folder}/body;\nproxy_temp_path {self.folder}/proxy;\n"
            f"types {{ text/plain txt; text/html html; }}\n{http}\n"
            f"server_names_hash_max_size 131072; server_names_hash_bucket_size 128;\n{site.replace('PORT', str(self.port))}\n}}\n"
            .replace("ORIGIN", str(self.origin_port)))

    def write_haproxy_conf(self):
        """What the other servers are told, in HAProxy's words: connections to the origin are kept and shared."""
        self.port = free_port()
        (self.folder / "server.conf").write_text(
            "global\n  nbthread 1\n  maxconn 4000\n"
            "defaults\n  mode http\n  timeout client 600s\n  timeout server 60s\n  timeout connect 60s\n  timeout tunnel 60s\n"
            "  http-reuse always\n"
            f"frontend all\n  bind 127.0.0.1:{self.port} backlog 4096\n  default_backend origin\n"
            f"backend origin\n  server one 127.0.0.1:{self.origin_port} pool-max-conn 64\n")

    def write_varnish_conf(self, workload):
        """The same for Varnish, which keeps what it is told to in memory."""
        self.port = free_port()
        (self.folder / "server.conf").write_text(
            "vcl 4.1;\n"
            f"backend origin {{ .host = \"127.0.0.1\"; .port = \"{self.origin_port}\"; }}\n"
            + ("sub vcl_backend_response { set beresp.grace = 0s; set beresp.keep = 1h; }\n" if workload.keys else
               "sub vcl_backend_response { set beresp.ttl = 1h; }\n"))

    def command(self, more="daemon off;"):
        if self.kind == "haproxy":
            return [self.binary, "-db", "-q", "-f", f"{self.folder}/server.conf"]
        if self.kind == "varnish":
            return [self.binary, "-F", "-j", "none", "-n", f"{self.folder}/run", "-a", f"127.0.0.1:{self.port}",
                    "-f", f"{self.folder}/server.conf", "-s", "malloc,64m", "-p", "thread_pools=1"]
        return [self.binary, "-p", f"{self.folder}/", "-e", f"{self.folder}/error.log",
                "-c", f"{self.folder}/server.conf", "-g", more]

    def floor_command(self, workload, files):
        if workload.origin and not workload.cached:
            self.port = free_port()
            return [str(OUT / "relay"), str(self.port), str(self.origin_port)]
        body = files / workload.body
        coding = "Content-Encoding: gzip\r\n" if workload.body.endswith(".gz") else ""
        (self.folder / "head").write_bytes(
            ("HTTP/1.1 200 OK\r\nServer: floor\r\nDate: Thu, 01 Jan 1970 00:00:00 GMT\r\nContent-Type: text/plain\r\n"
             f"Content-Length: {body.stat().st_size}\r\nLast-Modified: Thu, 01 Jan 1970 00:00:00 GMT\r\n{coding}"
             f"Connection: {'close' if workload.close else 'keep-alive'}\r\nETag: \"00000000-400\"\r\n"
             "Accept-Ranges: bytes\r\n\r\n").encode())
        self.port = free_port()
        return [self.binary, str(self.port), str(self.folder / "head"), str(body), *workload.floor]

    def start(self, workload, files, wrapper=(), single=False, servers=None):
        self.folder.mkdir(parents=True, exist_ok=True)
        os.chmod(self.folder, 0o755)
        if self.kind == "floor":
            command = self.floor_command(workload, files)
        else:
            if self.kind == "haproxy":
                self.write_haproxy_conf()
            elif self.kind == "varnish":
                self.write_varnish_conf(workload)
            else:
                self.write_conf(workload, files, servers)
            command = self.command("daemon off; master_process off;" if single else "daemon off;")
        log = open(self.folder / "output", "wb")
        self.child = subprocess.Popen([*wrapper, *command], preexec_fn=pinned(SERVER_CPU), stdin=subprocess.DEVNULL,
                                      stdout=log, stderr=log, start_new_session=True)
        deadline = time.monotonic() + 120
        while True:
            try:
                with socket.create_connection(("127.0.0.1", self.port), 1) as conn:
                    conn.settimeout(60)     # a worker has to be there, not only the socket
                    conn.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
                    if conn.recv(1):
                        return
            except OSError:
                if self.child.poll() is not None or time.monotonic() > deadline:
                    sys.exit(f"{self.name} did not start: {(self.folder / 'output').read_text()[-2000:]}")
                time.sleep(0.01)

    def stop(self):
        if self.child and self.child.poll() is None:
            self.child.send_signal(signal.SIGTERM)
            try:
                self.child.wait(30)
            except subprocess.TimeoutExpired:
                self.child.kill()
                self.child.wait()
        self.child = None
        shutil.rmtree(self.folder / "cache", ignore_errors=True)

    def pids(self):
        found, todo = [], [self.child.pid]
        while todo:
            pid = todo.pop()
            found.append(pid)
            try:
                for task in os.listdir(f"/proc/{pid}/task"):
                    todo += map(int, Path(f"/proc/{pid}/task/{task}/children").read_text().split())
            except OSError:
                pass
        return found

    def cpu_ns(self):
        """CPU time of all threads of all processes of the server."""
        total = 0
        for pid in self.pids():
            try:
                for task in os.listdir(f"/proc/{pid}/task"):
                    total += int(Path(f"/proc/{pid}/task/{task}/schedstat").read_text().split()[0])
            except OSError:
                pass
        return total

    def memory_kib(self, kinds="Pss"):
        """Proportional share of all processes: what the machine has less of because of this server."""
        total = 0
        for pid in self.pids():
            try:
                total += sum(map(int, re.findall(rf"^(?:{kinds}):\s+(\d+)", Path(f"/proc/{pid}/smaps_rollup").read_text(), re.M)))
            except OSError:
                pass
        return total

    def own_kib(self):
        """The same without files, whose pages count for less when a stranger runs the same program: for what it grew by."""
        return self.memory_kib("Pss_Anon|Pss_Shmem")

    def file_kib(self):
        """What files without a name hold that the server has open: bodies that were put aside."""
        total = 0
        for pid in self.pids():
            try:
                for number in os.listdir(f"/proc/{pid}/fd"):
                    status = os.stat(f"/proc/{pid}/fd/{number}")
                    if stat.S_ISREG(status.st_mode) and status.st_nlink == 0:
                        total += status.st_blocks // 2
            except OSError:
                pass
        return total


class Origin:
    """tests/bench/origin.c beside the load generator, where its own time does not count. port: where it listens"""

    def __init__(self):
        self.port = free_port()
        self.child = subprocess.Popen([str(OUT / "origin"), str(self.port)], preexec_fn=pinned(LOAD_CPU))
        deadline = time.monotonic() + 10
        with socket.socket() as sock:
            while sock.connect_ex(("127.0.0.1", self.port)) != 0:
                if time.monotonic() > deadline:
                    sys.exit("bench: the origin did not start")
                time.sleep(0.01)

    def stop(self):
        self.child.terminate()
        self.child.wait()


def parse_servers(names):
    """names: as --servers says; None: those that there are."""
    others = [name for name, path in (("haproxy", HAPROXY), ("varnish", VARNISH)) if Path(path).exists()]
    names = names or ",".join(["nginx", *others, "weir", "floor"])
    servers = []
    for name in names.split(","):
        label, _, path = name.rpartition("=")
        label = label or (Path(path).name if "/" in path else path)
        if path == "floor":
            servers.append(Server(label, str(OUT / "floor"), "floor"))
        elif path == "haproxy":
            servers.append(Server(label, HAPROXY, "haproxy"))
        elif path == "varnish":
            servers.append(Server(label, VARNISH, "varnish"))
        elif re.fullmatch(r"nginx\d*", path):
            servers.append(Server(label, "/usr/sbin/nginx", "server"))
        else:
            binary = (ROOT / (path if "/" in path else "build/weir")).resolve()
            if not binary.exists():
                sys.exit(f"bench: there is no {binary}")
            servers.append(Server(label, str(binary), "server"))
    if len({s.name for s in servers}) != len(servers):
        sys.exit("bench: two servers of one name; write label=path")
    return servers


def compile_tools():
    OUT.mkdir(parents=True, exist_ok=True)
    for stem, libraries in ("floor", ()), ("load", ()), ("origin", ()), ("relay", ()), ("stream", ()), ("resume", ("-lssl", "-lcrypto")):
        source, target = ROOT / f"tests/bench/{stem}.c", OUT / stem
        if not target.exists() or target.stat().st_mtime < source.stat().st_mtime:
            subprocess.run(["gcc", *STRICT, str(source), "-o", str(target), *libraries], check=True)

"""A server under test in a folder of its own: configure, start, signal, stop, look at its logs.

WEIR          the binary, default build/weir
WEIR_FLAVOUR  `nginx` starts nginx in its place, to try the tests themselves
"""

import json
import os
import random
import re
import select
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
FLAVOUR = os.environ.get("WEIR_FLAVOUR", "weir")
BINARY = str(Path(os.environ.get("WEIR") or (
    "/usr/sbin/nginx" if FLAVOUR == "nginx" else TOP / "build/weir")).resolve())
MTIME = 1000000000                      # of every file: Sun, 09 Sep 2001 01:46:40 GMT
NEVER = re.compile(r"\[(alert|emerg)\]|ERROR: \w*Sanitizer|runtime error: |"
                   r"WARNING: \w*Sanitizer|assertion .*failed", re.I)


def free_port(family=socket.AF_INET):
    """A port that nobody uses, below the range from which the kernel gives ports to clients: so that no connection that
    another test makes meanwhile can take it."""
    host = "::1" if family == socket.AF_INET6 else "127.0.0.1"
    for _ in range(1000):
        port = random.randrange(12000, 32000)
        with socket.socket(family) as sock:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                sock.bind((host, port))
                return port
            except OSError:
                continue
    raise AssertionError("no free port")


def wait_for(what, condition, seconds=30.0):
    """Poll condition until it is true; its value. Fails with `what` when time is over."""
    limit = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        assert time.monotonic() < limit, f"not in {seconds} s: {what}"
        select.select([], [], [], 0.005)


def alive(pid):
    """The process runs (a zombie does not)."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] not in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return False


def status_kb(pid, field):
    """A size of /proc/PID/status in kB, such as RssAnon."""
    text = Path(f"/proc/{pid}/status").read_text()
    return int(re.search(rf"^{field}:\s+(\d+) kB", text, re.M)[1])


def cpu_seconds(pid):
    """The processor's time that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def children(pid):
    """The living children of a process, oldest first."""
    found = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        found += [int(p) for p in task.read_text().split()]
    return sorted(p for p in found if alive(p))


def title(pid):
    """What ps shows of a process; empty when it has gone."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().rstrip(b"\0").replace(b"\0", b" ").decode()
    except OSError:
        return ""


def module_double(name):
    """tests/modules/NAME.c compiled as anyone's module is, by the public headers alone; its .so."""
    source = TOP / "tests/modules" / f"{name}.c"
    target = Path(BINARY).parent / "test-modules" / f"{name}.so"
    if not target.exists() or target.stat().st_mtime < source.stat().st_mtime:
        target.parent.mkdir(exist_ok=True)
        subprocess.run([os.environ.get("CC", "cc"), "-std=c17", "-fPIC", "-shared", "-fno-plt",
                        "-fvisibility=hidden", "-I", str(TOP / "include"), str(source), "-o", str(target)],
                       check=True)
    return target


class Server:
    """Folder, configuration and process of one server. Ends with check_logs()."""

    def __init__(self, files=(), prefix=None):
        self.prefix = Path(prefix or tempfile.mkdtemp(prefix="weir-test-"))
        self.prefix.chmod(0o755)
        for name in ("html", "logs", "conf"):
            (self.prefix / name).mkdir(exist_ok=True)
        (self.prefix / "sanitizer").mkdir(exist_ok=True)
        (self.prefix / "sanitizer").chmod(0o1777)
        self.root, self.conf = self.prefix / "html", self.prefix / "conf/weir.conf"
        self.error_log, self.pid_file = self.prefix / "logs/error.log", self.prefix / "logs/weir.pid"
        self.port, self.process, self.stderr = free_port(), None, self.prefix / "stderr"
        self.extra_ports = {}
        self.log_seen = 0
        self.allowed = None             # a regex of alerts that the test itself brings about
        for path, content in dict(files).items():
            self.write(path, content)

    # -- folder

    def write(self, path, content, mtime=MTIME):
        """A file below the root, all of one known time."""
        target = self.root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content if isinstance(content, bytes) else content.encode())
        os.utime(target, (mtime, mtime))
        return target

    def fill_in(self, text):
        """Replace %PORT% %PORT2%.. %ROOT% %PREFIX% %TLS% %MODULE:name%."""
        def value(match):
            name = match[1]
            if name == "PORT":
                return str(self.port)
            if name.startswith("MODULE:"):
                return str(module_double(name[len("MODULE:"):]))
            if name == "TLS":
                from weir.authority import authority
                return str(authority())
            if name.startswith("PORT"):
                if name not in self.extra_ports:
                    self.extra_ports[name] = free_port()
                return str(self.extra_ports[name])
            return str(self.root if name == "ROOT" else self.prefix)
        return re.sub(r"%(PORT\d?|ROOT|PREFIX|TLS|MODULE:\w+)%", value, text)

    def configure(self, text):
        self.text = text
        fresh = self.conf.with_suffix(".new")    # a reload may read it at any moment
        fresh.write_text(self.fill_in(text))
        fresh.rename(self.conf)

    # -- process

    def command(self, *more):
        return [BINARY, "-p", str(self.prefix) + "/", "-e", "logs/error.log",
                "-c", "conf/weir.conf", *more]

    def environment(self):
        env = dict(os.environ)
        for name in ("ASAN_OPTIONS", "UBSAN_OPTIONS", "TSAN_OPTIONS", "LSAN_OPTIONS"):
            env[name] = f"{env.get(name, '')}:log_path={self.prefix}/sanitizer/report".strip(":")
        return env

    def run(self, *more, binary_only=False, timeout=30):
        """Run the binary to its end, as for -t or -s: a CompletedProcess with text."""
        command = [BINARY, *more] if binary_only else self.command(*more)
        return subprocess.run(command, capture_output=True, timeout=timeout, env=self.environment(),
                              encoding="latin-1", cwd=self.prefix)

    def start(self, wait=True, tries=5, **popen):
        for left in reversed(range(tries)):
            with open(self.stderr, "wb") as stderr:
                self.process = subprocess.Popen(
                    self.command(), stdin=subprocess.DEVNULL, stdout=stderr, stderr=stderr,
                    env=self.environment(), cwd=self.prefix, **popen)
            if not wait or self.wait_ready():
                return self
            said = self.said()
            if "in use" not in said or not left:
                raise AssertionError(f"server did not start:\n{said}")
            self.port, self.extra_ports = free_port(), {}
            self.error_log.unlink(missing_ok=True)
            self.configure(self.text)

    def wait_ready(self, seconds=30):
        """True once the port takes connections, False if the process ended before."""
        watch = os.pidfd_open(self.process.pid)
        limit = time.monotonic() + seconds
        try:
            while time.monotonic() < limit:
                with socket.socket() as sock:
                    if sock.connect_ex(("127.0.0.1", self.port)) == 0 and self.pid_file.exists():
                        return True         # the pid file comes after the socket
                if select.select([watch], [], [], 0.005)[0]:
                    self.process.wait()
                    return False
        finally:
            os.close(watch)
        raise AssertionError(f"port {self.port} silent for {seconds} s:\n{self.said()}")

    def wait_ready_by_pid(self):
        """As wait_ready, where the process that was started is not the one that serves."""
        wait_for("pid file", lambda: self.pid_file.exists() and self.pid_file.read_text().strip())
        return wait_for("listener", lambda: socket.socket().connect_ex(("127.0.0.1", self.port)) == 0)

    def said(self):
        """Everything the server wrote that is not an access log."""
        text = ""
        for path in (self.stderr, self.error_log, *sorted((self.prefix / "sanitizer").iterdir())):
            if path.exists():
                text += path.read_text("latin-1")
        return text

    def master(self):
        """The pid in the pid file, which is written after the ports listen."""
        return int(wait_for("pid file", lambda: self.pid_file.exists() and self.pid_file.read_text().strip()))

    def workers(self, master=None):
        """Children that serve: a reload's probe is a child for a moment, too."""
        return [p for p in children(master or self.master()) if "worker process" in title(p)]

    def kill(self, number, pid=None):
        os.kill(pid or self.master(), number)

    def holders(self):
        """The processes that have a file of this server open: its own, and any it left behind."""
        found = []
        for entry in Path("/proc").glob("[0-9]*"):
            try:
                held = any(os.readlink(fd).startswith(f"{self.prefix}/")
                           for fd in (entry / "fd").iterdir())
            except OSError:
                continue
            if held and int(entry.name) != os.getpid() and alive(int(entry.name)):
                found.append(int(entry.name))
        return found

    def end_left(self):
        """Kill what is left of the server; the pids that were."""
        left = self.holders()
        for pid in left:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        return left

    def stop(self, number=signal.SIGQUIT, seconds=30, check=True):
        """End the server; one that does not leave, leaves processes or a bad log is a failure."""
        late, left = False, []
        if self.process and self.process.poll() is None:
            self.process.send_signal(number)
            try:
                self.process.wait(seconds)
            except subprocess.TimeoutExpired:
                late = True
                self.end_left()
                self.process.kill()
                self.process.wait()
        left = self.end_left()
        try:
            assert not late, f"still there {seconds} s after {signal.Signals(number).name}"
            assert not left, f"processes left behind: {left}"
            if check and self.process:
                self.check_logs(whole=True, allow=self.allowed)
        finally:
            if not os.environ.get("WEIR_KEEP"):
                shutil.rmtree(self.prefix, ignore_errors=True)

    # -- logs

    def mark_log(self):
        """From now on only new lines of the error log count."""
        self.log_seen = self.error_log.stat().st_size if self.error_log.exists() else 0

    def log(self, whole=False):
        if not self.error_log.exists():
            return ""
        with open(self.error_log, "rb") as file:
            file.seek(0 if whole else self.log_seen)
            return file.read().decode("latin-1")

    def check_logs(self, whole=False, allow=None):
        """No alert, no emergency, no sanitizer report. allow: a regex of lines that may be."""
        text = self.log(whole)
        for path in (self.stderr, *(self.prefix / "sanitizer").iterdir()):
            text += path.read_text("latin-1") if path.exists() else ""
        bad = [line for line in text.splitlines()
               if NEVER.search(line) and not (allow and re.search(allow, line))]
        assert not bad, "in the log:\n" + "\n".join(bad[:20])


def configuration(conf="", http="", servers=(), main="", events="", single=True, listen=None,
                  log="info"):
    """The configuration of a test: one default server on 127.0.0.1:%PORT%, and what is given."""
    single_process = os.environ.get("WEIR_MASTER") is None and single
    more = "\n".join(f"    server {{\n        {'' if 'listen' in s else 'listen 127.0.0.1:%PORT%;'}\n"
                     f"{s}\n    }}" for s in servers)
    listen = "listen 127.0.0.1:%PORT%;" if listen is None else listen
    return f"""daemon off;
{"master_process off;" if single_process else "worker_processes 1;" if "worker_processes" not in main else ""}
pid %PREFIX%/logs/weir.pid;
{"" if "error_log" in main else f"error_log %PREFIX%/logs/error.log {log};"}
{main}
events {{
    worker_connections 1024;
{events}
}}
http {{
    {"" if "access_log" in http else "access_log off;"}
    {"" if "client_body_temp_path" in http else "client_body_temp_path %PREFIX%/body;"}
    {"" if "default_type" in http else "default_type text/plain;"}
    {"" if "root " in http else "root %ROOT%;"}
{http}
    server {{
        {listen}
{conf}
    }}
{more}
}}
"""


def with_comments(text):
    """An example with the settings that stand in it as comments: a # right in front, or in front of an indentation."""
    return re.sub(r"^( *)#(?=\S|(?:    )+\S)", r"\1", text, flags=re.M)


def json_of(answer):
    return json.loads(answer.body)

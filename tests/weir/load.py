"""A client that asks all the time while a test does something to the server.

A request on a kept connection that the server closes before a byte of the answer is a race that
HTTP allows (RFC 9112 9.3.1): it is counted as raced and sent again. All else that is not the
right answer is a failure, kept with its reason.
"""

import threading

from weir.wire import TIMEOUT, Closed, Connection


class Load:
    """`with Load(port, path, check=...) as load:` ... then load.assert_clean()."""

    def __init__(self, address, path="/", threads=2, keep=True, check=None, each=None, timeout=TIMEOUT):
        self.address, self.path, self.keep, self.timeout = address, path, keep, timeout
        self.check = check or (lambda answer: answer.status == 200)
        self.each = each or (lambda number: "")
        self.sent = self.done = self.raced = 0
        self.failed, self.ids = [], []
        self.lock, self.ending = threading.Lock(), threading.Event()
        self.threads = [threading.Thread(target=self.work, daemon=True) for _ in range(threads)]

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        self.wait_more(1)
        return self

    def __exit__(self, *_):
        self.ending.set()
        for thread in self.threads:
            thread.join(self.timeout + 30)
        assert not any(t.is_alive() for t in self.threads), "a request hangs"

    def work(self):
        conn = None
        while not self.ending.is_set():
            with self.lock:
                self.sent += 1
                number = self.sent
            conn = self.one(conn, f"{self.path}{self.each(number)}", number)
        if conn:
            conn.close()

    def one(self, conn, path, number):
        """One request, tried again only when it raced; the connection to go on with."""
        while True:
            fresh = conn is None
            try:
                conn = conn or Connection(self.address, self.timeout)
                answer = conn.get(path, fields=() if self.keep else ["Connection: close"])
                if not self.check(answer):
                    self.fail(number, f"wrong answer {answer!r}")
                with self.lock:
                    self.done += 1
                    self.ids.append(number)
                if not self.keep or (answer.get("Connection") or "").lower() == "close":
                    conn.close()
                    return None
                return conn
            except (Closed, OSError, AssertionError) as error:
                raced = isinstance(error, (Closed, ConnectionError)) and not fresh and not conn.pending
                if conn:
                    conn.close()
                conn = None
                if raced:
                    with self.lock:
                        self.raced += 1
                    continue
                self.fail(number, f"{type(error).__name__}: {error}")
                return None

    def fail(self, number, reason):
        with self.lock:
            self.failed.append((number, reason))

    def wait_more(self, count, seconds=30):
        """Go on once `count` more requests were answered."""
        from weir.server import wait_for
        goal = self.done + count
        wait_for(f"{count} more answers; failures: {self.failed[:3]}",
                 lambda: self.done >= goal or self.failed, seconds)

    def assert_clean(self, raced_per_10000=None):
        assert not self.failed, f"{len(self.failed)} of {self.sent} failed: {self.failed[:5]}"
        assert self.done > 0
        if raced_per_10000 is not None:
            assert self.raced <= max(2, self.done * raced_per_10000 / 10000), \
                f"{self.raced} raced of {self.done}"

"""Chromium without a window, spoken to over its DevTools pipe: JSON messages that end in NUL."""

import base64
import json
import os
import select
import shutil
import subprocess
import tempfile
import time

FLAGS = ("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
         "--disable-background-networking", "--disable-component-update", "--disable-sync",
         "--disable-dev-shm-usage", "--hide-scrollbars", "--remote-debugging-pipe")


class Chromium:
    """`with Chromium() as page:` one page; events are kept in page.events as they come."""

    def __init__(self, binary="chromium", flags=()):
        self.profile = tempfile.mkdtemp(prefix="weir-browser-")
        self.inbox, self.events, self.number, self.session = b"", [], 0, None
        to_browser, from_browser = os.pipe(), os.pipe()
        self.write_fd, self.read_fd = to_browser[1], from_browser[0]

        def pipes():                    # Chromium reads from 3 and writes to 4
            keep = os.dup(to_browser[0]), os.dup(from_browser[1])
            os.dup2(keep[0], 3)
            os.dup2(keep[1], 4)

        self.process = subprocess.Popen([binary, *FLAGS, *flags, f"--user-data-dir={self.profile}", "about:blank"],
                                        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                        stderr=subprocess.DEVNULL, close_fds=False, preexec_fn=pipes)
        os.close(to_browser[0])
        os.close(from_browser[1])

    def __enter__(self):
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")
        self.call("Page.setLifecycleEventsEnabled", enabled=True)
        return self

    def __exit__(self, *_):
        try:
            self.session = None
            self.call("Browser.close")
            self.process.wait(30)
        finally:
            if self.process.poll() is None:
                self.process.kill()
                self.process.wait()
            os.close(self.write_fd)
            os.close(self.read_fd)
            shutil.rmtree(self.profile, ignore_errors=True)

    def message(self, seconds):
        """The next message of the browser."""
        limit = time.monotonic() + seconds
        while b"\0" not in self.inbox:
            assert select.select([self.read_fd], [], [], max(0, limit - time.monotonic()))[0], \
                f"the browser is silent for {seconds} s"
            data = os.read(self.read_fd, 1 << 20)
            assert data, "the browser ended"
            self.inbox += data
        one, _, self.inbox = self.inbox.partition(b"\0")
        return json.loads(one)

    def call(self, method, seconds=60, **params):
        """Call a DevTools method; its result."""
        self.number += 1
        request = {"id": self.number, "method": method, "params": params}
        if self.session:
            request["sessionId"] = self.session
        os.write(self.write_fd, json.dumps(request).encode() + b"\0")
        while True:
            answer = self.message(seconds)
            if answer.get("id") == self.number:
                assert "error" not in answer, f"{method}: {answer['error']}"
                return answer["result"]
            self.events.append(answer)

    def wait_event(self, method, seconds=60):
        while not self.all_events(method):
            self.events.append(self.message(seconds))

    def all_events(self, method):
        return [e["params"] for e in self.events if e.get("method") == method]

    def open(self, url):
        """Load a page, with all that it names."""
        self.events.clear()
        loader = self.call("Page.navigate", url=url)["loaderId"]    # the blank page's own event may come late
        while not any(e["loaderId"] == loader and e["name"] == "load" for e in self.all_events("Page.lifecycleEvent")):
            self.events.append(self.message(60))

    def follow(self, expression):
        """Do in the page what leads to another, and wait until that is loaded."""
        self.events.clear()
        self.call("Runtime.evaluate", expression=expression)
        self.wait_event("Page.loadEventFired")

    def choose_file(self, selector, path):
        """Put a file into the input of a form."""
        found = self.call("Runtime.evaluate", expression=f"document.querySelector({json.dumps(selector)})")
        self.call("DOM.setFileInputFiles", files=[str(path)], objectId=found["result"]["objectId"])

    def download(self, expression, folder, seconds=60):
        """Do in the page what downloads a file; the file, whole."""
        self.call("Browser.setDownloadBehavior", behavior="allowAndName", downloadPath=str(folder), eventsEnabled=True)
        self.events.clear()
        self.call("Runtime.evaluate", expression=expression)
        while True:
            for said in self.all_events("Browser.downloadProgress"):
                assert said["state"] != "canceled", "the download was cut"
                if said["state"] == "completed":
                    return folder / said["guid"]
            self.events.append(self.message(seconds))

    def document(self):
        """What was answered for the page that is shown: url, status, headers, protocol."""
        return [e["response"] for e in self.all_events("Network.responseReceived") if e["type"] == "Document"][-1]

    def value(self, expression):
        return self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)["result"].get("value")

    def screenshot(self, path):
        path.write_bytes(base64.b64decode(self.call("Page.captureScreenshot")["data"]))

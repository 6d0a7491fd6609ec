"""A WebSocket application behind the server: Debian's websockets in a thread."""

import asyncio
import http
import random
import threading

import websockets

LARGE = random.Random(2).randbytes(5 << 20)
FLOOD = 16                                  # large messages that /flood sends


class Echo:
    """websockets' server in a thread. What it does is the path's: /echo, /close/CODE, /push (a large message in pieces),
    /flood (many), /refuse, /silent; seen: how each connection ended."""

    def __init__(self):
        self.loop, self.seen, self.heads, self.sent = asyncio.new_event_loop(), [], [], 0
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self.thread.start()
        self.server = self.run(self.listen())
        self.port = self.server.sockets[0].getsockname()[1]

    def run(self, work):
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(20)

    async def listen(self):
        return await websockets.serve(self.talk, "127.0.0.1", 0, max_size=None, ping_interval=None,
                                      subprotocols=["chat"], process_request=self.look)

    async def look(self, path, headers):
        self.heads.append(headers)
        if path == "/refuse":
            return http.HTTPStatus.FORBIDDEN, [("X-Why", "not you")], b"no sockets for you\n"

    async def talk(self, socket):
        try:
            if socket.path.startswith("/close/"):
                await socket.close(int(socket.path[7:]), "as you asked")
            if socket.path == "/push":
                await socket.send([LARGE[:1000], LARGE[1000:1001], LARGE[1001:]])
            if socket.path == "/flood":
                for self.sent in range(FLOOD):
                    await socket.send(LARGE)
            async for message in socket:
                if socket.path != "/silent":
                    await socket.send(message)
        except websockets.ConnectionClosedError:
            pass
        finally:
            self.seen.append((socket.close_code, socket.close_reason))

    def stop(self):
        self.server.close()
        self.run(self.server.wait_closed())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(10)
        self.loop.close()

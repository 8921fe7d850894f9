"""A TCP line to a server that can be cut: whatever is under way on it ends at once, at any byte."""

import asyncio
import threading


class Line:
    """Listens on a free port of the loopback and passes on to another one, while a `with` block runs."""

    def __init__(self, target):
        self.target, self.open, self.cuts = target, set(), 0
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)

    def __enter__(self):
        self.thread.start()
        self.server = asyncio.run_coroutine_threadsafe(asyncio.start_server(self._serve, "127.0.0.1", 0), self.loop).result()
        self.port = self.server.sockets[0].getsockname()[1]
        return self

    def __exit__(self, *_):
        self.loop.call_soon_threadsafe(self.server.close)
        self.cut()
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join()

    def cut(self):
        """Ends every connection; new ones are made at once."""
        ended = threading.Event()
        self.loop.call_soon_threadsafe(self._abort, ended)
        ended.wait()

    def _abort(self, ended):
        self.cuts += len(self.open) // 2
        for writer in list(self.open):
            writer.transport.abort()
        ended.set()

    async def _serve(self, reader, writer):
        try:
            upstream, onward = await asyncio.open_connection("127.0.0.1", self.target)
        except OSError:
            writer.transport.abort()
            return
        both = {writer, onward}
        self.open |= both
        try:
            await asyncio.gather(self._pass(reader, onward), self._pass(upstream, writer))
        finally:
            self.open -= both
            for one in both:
                one.transport.abort()

    @staticmethod
    async def _pass(reader, writer):
        """Passes bytes on until one of the two ends; then the other direction ends as well."""
        try:
            while piece := await reader.read(1 << 16):
                writer.write(piece)
                await writer.drain()
            if writer.can_write_eof():
                writer.write_eof()
        except OSError:
            writer.transport.abort()

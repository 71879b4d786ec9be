"""A TCP proxy between two parts, which can stall or cut what goes through it."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
import threading
from collections.abc import Callable
from enum import Enum, auto

_CHUNK_BYTES = 65_536
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)


class Mode(Enum):
    """What becomes of connections."""

    PASS = auto()
    STALL = auto()
    """They stay, new ones are taken, and not a byte moves."""
    RESET = auto()
    """They are reset, and so is every new one."""


class Proxy:
    """Listens on `port` of the loopback address until closed, in a thread of its own.

    `target` gives the port to which each new connection goes.
    """

    def __init__(self, target: Callable[[], int]) -> None:
        self._target = target
        self._mode = Mode.PASS
        self._writers: set[asyncio.StreamWriter] = set()
        self._loop = asyncio.new_event_loop()
        self._moving = asyncio.Event()
        self._moving.set()
        listener = socket.create_server(("127.0.0.1", 0), backlog=256)
        self.port = int(listener.getsockname()[1])
        self._thread = threading.Thread(target=self._run, args=(listener,), name="proxy", daemon=True)
        self._thread.start()

    def stall(self) -> None:
        """From now on nothing gets through."""
        self._call(self._switch, Mode.STALL)

    def reset(self) -> None:
        """Cut every connection now, and every new one, with a reset."""
        self._call(self._switch, Mode.RESET)

    def heal(self) -> None:
        """Everything gets through again, what was held back first."""
        self._call(self._switch, Mode.PASS)

    def close(self) -> None:
        """Cut everything and stop listening."""
        self._call(self._switch, Mode.RESET)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(timeout=5)

    def _call(self, work: Callable[[Mode], None], mode: Mode) -> None:
        done = threading.Event()

        def run() -> None:
            work(mode)
            done.set()

        self._loop.call_soon_threadsafe(run)
        done.wait(5)

    def _run(self, listener: socket.socket) -> None:
        asyncio.set_event_loop(self._loop)
        server = self._loop.run_until_complete(asyncio.start_server(self._serve, sock=listener))
        self._loop.run_forever()
        server.close()
        waiting = asyncio.all_tasks(self._loop)
        for task in waiting:
            task.cancel()
        self._loop.run_until_complete(asyncio.gather(*waiting, return_exceptions=True))
        self._loop.close()

    def _switch(self, mode: Mode) -> None:
        self._mode = mode
        if mode is Mode.PASS:
            self._moving.set()
            return
        self._moving.clear()
        if mode is Mode.RESET:
            for writer in list(self._writers):
                _reset(writer)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._mode is Mode.RESET:
            _reset(writer)
            return
        self._writers.add(writer)
        onward: asyncio.StreamWriter | None = None
        try:
            await self._moving.wait()
            back, onward = await asyncio.open_connection("127.0.0.1", self._target())
            self._writers.add(onward)
            await asyncio.gather(self._pump(reader, onward), self._pump(back, writer))
        except OSError:
            _reset(writer)  # as the part that is not there would
        finally:
            for each in (writer, onward):
                if each is not None:
                    self._writers.discard(each)
                    each.close()

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(_CHUNK_BYTES):
            await self._moving.wait()
            if writer.is_closing():
                return
            writer.write(data)
            await writer.drain()
        with contextlib.suppress(OSError):
            writer.write_eof()


def _reset(writer: asyncio.StreamWriter) -> None:
    sock = writer.get_extra_info("socket")
    if sock is not None:
        with contextlib.suppress(OSError):
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
    writer.transport.abort()

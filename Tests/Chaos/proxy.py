"""A TCP proxy between one node and PostgreSQL that is slow, drops notifications, or goes silent, as it is told.

    python3 proxy.py HOST PORT

It prints the port that it listens on, on 127.0.0.1, and then obeys lines on its standard input, each answered by a
line of JSON on its standard output:

    delay SECONDS   hold everything back for that long, in each direction; connecting takes twice that
    drop            leave out the notifications (`NotificationResponse`) that PostgreSQL sends
    cut             pass nothing more on, but keep the connections open, as a network does that loses every packet
    pass            pass everything on at once; what was held back by `cut` comes first
    count           only say how many connections, bytes and dropped notifications there were

It ends when its standard input does. It speaks the wire protocol only as far as it must to find a message's end, so
connections through it have neither TLS nor GSSAPI: it refuses both in PostgreSQL's name.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections import deque

NOTIFICATION = ord("A")
# The codes of the requests for TLS and GSSAPI, which come before anything else and are eight bytes long.
ENCRYPTION_REQUESTS = (80877103, 80877104)
CHUNK_BYTES = 1 << 16


class Weather:
    """How all connections of the proxy fare at the moment, and what came of it."""

    def __init__(self) -> None:
        self.delay = 0.0
        self.drops = False
        self.passes = asyncio.Event()
        self.passes.set()
        self.connections = 0
        # The event loop itself holds tasks weakly, and one that waits for better weather would be lost.
        self.tasks: set[asyncio.Task] = set()
        self.bytes = 0
        self.dropped = 0

    def obey(self, line: str) -> dict:
        match line.split():
            case ["delay", seconds]:
                self.delay = float(seconds)
            case ["drop"]:
                self.drops = True
            case ["cut"]:
                self.passes.clear()
            case ["pass"]:
                self.delay, self.drops = 0.0, False
                self.passes.set()
            case ["count"]:
                pass
            case _:
                return {"error": f"unknown command: {line.strip()}"}
        return {"connections": self.connections, "bytes": self.bytes, "dropped": self.dropped}


class MessageFilter:
    """Leaves the notifications out of what PostgreSQL sends, wherever the pieces of the stream begin and end."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self.dropped = 0

    def pass_on(self, piece: bytes, drops: bool) -> bytes:
        """The whole messages so far, without the notifications when `drops`."""
        self._buffer += piece
        kept = bytearray()
        start = 0
        while len(self._buffer) - start >= 5:
            end = start + 1 + int.from_bytes(self._buffer[start + 1 : start + 5], "big")
            if end > len(self._buffer):
                break
            if drops and self._buffer[start] == NOTIFICATION:
                self.dropped += 1
            else:
                kept += self._buffer[start:end]
            start = end
        del self._buffer[:start]
        return bytes(kept)


async def pump(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, weather: Weather, messages: MessageFilter | None
) -> None:
    """One direction of a connection: pieces leave in order, each when its time has come."""
    pieces: deque[tuple[float, bytes]] = deque()
    arrived = asyncio.Event()

    async def receive() -> None:
        while True:
            try:
                piece = await reader.read(CHUNK_BYTES)
            except OSError:
                # A connection that is reset has ended, like one that is closed.
                piece = b""
            pieces.append((time.monotonic() + weather.delay, piece))
            arrived.set()
            if not piece:
                return

    async def send() -> None:
        while True:
            await arrived.wait()
            while pieces:
                due, piece = pieces.popleft()
                if (wait := due - time.monotonic()) > 0:
                    await asyncio.sleep(wait)
                await weather.passes.wait()
                if not piece:
                    return
                weather.bytes += len(piece)
                if messages is not None:
                    before = messages.dropped
                    piece = messages.pass_on(piece, weather.drops)
                    weather.dropped += messages.dropped - before
                writer.write(piece)
                await writer.drain()
            arrived.clear()

    receiving = asyncio.create_task(receive())
    try:
        await send()
    except OSError:
        # The other side is gone; closing tells this one.
        pass
    finally:
        receiving.cancel()
        writer.close()


async def serve_connection(
    host: str, port: int, weather: Weather, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    weather.connections += 1
    try:
        await asyncio.sleep(2 * weather.delay)
        await weather.passes.wait()
        upstream_reader, upstream_writer = await asyncio.open_connection(host, port)
    except OSError:
        # PostgreSQL is down: end the connection at once, as its machine would.
        writer.transport.abort()
        return
    try:
        first = await reader.readexactly(8)
        while int.from_bytes(first[4:], "big") in ENCRYPTION_REQUESTS:
            writer.write(b"N")
            first = await reader.readexactly(8)
        upstream_writer.write(first)
    except (OSError, asyncio.IncompleteReadError):
        writer.close()
        upstream_writer.close()
        return
    await asyncio.gather(
        pump(reader, upstream_writer, weather, None),
        pump(upstream_reader, writer, weather, MessageFilter()),
        return_exceptions=True,
    )


async def main(host: str, port: int) -> None:
    weather = Weather()

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(serve_connection(host, port, weather, reader, writer))
        weather.tasks.add(task)
        task.add_done_callback(weather.tasks.discard)

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    commands = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(commands), sys.stdin.buffer
    )
    while line := await commands.readline():
        print(json.dumps(weather.obey(line.decode())), flush=True)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2])))

"""One address in front of all nodes: each HTTP request goes to a random one.

Bytes are passed on as they are. What is no HTTP request, or has no plain
length, is passed on as a whole connection to one node.
"""

import asyncio
import random
import re
import threading
from collections import Counter

HEAD_MAX = 64 * 1024
CHUNK = 64 * 1024
CONNECT_S = 2.0


class Relay:
    """`addresses()` gives the (host, port) of each node that is up;
    `on_answer(request_head, request_body, status)` is told of each answer, and
    may give a future that the answer waits for."""

    def __init__(self, addresses, on_answer=None, seed=None):
        self.addresses = addresses
        self.on_answer = on_answer
        self.random = random.Random(seed)
        #: Requests by address.
        self.counts = Counter()
        self.port = None
        #: The loop itself does not keep them from being collected.
        self.serving = set()
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.run, daemon=True)

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def start(self):
        listening = threading.Event()

        async def listen():
            server = await asyncio.start_server(
                self.serve, "127.0.0.1", 0, limit=HEAD_MAX
            )
            self.port = server.sockets[0].getsockname()[1]
            listening.set()

        self.loop.create_task(listen())
        self.thread.start()
        assert listening.wait(10), "the relay does not listen"
        return self

    def run(self):
        asyncio.set_event_loop(self.loop)
        self.loop.run_forever()

    def close(self):
        async def end():
            for task in list(self.serving):
                task.cancel()
            await asyncio.gather(*self.serving, return_exceptions=True)
            self.loop.stop()

        if self.thread.is_alive():
            asyncio.run_coroutine_threadsafe(end(), self.loop)
            self.thread.join(10)

    async def serve(self, reader, writer):
        self.serving.add(asyncio.current_task())
        try:
            while await self.pass_request(reader, writer):
                pass
        except (OSError, EOFError, asyncio.CancelledError):
            # Whoever hung up, the other one is told by the closing.
            pass
        finally:
            writer.close()
            self.serving.discard(asyncio.current_task())

    async def connect(self):
        """To a random node that takes the connection."""
        left = list(self.addresses())
        self.random.shuffle(left)
        for address in left:
            try:
                made = await asyncio.wait_for(
                    asyncio.open_connection(*address), CONNECT_S
                )
            except (OSError, asyncio.TimeoutError):
                continue
            self.counts[address] += 1
            return made
        raise ConnectionError("no node is up")

    async def pass_request(self, reader, writer):
        """Whether the connection may go on with another request."""
        try:
            head = await reader.readuntil(b"\r\n\r\n")
        except asyncio.IncompleteReadError as broken:
            if broken.partial:
                await self.pass_connection(reader, writer, broken.partial)
            return False
        except asyncio.LimitOverrunError:
            await self.pass_connection(reader, writer, b"")
            return False
        length = length_of(head)
        if length is None or not re.match(rb"[A-Z]+ \S+ HTTP/1\.1\r\n", head):
            await self.pass_connection(reader, writer, head)
            return False
        node_reader, node_writer = await self.connect()
        node_writer.write(head)
        body = bytearray()
        # The answer may come before the body has.
        sending = asyncio.create_task(
            pump(reader, node_writer, length, body)
        )
        try:
            answer = await node_reader.readuntil(b"\r\n\r\n")
            size = length_of(answer)
            if sending.done() and self.on_answer:
                done = self.on_answer(head, bytes(body), status_of(answer))
                if done is not None:
                    await asyncio.wrap_future(done)
            writer.write(answer)
            if has_no_length(answer):
                # A stream: it ends when one of them hangs up.
                await self.join(reader, writer, node_reader, node_writer)
                return False
            is_head = head.startswith(b"HEAD ")
            await pump(node_reader, writer, 0 if is_head else size or 0)
            return sending.done() and not says_close(head + answer)
        finally:
            sending.cancel()
            node_writer.close()

    async def pass_connection(self, reader, writer, first):
        node_reader, node_writer = await self.connect()
        try:
            node_writer.write(first)
            await self.join(reader, writer, node_reader, node_writer)
        finally:
            node_writer.close()

    async def join(self, reader, writer, node_reader, node_writer):
        """Until the node ends; a client may stop talking before that."""
        upward = asyncio.create_task(drain(reader, node_writer))
        try:
            await drain(node_reader, writer)
        finally:
            upward.cancel()


async def pump(source, target, length, copy=None):
    """Passes exactly so many bytes on."""
    while length > 0:
        data = await source.read(min(length, CHUNK))
        if not data:
            raise ConnectionError("it broke off")
        length -= len(data)
        if copy is not None:
            copy += data
        target.write(data)
        await target.drain()


async def drain(source, target):
    """Passes all on, then the end."""
    while data := await source.read(CHUNK):
        target.write(data)
        await target.drain()
    if target.can_write_eof():
        target.write_eof()


def header_of(head, name):
    found = re.search(rb"(?im)^" + name + rb":[ \t]*(.*?)[ \t]*\r$", head)
    return found[1] if found else None


def length_of(head):
    """Of the body; None when the head does not say it plainly."""
    if header_of(head, b"transfer-encoding") or header_of(head, b"expect"):
        return None
    length = header_of(head, b"content-length")
    if length is None:
        return 0
    return int(length) if re.fullmatch(rb"\d{1,9}", length) else None


def has_no_length(answer):
    return (
        header_of(answer, b"content-length") is None
        and status_of(answer) not in (204, 304)
    )


def status_of(answer):
    return int(answer.split(b" ", 2)[1])


def says_close(heads):
    return re.search(rb"(?im)^connection:[ \t]*close", heads) is not None

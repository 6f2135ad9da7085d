"""The load: requests on all nodes over kept connections, keys made and deleted meanwhile, everything recorded.

The generator speaks HTTP/1.1 on raw transports, because what matters is the moment: a request with a key that was just
deleted is written in the very callback that read the deletion's answer.
"""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from random import Random

from cluster import Trouble
from record import NO_ANSWER, Creation, Deletion, Request, Trace

# How long a client waits for an answer before it gives up.
PATIENCE_SECONDS = 15.0
# More connections to a node than this are not opened, and what would need one is not sent: a node refuses more than
# 1,024 requests at once, and rightly so.
MOST_CONNECTIONS = 900
# More requests of the steady load than this do not wait for a node at once.
MOST_STEADY_WAITING = 32
# More deletions than this are not under way at once.
MOST_DELETIONS = 96
# Nor more creations.
MOST_CREATIONS = 96
# How often the steady load looks at what is due.
TICK_SECONDS = 0.004
# When requests with a deleted key are sent to every node, after its deletion was answered.
PROBE_SECONDS = (0, 0.05, 0.5)
# How long a deletion waits for the nodes to have answered requests with its key, which makes it known to their caches.
WARM_SECONDS = 1.0
RETRY_SECONDS = 0.2
# One of so many deletions is sent to a second node too, before the first has answered.
REPEATED_DELETIONS = 8
TRIES_BEFORE_LOAD = 5
# The share of the steady load with keys that are there, of those to be deleted and those to stay; the rest is with
# keys that were deleted.
SHARE_DOOMED = 0.45
SHARE_STAYING = 0.25
# Of service tokens, service accounts and grants, one each is deleted for so many keys, and at least so many.
KEYS_TO_ONE_OTHER = 20
FEWEST_OTHERS = 3

HEAD_END = b"\r\n\r\n"
SEQUENCE = re.compile(rb"\r\nx-revocation-seq: *(\d+)", re.IGNORECASE)
LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)


@dataclass(slots=True)
class Answer:
    """What came of a request."""

    sent: float
    answered: float
    status: int
    why: str = ""
    head: bytes = b""
    body: bytes = b""


Done = Callable[[Answer], None]


def message(method: str, path: str, secret: str, body: object = None) -> bytes:
    """A request, as it goes over the wire."""
    lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", f"Authorization: Bearer {secret}"]
    text = b"" if body is None else json.dumps(body).encode()
    if text:
        lines += ["Content-Type: application/json", f"Content-Length: {len(text)}"]
    return ("\r\n".join(lines) + "\r\n\r\n").encode() + text


@dataclass(eq=False, slots=True)
class Key:
    """Something that requests rest on, and that can be deleted; only this has a secret, so that no record shows one."""

    number: int
    what: str
    id: str
    """What its deletion is recorded under in the audit log."""
    checks: tuple[bytes, ...]
    """Requests that are answered with 200 as long as it is there."""
    deletion: bytes
    refusal: int = 401
    """What they are answered with once it is gone."""


class Connection(asyncio.Protocol):
    """A kept connection with one request under way at a time."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._transport: asyncio.Transport | None = None
        self._buffer = bytearray()
        self._done: Done | None = None
        self._sent = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self.is_open = False

    def connection_made(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self.is_open = True

    def send(self, message: bytes, done: Done) -> None:
        self._done = done
        self._timer = asyncio.get_running_loop().call_later(PATIENCE_SECONDS, self._give_up)
        self._sent = time.monotonic()
        self._transport.write(message)

    def data_received(self, data: bytes) -> None:
        now = time.monotonic()
        self._buffer += data
        end = self._buffer.find(HEAD_END)
        if end < 0:
            return
        head = bytes(self._buffer[: end + 2])
        length = LENGTH.search(head)
        whole = end + len(HEAD_END) + (int(length[1]) if length else 0)
        if len(self._buffer) < whole:
            return
        body = bytes(self._buffer[end + len(HEAD_END) : whole])
        del self._buffer[:whole]
        self._finish(Answer(self._sent, now, int(head[9:12]), "", head, body))
        if b"\r\nconnection: close" in head.lower():
            self.close()
        elif self.is_open:
            self._client.put_back(self)

    def _finish(self, answer: Answer) -> None:
        done, self._done = self._done, None
        if self._timer is not None:
            self._timer.cancel()
        if done is not None:
            done(answer)

    def _give_up(self) -> None:
        self._finish(Answer(self._sent, time.monotonic(), NO_ANSWER, f"none within {PATIENCE_SECONDS:.0f} s"))
        self.close()

    def close(self) -> None:
        self.is_open = False
        self._transport.abort()

    def connection_lost(self, _: Exception | None) -> None:
        self.is_open = False
        self._client.forget(self)
        self._finish(Answer(self._sent, time.monotonic(), NO_ANSWER, "connection lost"))


class Client:
    """The connections to one node."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._port = 0
        self._idle: list[Connection] = []
        self._all: set[Connection] = set()
        self._opening: set[asyncio.Task] = set()

    async def connect(self, port: int, kept: int) -> None:
        """Speaks to that port from now on, with some connections opened ahead."""
        self.disconnect()
        self._port = port
        for _ in range(kept):
            self._idle.append(await self._open())

    def disconnect(self) -> None:
        self._idle.clear()
        for connection in list(self._all):
            connection.close()

    async def _open(self) -> Connection:
        _, connection = await asyncio.get_running_loop().create_connection(
            lambda: Connection(self), "127.0.0.1", self._port
        )
        self._all.add(connection)
        return connection

    @property
    def has_room(self) -> bool:
        """Whether there is a connection to send something on, or may be another."""
        return bool(self._idle) or len(self._all) + len(self._opening) < MOST_CONNECTIONS

    def fire(self, message: bytes, done: Done) -> None:
        """Sends at once when a connection is free; opens one otherwise."""
        while self._idle:
            connection = self._idle.pop()
            if connection.is_open:
                connection.send(message, done)
                return
        opening = asyncio.create_task(self._open_and_send(message, done, time.monotonic()))
        self._opening.add(opening)
        opening.add_done_callback(self._opening.discard)

    async def _open_and_send(self, message: bytes, done: Done, since: float) -> None:
        try:
            connection = await asyncio.wait_for(self._open(), PATIENCE_SECONDS)
        except (OSError, asyncio.TimeoutError) as error:
            done(Answer(since, time.monotonic(), NO_ANSWER, f"no connection: {type(error).__name__}"))
            return
        connection.send(message, done)

    async def exchange(self, message: bytes) -> Answer:
        """Sends and waits for what comes."""
        answered = asyncio.get_running_loop().create_future()
        self.fire(message, lambda answer: answered.done() or answered.set_result(answer))
        return await answered

    def put_back(self, connection: Connection) -> None:
        self._idle.append(connection)

    def forget(self, connection: Connection) -> None:
        self._all.discard(connection)
        if connection in self._idle:
            self._idle.remove(connection)


class Load:
    """What the clients of one run do.

    What is chosen, which key on which node when, comes from the seed, each kind of choice from a sequence of its own.
    What answers when is up to the machine.
    """

    def __init__(self, trace: Trace, owner_key: str, seed: str, seconds: float, rate: float) -> None:
        self.trace = trace
        self.clients = [Client(name) for name in trace.nodes]
        self._owner_key = owner_key
        self._seed = seed
        self._seconds = seconds
        self._rate = rate
        self._keys: dict[int, Key] = {}
        self._doomed: list[Key] = []
        self._staying: list[Key] = []
        self._deleted: deque[Key] = deque(maxlen=64)
        self._long_deleted: list[Key] = []
        self._waiting = {client.name: 0 for client in self.clients}
        self._outstanding = 0
        self.unreachable: set[str] = set()
        """The nodes that are paused or gone, whose answers nobody waits for before a deletion."""

    def _random(self, purpose: str) -> Random:
        return Random(f"{self._seed}/{purpose}")

    def client(self, name: str) -> Client:
        return next(client for client in self.clients if client.name == name)

    # Requests

    def _request(
        self, client: Client, kind: str, key: Key, choice: int, then: Callable[[], None] | None = None
    ) -> None:
        """Sends a request with a key and records it; calls `then` in any case."""
        if not client.has_room:
            self.trace.unsent += 1
            if then is not None:
                then()
            return
        self._outstanding += 1

        def done(answer: Answer) -> None:
            self._outstanding -= 1
            self.trace.requests.append(self._recorded(kind, client, key, answer))
            if then is not None:
                then()

        client.fire(key.checks[choice % len(key.checks)], done)

    @staticmethod
    def _recorded(kind: str, client: Client, key: Key, answer: Answer) -> Request:
        return Request(
            kind, client.name, key.number, answer.sent, answer.answered, answer.status, answer.why, key.refusal
        )

    async def _answers(self, kind: str, key: Key, clients: Iterable[Client], choice: int, seconds: float) -> None:
        """Sends a request to each, and waits some time for their answers."""
        futures = []
        for offset, client in enumerate(clients):
            future = asyncio.get_running_loop().create_future()
            futures.append(future)
            self._request(
                client, kind, key, choice + offset, lambda future=future: future.done() or future.set_result(None)
            )
        if futures:
            await asyncio.wait(futures, timeout=seconds)

    # Keys

    async def make_keys(self, doomed: int, staying: int) -> None:
        """The keys that are there when the load begins."""
        rng = self._random("keys")
        gate = asyncio.Semaphore(16)

        async def make(index: int, client: Client) -> None:
            key = None
            async with gate:
                # What was refused is in the record, and the judge's to find; the run goes on.
                for _ in range(TRIES_BEFORE_LOAD):
                    key = key or await self._create(client)
            if key is None:
                last = self.trace.creations[-1]
                raise Trouble(f"A key could not be made before the load: {client.name} said {last.status} {last.why}")
            (self._doomed if index < doomed else self._staying).append(key)

        await asyncio.gather(*(make(index, rng.choice(self.clients)) for index in range(doomed + staying)))
        await self._make_others(max(FEWEST_OTHERS, doomed // KEYS_TO_ONE_OTHER), rng)
        self._doomed.sort(key=lambda key: key.number)
        self.trace.doomed = {key.number for key in self._doomed}

    async def warm(self) -> None:
        """Has every node answer a request with every key."""
        gate = asyncio.Semaphore(24)

        async def warm(key: Key) -> None:
            async with gate:
                await self._answers("warm", key, self.clients, key.number, PATIENCE_SECONDS)

        await asyncio.gather(*(warm(key) for key in self._doomed + self._staying))

    async def _create(self, client: Client) -> Key | None:
        answer = await client.exchange(message("POST", "/v1/api_key", self._owner_key, {"name": "chaos"}))
        key = None
        if answer.status == 200:
            fields = json.loads(answer.body)
            path = f"/v1/api_key/{fields['id']}"
            key = self._add("key", fields["id"], self._credential_checks(fields["key"], path), ("DELETE", path))
        number = key.number if key is not None else None
        self.trace.creations.append(
            Creation(client.name, number, answer.sent, answer.answered, answer.status, answer.why)
        )
        return key

    def _add(
        self,
        what: str,
        id: str,
        checks: tuple[bytes, ...],
        deletion: tuple[str, str] | tuple[str, str, dict],
        refusal: int = 401,
    ) -> Key:
        method, path, *body = deletion
        key = Key(len(self._keys), what, id, checks, message(method, path, self._owner_key, *body), refusal)
        self._keys[key.number] = key
        return key

    @staticmethod
    def _credential_checks(secret: str, *own_paths: str) -> tuple[bytes, ...]:
        """Requests that need nothing but a valid credential."""
        return (
            message("GET", "/v1/project?limit=1", secret),
            message("POST", "/api/self/me", secret, {}),
            *(message("GET", path, secret) for path in own_paths),
        )

    async def _make_others(self, count: int, rng: Random) -> None:
        """So many service tokens, service accounts and grants, to be deleted like the keys."""

        async def made(method: str, path: str, body: dict) -> dict:
            client = rng.choice(self.clients)
            answer = await client.exchange(message(method, path, self._owner_key, body))
            if answer.status != 200:
                raise Trouble(
                    f"{method} {path} before the load got {answer.status} from {client.name}: "
                    f"{answer.body.decode(errors='replace')[:500]}"
                )
            return json.loads(answer.body)

        members = "/v1/organization/members"
        accounts = [{"name": f"{self._seed} {index}", "token_name": "its own"} for index in range(2 * count + 1)]
        holder, *added = (await made("PATCH", members, {"invite_users": {"service_accounts": accounts}}))["added_users"]
        for account in added[:count]:
            removal = {"remove_users": {"ids": [account["id"]]}}
            checks = self._credential_checks(account["api_key"])
            self._doomed.append(self._add("account", account["id"], checks, ("PATCH", members, removal)))
        for index in range(count):
            token = await made(
                "POST", "/v1/service_token", {"name": f"token {index}", "service_account_id": holder["id"]}
            )
            path = f"/v1/service_token/{token['id']}"
            checks = self._credential_checks(token["key"], path)
            self._doomed.append(self._add("token", token["id"], checks, ("DELETE", path)))
        project = await made("POST", "/v1/project", {"name": self._seed})
        for account in added[count:]:
            grant = {"object_type": "project", "object_id": project["id"], "user_id": account["id"]}
            id = (await made("POST", "/v1/acl", {**grant, "permission": "read"}))["id"]
            checks = (message("GET", f"/v1/project/{project['id']}", account["api_key"]),)
            self._doomed.append(self._add("grant", id, checks, ("DELETE", f"/v1/acl/{id}"), refusal=403))

    # The load

    async def run(self, creations_per_second: float, most_seconds: float) -> None:
        """Runs until its time is over and every key that is to go is gone, or `most_seconds` have passed."""
        self.trace.start = time.monotonic()
        end = self.trace.start + self._seconds
        stop = asyncio.Event()
        steady = asyncio.create_task(self._steady(stop))
        creating = asyncio.create_task(self._creations(creations_per_second, stop))
        deleting = asyncio.create_task(self._deletions())
        try:
            done, _ = await asyncio.wait({deleting}, timeout=most_seconds)
            if not done:
                self.trace.troubles.append(f"not every key was deleted within {most_seconds:.0f} s")
            await asyncio.sleep(max(0.0, end - time.monotonic()))
            # The last probes are sent within this time of the last deletion.
            await asyncio.sleep(PROBE_SECONDS[-1] + 0.1)
        finally:
            stop.set()
            deleting.cancel()
            results = await asyncio.gather(steady, creating, deleting, return_exceptions=True)
            self.trace.end = time.monotonic()
        for result in results:
            if isinstance(result, Exception):
                raise result
        deadline = time.monotonic() + PATIENCE_SECONDS + 1
        while self._outstanding and time.monotonic() < deadline:
            await asyncio.sleep(TICK_SECONDS)

    def disconnect(self) -> None:
        for client in self.clients:
            client.disconnect()

    async def _steady(self, stop: asyncio.Event) -> None:
        rng = self._random("steady")
        begin = time.monotonic()
        due = 0
        last = begin
        while not stop.is_set():
            await asyncio.sleep(TICK_SECONDS)
            now = time.monotonic()
            self.trace.longest_stall = max(self.trace.longest_stall, now - last - TICK_SECONDS)
            last = now
            # After a stall of the generator's own it does not catch up with more than a moment's worth.
            due = max(due, int((time.monotonic() - begin - 0.25) * self._rate))
            while due < (time.monotonic() - begin) * self._rate:
                due += 1
                self._send_steady(rng)

    def _send_steady(self, rng: Random) -> None:
        client, share, choice, position = rng.choice(self.clients), rng.random(), rng.randrange(3), rng.random()
        if share < SHARE_DOOMED and self._doomed:
            keys = self._doomed
        elif share >= SHARE_DOOMED + SHARE_STAYING and self._deleted:
            keys = self._deleted if share < (1 + SHARE_DOOMED + SHARE_STAYING) / 2 else self._long_deleted
        else:
            keys = self._staying
        if self._waiting[client.name] >= MOST_STEADY_WAITING:
            return
        self._waiting[client.name] += 1

        def done() -> None:
            self._waiting[client.name] -= 1

        self._request(client, "steady", keys[int(position * len(keys))], choice, done)

    async def _creations(self, per_second: float, stop: asyncio.Event) -> None:
        """Makes keys, and has every node answer to each at once."""
        rng = self._random("creations")
        tasks: set[asyncio.Task] = set()

        async def create(client: Client) -> None:
            key = await self._create(client)
            if key is not None:
                self._staying.append(key)
                await self._answers("new", key, self.clients, key.number, PATIENCE_SECONDS)

        while not stop.is_set():
            await asyncio.sleep(rng.expovariate(per_second))
            client = rng.choice(self.clients)
            if len(tasks) < MOST_CREATIONS and client.has_room:
                task = asyncio.create_task(create(client))
                tasks.add(task)
                task.add_done_callback(tasks.discard)
        await asyncio.gather(*tasks)

    # Deletions

    async def _deletions(self) -> None:
        """Deletes the doomed keys, spread over most of the load's time."""
        rng = self._random("deletions")
        keys = list(self._doomed)
        rng.shuffle(keys)
        moments = sorted(rng.uniform(0.03, 0.92) * self._seconds for _ in keys)
        nodes = [[rng.choice(self.clients) for _ in range(8)] for _ in keys]
        gate = asyncio.Semaphore(MOST_DELETIONS)
        begin = time.monotonic()

        async def delete(key: Key, choices: list[Client]) -> None:
            try:
                await self._delete(key, choices)
            finally:
                gate.release()

        async with asyncio.TaskGroup() as group:
            for key, moment, choices in zip(keys, moments, nodes, strict=True):
                await asyncio.sleep(max(0.0, begin + moment - time.monotonic()))
                await gate.acquire()
                group.create_task(delete(key, choices))

    async def _delete(self, key: Key, choices: list[Client]) -> None:
        """Deletes a key, trying until it is certain that it is gone."""
        reachable = [client for client in self.clients if client.name not in self.unreachable]
        for client in self.clients:
            if client.name in self.unreachable:
                self._request(client, "warm", key, key.number)
        await self._answers("warm", key, reachable, key.number, WARM_SECONDS)
        if key.number % REPEATED_DELETIONS == 0 and len(choices) > 1 and choices[1].has_room:
            # As a proxy sends it that has got no answer yet; whoever answers first must be right.
            choices[1].fire(key.deletion, lambda answer: self._deletion_answered(key, choices[1], answer))
        attempt = 0
        while True:
            client = choices[attempt % len(choices)]
            attempt += 1
            if not client.has_room:
                await asyncio.sleep(RETRY_SECONDS)
                continue
            gone = asyncio.get_running_loop().create_future()
            client.fire(
                key.deletion,
                lambda answer, client=client, gone=gone: self._deletion_answered(key, client, answer, gone),
            )
            if await gone:
                return
            await asyncio.sleep(RETRY_SECONDS)

    def _deletion_answered(
        self, key: Key, client: Client, answer: Answer, gone: asyncio.Future | None = None
    ) -> None:
        """Probes every node at once, in the callback that read the answer."""
        is_gone = answer.status in (200, 403, 404)
        if is_gone:
            self._probe(key, 0)
        sequence = SEQUENCE.search(answer.head)
        self.trace.deletions.append(
            Deletion(
                client.name,
                key.number,
                answer.sent,
                answer.answered,
                answer.status,
                answer.why,
                int(sequence[1]) if sequence else None,
                what=key.what,
            )
        )
        if is_gone and key in self._doomed:
            self._doomed.remove(key)
            self._deleted.append(key)
            self._long_deleted.append(key)
            for index, seconds in enumerate(PROBE_SECONDS[1:], start=1):
                asyncio.get_running_loop().call_later(seconds, self._probe, key, index)
        if gone is not None and not gone.done():
            gone.set_result(is_gone)

    def _probe(self, key: Key, choice: int) -> None:
        for offset, client in enumerate(self.clients):
            self._request(client, "probe", key, key.number + choice + offset)

    # Afterwards

    async def look_again(self) -> None:
        """Tries every key, of every kind, on every node."""
        gate = asyncio.Semaphore(24)

        async def look(key: Key, client: Client) -> None:
            async with gate:
                answer = await client.exchange(key.checks[key.number % len(key.checks)])
            self.trace.afterwards.append(self._recorded("afterwards", client, key, answer))

        await asyncio.gather(*(look(key, client) for key in self._keys.values() for client in self.clients))

    def deleted_since(self, moment: float) -> int:
        """How many deletions were answered since then."""
        return sum(1 for deletion in self.trace.deletions if deletion.status == 200 and deletion.answered > moment)

    def number_of(self, id: str) -> int | None:
        """The number of what is known to the audit log by an id."""
        return next((key.number for key in self._keys.values() if key.id == id), None)

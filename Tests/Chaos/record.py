"""What a run leaves behind for its judge: every request, deletion and creation with its times, and what was done to it.

All times are of one process's monotonic clock, in seconds. A request is `sent` just before its bytes are written, and
`answered` when the last byte of its answer was read, so that "sent after the answer" is never said wrongly: what the
generator does late only makes it find less.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field

# The status of a request that got no answer; `why` says what came instead.
NO_ANSWER = 0
# How far the moments of the nodes' logs, by the clock on the wall, may be from the generator's.
CLOCKS_APART_SECONDS = 0.1


@dataclass(slots=True)
class Request:
    """A request that the server answers as long as what it rests on is there: a key, or a grant."""

    kind: str
    """`warm` before the key is to go, `steady` load, `probe` after its deletion, `new` key, or `afterwards`."""
    node: str
    key: int | None
    sent: float
    answered: float
    status: int
    why: str = ""
    refusal: int = 401
    """The status that says that what it rests on is gone: 401 for a credential, 403 for a grant."""

    method = "GET"


@dataclass(slots=True)
class Deletion:
    """An attempt to delete a key, or something else that a request rests on."""

    node: str
    key: int
    sent: float
    answered: float
    status: int
    why: str = ""
    sequence: int | None = None
    """What the header `x-revocation-seq` said."""
    committed: float | None = None
    """When PostgreSQL committed it, if the database could be asked."""
    what: str = "key"
    """A `key`, a `token` of a service account, a service `account` as a member, or a `grant`."""

    method = "DELETE"


@dataclass(slots=True)
class Creation:
    """An attempt to create a key."""

    node: str
    key: int | None
    sent: float
    answered: float
    status: int
    why: str = ""

    method = "POST"


Exchange = Request | Deletion | Creation


@dataclass(frozen=True)
class Excuse:
    """When, where and for which answers a server error or a missing answer is right, and why."""

    reason: str
    start: float
    end: float
    nodes: frozenset[str] | None = None
    """None for all of them."""
    statuses: frozenset[int] = frozenset({NO_ANSWER, 503})
    methods: frozenset[str] | None = None
    """None for all of them."""
    share: float = 1
    """Of what a node was asked meanwhile with one of these methods, it excuses no more than this share."""

    def concerns(self, exchange: Exchange) -> bool:
        """Whether it is about such an exchange, whatever came of it."""
        return (
            exchange.sent <= self.end
            and exchange.answered >= self.start
            and (self.nodes is None or exchange.node in self.nodes)
            and (self.methods is None or exchange.method in self.methods)
        )

    def covers(self, exchange: Exchange) -> bool:
        return exchange.status in self.statuses and self.concerns(exchange)


@dataclass
class Trace:
    """One run."""

    run: str
    nodes: tuple[str, ...]
    start: float = 0
    end: float = 0
    """The load ran between these; what is `afterwards` comes later."""
    doomed: set[int] = field(default_factory=set)
    """The keys, tokens, accounts and grants that the run was to delete."""
    requests: list[Request] = field(default_factory=list)
    deletions: list[Deletion] = field(default_factory=list)
    creations: list[Creation] = field(default_factory=list)
    afterwards: list[Request] = field(default_factory=list)
    """With every key on every node, after every node was started anew."""
    excuses: list[Excuse] = field(default_factory=list)
    faults: list[tuple[float, float, str, str | None]] = field(default_factory=list)
    """From when to when what was done to which node, or to the database."""
    recoveries: dict[str, float] = field(default_factory=dict)
    """How long it took at most until each node said that it can serve, after what it rests on was there again."""
    cached: dict[str, tuple[int, int]] = field(default_factory=dict)
    """How many of the checks of good keys were answered by the cache, and how many there were, of each node from whom a
    cache is expected."""
    audited: set[int] | None = None
    """What the audit log knows to be deleted, if the database could be asked."""
    unsent: int = 0
    """How many requests there was no connection for."""
    longest_stall: float = 0
    """For how long the generator itself was held up at most; what it measured meanwhile is no fault of the server's."""
    notes: list[str] = field(default_factory=list)
    """What else was measured, in sentences."""
    troubles: list[str] = field(default_factory=list)
    """What else went wrong, in sentences; any fails the run."""

    def exchanges(self) -> list[Exchange]:
        """Everything that was asked."""
        return [*self.requests, *self.deletions, *self.creations, *self.afterwards]

    def may_log_errors(self, node: str, moment: float) -> bool:
        """Whether what excuses a 503 of the node's was so at that moment, or when it answered a request with one."""
        excuses = [
            excuse for excuse in self.excuses if 503 in excuse.statuses and node in (excuse.nodes or self.nodes)
        ]
        answered = [
            (exchange.sent, exchange.answered)
            for exchange in self.exchanges()
            if exchange.node == node and exchange.status == 503 and any(excuse.covers(exchange) for excuse in excuses)
        ]
        return any(
            start - CLOCKS_APART_SECONDS <= moment <= end + CLOCKS_APART_SECONDS
            for start, end in [*((excuse.start, excuse.end) for excuse in excuses), *answered]
        )

    def as_json(self) -> str:
        """Everything, for whoever wants to know more than the judge says."""
        return json.dumps(asdict(self), default=sorted)

"""Judges a run by its record: is the promise kept, and did the run put it to the test?"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections import Counter, defaultdict
from dataclasses import dataclass, field

from record import NO_ANSWER, Deletion, Excuse, Exchange, Request, Trace

# A node that is cut off stops accepting cached keys within this time.
LEASE_SECONDS = 1.0
# What says nothing about whether the key was accepted: refused, too many requests, or a server error.
UNDECIDED = {NO_ANSWER, 408, 429}
# A fault during which fewer keys than this were deleted, or probed on the node that it concerns, shows nothing.
FEWEST_DURING_FAULT = 3
# When the generator itself was held up for longer than this, it is worth a note.
LONGEST_STALL_SECONDS = 0.25
# The share of a node's checks of good keys that its cache must have answered, lest the run be one without caches.
LEAST_CACHED = 0.2
# The share of the probes that must have been answered.
LEAST_PROBED = 0.9


@dataclass(frozen=True)
class Finding:
    """Something that breaks the promise, or leaves it without proof."""

    kind: str
    text: str


@dataclass
class Verdict:
    """What a run showed."""

    run: str
    findings: list[Finding] = field(default_factory=list)
    sent: int = 0
    served: int = 0
    stale: int = 0
    deletions: Counter = field(default_factory=Counter)
    """What was deleted, by what it was."""
    deletion_times: list[float] = field(default_factory=list)
    """How long each answered deletion took, sorted, in seconds."""
    commit_times: list[float] = field(default_factory=list)
    """The same from the commit in PostgreSQL to the answer."""
    unknown: int = 0
    """Deletions whose outcome their client did not learn, and that were tried again."""
    excused: Counter = field(default_factory=Counter)
    """Server errors and missing answers that were right, by status, method, node and reason."""
    unexcused: list[str] = field(default_factory=list)
    """Those for which there was no reason."""
    recovery: float | None = None
    """How long it took until every node could serve again, when one could not."""
    created: int = 0
    lost: int = 0
    probes: int = 0
    gap: float = 0
    """The longest time in which no node served anything."""
    notes: list[str] = field(default_factory=list)

    @property
    def kept(self) -> bool:
        return not self.findings


def judge(trace: Trace) -> Verdict:
    """Looks at everything; a finding of each kind tells of its first few cases."""
    verdict = Verdict(trace.run, notes=list(trace.notes))
    found: dict[str, list[str]] = defaultdict(list)
    for trouble in trace.troubles:
        found["trouble"].append(trouble)
    _deletions(trace, verdict, found)
    _acceptance(trace, verdict, found)
    _server_errors(trace, verdict, found)
    _creations(trace, verdict, found)
    _isolation(trace, found)
    _service(trace, verdict, found)
    _power(trace, verdict, found)
    for kind, texts in found.items():
        more = f" (and {len(texts) - 5} more)" if len(texts) > 5 else ""
        verdict.findings.append(Finding(kind, f"{len(texts)}: " + "; ".join(texts[:5]) + more))
    return verdict


def is_decided(request: Request) -> bool:
    return request.status not in UNDECIDED and request.status < 500


def is_refused(request: Request) -> bool:
    return request.status == request.refusal


def is_accepted(request: Request) -> bool:
    """Whether the server took the key for good: 403 and 404 are answers to somebody whom it knows."""
    if request.refusal != 401:
        return request.status == 200
    return is_decided(request) and not is_refused(request)


def attempts_by_key(trace: Trace) -> dict[int, list[Deletion]]:
    attempts: dict[int, list[Deletion]] = defaultdict(list)
    for deletion in sorted(trace.deletions, key=lambda deletion: deletion.sent):
        attempts[deletion.key].append(deletion)
    return attempts


def revoked_at(trace: Trace) -> dict[int, float]:
    """When each key's deletion was first answered: as done, or by a later attempt as done before."""
    times: dict[int, float] = {}
    for deletion in trace.deletions:
        if deletion.status in (200, 403, 404):
            times[deletion.key] = min(deletion.answered, times.get(deletion.key, deletion.answered))
    return times


def _deletions(trace: Trace, verdict: Verdict, found: dict[str, list[str]]) -> None:
    attempts = attempts_by_key(trace)
    for key in sorted(trace.doomed - attempts.keys()):
        found["not deleted"].append(f"key {key} was never tried")
    for key, tries in attempts.items():
        for attempt in tries:
            if attempt.status in (200, 403, 404):
                break
            verdict.unknown += 1
        final = tries[-1]
        if any(attempt.status == 200 for attempt in tries):
            verdict.deletions[final.what] += 1
        elif final.status not in (403, 404):
            found["not deleted"].append(f"key {key} after {len(tries)} attempts, last {_told(trace, final)}")
        elif all(attempt.status in (403, 404) for attempt in tries):
            found["deletion refused"].append(_told(trace, final))
    answered = [deletion for deletion in trace.deletions if deletion.status == 200]
    verdict.deletion_times = sorted(deletion.answered - deletion.sent for deletion in answered)
    verdict.commit_times = sorted(
        deletion.answered - deletion.committed for deletion in answered if deletion.committed is not None
    )
    for deletion in answered:
        if deletion.sequence is None:
            found["no x-revocation-seq"].append(_told(trace, deletion))
    _order(trace, answered, found)
    if trace.audited is not None:
        for deletion in answered:
            if deletion.key not in trace.audited:
                found["not in the audit log"].append(_told(trace, deletion))


def _order(trace: Trace, answered: list[Deletion], found: dict[str, list[str]]) -> None:
    """A deletion that was sent after another's answer has a higher number; those that overlap may share a commit."""
    numbered = [deletion for deletion in answered if deletion.sequence is not None]
    ends = sorted(numbered, key=lambda deletion: deletion.answered)
    highest, position = None, 0
    for deletion in sorted(numbered, key=lambda deletion: deletion.sent):
        while position < len(ends) and ends[position].answered < deletion.sent:
            if highest is None or ends[position].sequence > highest.sequence:
                highest = ends[position]
            position += 1
        if highest is not None and deletion.sequence <= highest.sequence:
            found["sequence not increasing"].append(
                f"{_told(trace, deletion)} has {deletion.sequence}, but {_told(trace, highest)} had {highest.sequence}"
            )


def _acceptance(trace: Trace, verdict: Verdict, found: dict[str, list[str]]) -> None:
    revoked = revoked_at(trace)
    first_sent = {key: tries[0].sent for key, tries in attempts_by_key(trace).items()}
    for request in trace.requests + trace.afterwards:
        if request.key is None:
            continue
        end = revoked.get(request.key)
        if end is not None and request.sent >= end and is_accepted(request):
            verdict.stale += 1
            found["stale accept"].append(
                f"{_told(trace, request)}, sent {_milliseconds(request.sent - end)} after the deletion's answer"
            )
        # A key may find itself deleted when it looks for itself, but only from its deletion on.
        is_early = request.answered < first_sent.get(request.key, float("inf"))
        if is_refused(request):
            if is_early:
                found["refused too early"].append(_told(trace, request))
        elif request.status in (408, 429) or (request.refusal != 401 and request.status == 401):
            found["unexpected answer"].append(_told(trace, request))
        elif is_early and request.status != 200 and is_decided(request):
            found["unexpected answer"].append(_told(trace, request))


def _server_errors(trace: Trace, verdict: Verdict, found: dict[str, list[str]]) -> None:
    exchanges = trace.exchanges()
    verdict.recovery = max(trace.recoveries.values(), default=None)
    left = _room(trace.excuses, exchanges)
    for exchange in exchanges:
        if exchange.status != NO_ANSWER and exchange.status < 500:
            continue
        excuse = next(
            (
                excuse
                for excuse in trace.excuses
                if excuse.covers(exchange) and left[excuse, exchange.node, exchange.method] > 0
            ),
            None,
        )
        if excuse is not None:
            left[excuse, exchange.node, exchange.method] -= 1
            verdict.excused[(exchange.status, exchange.method, exchange.node, excuse.reason)] += 1
        else:
            verdict.unexcused.append(_told(trace, exchange))
    if verdict.unexcused:
        found["error without excuse"] = verdict.unexcused


def _room(excuses: list[Excuse], exchanges: list[Exchange]) -> dict[tuple[Excuse, str, str], int]:
    """How many exchanges of each node's, by each method, each excuse covers at most."""
    concerned = Counter(
        (excuse, exchange.node, exchange.method)
        for excuse in excuses
        for exchange in exchanges
        if excuse.concerns(exchange)
    )
    return {key: math.ceil(key[0].share * count) for key, count in concerned.items()}


def _creations(trace: Trace, verdict: Verdict, found: dict[str, list[str]]) -> None:
    for creation in trace.creations:
        if creation.status not in (200, *UNDECIDED) and creation.status < 500:
            found["creation refused"].append(_told(trace, creation))
    created = {creation.key for creation in trace.creations if creation.status == 200}
    verdict.created = len(created)
    works: dict[int, set[str]] = defaultdict(set)
    for request in trace.afterwards:
        if request.status == 200 and request.key is not None:
            works[request.key].add(request.node)
    for key in sorted(created - trace.doomed):
        missing = set(trace.nodes) - works[key]
        if missing:
            verdict.lost += 1
            found["key lost"].append(f"key {key} does not work afterwards on {', '.join(sorted(missing))}")
    tried = {(request.node, request.key) for request in trace.afterwards if is_refused(request)}
    for key in sorted(revoked_at(trace)):
        unseen = [node for node in trace.nodes if (node, key) not in tried]
        if unseen:
            found["not refused afterwards"].append(f"key {key} on {', '.join(unseen)}")


def _isolation(trace: Trace, found: dict[str, list[str]]) -> None:
    """What cannot reach the database accepts nothing once its lease is over."""
    for start, end, what, node in trace.faults:
        if what not in ("cut off", "database away"):
            continue
        for request in trace.requests:
            if (
                node in (None, request.node)
                and request.sent > start + LEASE_SECONDS
                and request.answered < end
                and is_accepted(request)
            ):
                found[f"accepted while {what}"].append(_told(trace, request))


def _service(trace: Trace, verdict: Verdict, found: dict[str, list[str]]) -> None:
    everything: list[Exchange] = [*trace.requests, *trace.deletions, *trace.creations]
    verdict.sent = len(everything)
    verdict.served = sum(1 for exchange in everything if exchange.status not in UNDECIDED and exchange.status < 500)
    verdict.probes = sum(1 for request in trace.requests if request.kind == "probe")
    served = sorted(request.answered for request in trace.requests if request.status == 200)
    marks = [trace.start, *(moment for moment in served if trace.start <= moment <= trace.end), trace.end]
    verdict.gap = max(later - earlier for earlier, later in zip(marks, marks[1:]))
    if trace.unsent:
        verdict.notes.append(f"{trace.unsent} requests were not sent, because too many waited on their node already.")
    if trace.longest_stall > LONGEST_STALL_SECONDS:
        verdict.notes.append(f"The generator itself was held up for {_milliseconds(trace.longest_stall)}.")


def _power(trace: Trace, verdict: Verdict, found: dict[str, list[str]]) -> None:
    """Whether the run could have found something."""
    revoked = revoked_at(trace)
    probes: dict[str, list[Request]] = defaultdict(list)
    for request in trace.requests:
        end = revoked.get(request.key)
        if end is not None and request.sent >= end:
            probes[request.node].append(request)
    for node in trace.nodes:
        asked = probes[node]
        decided = sum(map(is_decided, asked))
        excused = sum(
            any(excuse.covers(request) for excuse in trace.excuses) for request in asked if not is_decided(request)
        )
        if not decided or decided < LEAST_PROBED * (len(asked) - excused):
            found["shows too little"].append(
                f"{node} answered {decided} of {len(asked)} requests with deleted keys, {excused} excused"
            )
        hits, checks = trace.cached.get(node, (0, 0))
        if node in trace.cached and hits < LEAST_CACHED * checks:
            found["shows too little"].append(
                f"only {hits} of {checks} checks of good keys by {node} came from its cache"
            )
    ends = sorted(revoked.values())
    for start, end, what, node in trace.faults:
        during = bisect_left(ends, end) - bisect_left(ends, start)
        if node is not None and during < FEWEST_DURING_FAULT:
            found["shows too little"].append(f"only {during} keys were deleted while {node} was {what}")
        if node is not None and what in ("paused", "cut off"):
            asked = sum(1 for request in probes[node] if start <= request.sent <= end)
            if asked < FEWEST_DURING_FAULT:
                found["shows too little"].append(f"{node} got only {asked} requests with deleted keys while {what}")


def _told(trace: Trace, exchange: Exchange) -> str:
    status = f"{exchange.status}" if exchange.status != NO_ANSWER else "no answer"
    why = f" ({exchange.why})" if exchange.why else ""
    kind = getattr(exchange, "kind", getattr(exchange, "what", ""))
    return (
        f"{exchange.node}: {' '.join(filter(None, [kind, exchange.method]))} with key {exchange.key} "
        f"at {exchange.sent - trace.start:.3f} s: {status}{why} at {exchange.answered - trace.start:.3f} s"
    )


def _milliseconds(seconds: float) -> str:
    return f"{seconds * 1000:.1f} ms"

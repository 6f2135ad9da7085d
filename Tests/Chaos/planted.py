"""Records with planted faults: a judge that misses one would call a broken server sound."""

from __future__ import annotations

from collections.abc import Callable

from judge import judge
from record import NO_ANSWER, Creation, Deletion, Excuse, Request, Trace
from runs import excuses_of_far_node

NODES = ("node 1", "node 2", "node 3")
KEYS = 40


def sound() -> Trace:
    """The record of a run in which nothing went wrong: every second key deleted, one node paused meanwhile."""
    trace = Trace("planted", NODES, start=0, end=KEYS, doomed=set(range(0, KEYS, 2)), audited=set(range(0, KEYS, 2)))
    for number in range(KEYS):
        node = NODES[number % 3]
        trace.creations.append(Creation(node, number, -10 + number / 10, -10 + number / 10 + 0.01, 200))
        for other in NODES:
            trace.requests.append(Request("warm", other, number, number / 100, number / 100 + 0.002, 200))
    for number in range(0, KEYS, 2):
        sent = 1.0 + number
        trace.deletions.append(
            Deletion(NODES[number % 3], number, sent, sent + 0.02, 200, sequence=number + 7, committed=sent + 0.01)
        )
        for other in NODES:
            trace.requests.append(Request("probe", other, number, sent + 0.021, sent + 0.024, 401))
            trace.requests.append(Request("steady", other, number + 1, sent + 0.3, sent + 0.304, 200))
    for number in range(KEYS):
        for other in NODES:
            trace.afterwards.append(Request("afterwards", other, number, 50, 50.01, 401 if number % 2 == 0 else 200))
    trace.cached = dict.fromkeys(NODES, (80, 100))
    trace.faults = [(10.0, 20.0, "paused", NODES[0])]
    trace.excuses = [Excuse("the node was paused", 10.0, 20.0, frozenset({NODES[0]}))]
    return trace


def _probe(trace: Trace, key: int, node: str) -> Request:
    return next(
        request
        for request in trace.requests
        if request.kind == "probe" and request.key == key and request.node == node
    )


def stale_accept(trace: Trace) -> None:
    _probe(trace, 4, NODES[1]).status = 200


def stale_by_a_hair(trace: Trace) -> None:
    """Sent in the very moment in which the answer came."""
    probe = _probe(trace, 4, NODES[1])
    probe.sent, probe.status = trace.deletions[2].answered, 200


def stale_in_disguise(trace: Trace) -> None:
    """A 403 is said to somebody whose key was accepted."""
    _probe(trace, 4, NODES[1]).status = 403


def stale_after_restart(trace: Trace) -> None:
    next(request for request in trace.afterwards if request.key == 4).status = 200


def lost_key(trace: Trace) -> None:
    next(request for request in trace.afterwards if request.key == 5).status = 401


def key_never_tried_again(trace: Trace) -> None:
    trace.afterwards = [request for request in trace.afterwards if request.key != 5]


def _grant(trace: Trace) -> None:
    """Makes a grant of what number 4 and number 5 are."""
    for request in trace.requests + trace.afterwards:
        if request.key in (4, 5):
            request.refusal = 403
            request.status = 403 if request.status == 401 else request.status


def stale_grant(trace: Trace) -> None:
    _grant(trace)
    _probe(trace, 4, NODES[1]).status = 200


def token_refused_for_a_grant(trace: Trace) -> None:
    _grant(trace)
    _probe(trace, 4, NODES[1]).status = 401


def refused_too_early(trace: Trace) -> None:
    next(request for request in trace.requests if request.kind == "warm" and request.key == 6).status = 401


def error_without_excuse(trace: Trace) -> None:
    next(
        request
        for request in trace.requests
        if request.kind == "steady" and request.key == 3 and request.node == NODES[1]
    ).status = 503


def wrong_error_under_an_excuse(trace: Trace) -> None:
    request = next(request for request in trace.requests if 12 < request.sent < 18 and request.node == NODES[0])
    request.status = 500


def no_answer_on_another_node(trace: Trace) -> None:
    request = next(request for request in trace.requests if 12 < request.sent < 18 and request.node == NODES[1])
    request.status, request.why = NO_ANSWER, "connection lost"


def _far(trace: Trace) -> None:
    """The first node was far from the database all the time."""
    trace.excuses = excuses_of_far_node(NODES[0], list(NODES[1:]), -20, KEYS)


def some_changes_refused_for_another_node(trace: Trace) -> None:
    """As it may be."""
    _far(trace)
    for creation in [creation for creation in trace.creations if creation.node == NODES[1]][:2]:
        creation.status = 503


def half_of_the_changes_refused_for_another_node(trace: Trace) -> None:
    _far(trace)
    for creation in [creation for creation in trace.creations if creation.node == NODES[1]][::2]:
        creation.status = 503


def read_refused_for_another_node(trace: Trace) -> None:
    _far(trace)
    error_without_excuse(trace)


def no_sequence(trace: Trace) -> None:
    trace.deletions[3].sequence = None


def sequence_repeated(trace: Trace) -> None:
    trace.deletions[3].sequence = trace.deletions[2].sequence


def deletion_refused(trace: Trace) -> None:
    trace.deletions[3].status = 403


def deletion_forgotten(trace: Trace) -> None:
    del trace.deletions[3]


def deletion_not_audited(trace: Trace) -> None:
    trace.audited.remove(trace.deletions[3].key)


def accepted_after_found_done(trace: Trace) -> None:
    """The first attempt got no answer, the next found the key gone, and a node went on accepting it."""
    first = trace.deletions[7]
    first.status, first.node, first.why = NO_ANSWER, NODES[0], "connection lost"
    trace.deletions.append(Deletion(NODES[1], first.key, first.sent + 1, first.sent + 1.1, 403))
    trace.requests.append(Request("steady", NODES[2], first.key, first.sent + 1.2, first.sent + 1.3, 200))
    for other in NODES:
        probe = _probe(trace, first.key, other)
        probe.sent, probe.answered = probe.sent + 1.1, probe.answered + 1.1


def accepted_while_cut_off(trace: Trace) -> None:
    trace.faults = [(10.0, 20.0, "cut off", NODES[0])]
    trace.requests.append(Request("steady", NODES[0], 3, 11.5, 11.6, 200))


def creation_refused(trace: Trace) -> None:
    trace.creations[3].status = 403


def no_probes_during_the_fault(trace: Trace) -> None:
    trace.requests = [
        request for request in trace.requests if not (request.kind == "probe" and request.node == NODES[0])
    ]


def caches_unused(trace: Trace) -> None:
    trace.cached[NODES[2]] = (1, 100)


def trouble(trace: Trace) -> None:
    trace.troubles.append("node 1 ended with 1 after SIGTERM")


def nothing(_: Trace) -> None:
    """Leaves the record as it is."""


SOUND: tuple[Callable[[Trace], None], ...] = (nothing, some_changes_refused_for_another_node)

FAULTS: tuple[tuple[Callable[[Trace], None], str], ...] = (
    (stale_accept, "stale accept"),
    (stale_by_a_hair, "stale accept"),
    (stale_in_disguise, "stale accept"),
    (stale_after_restart, "stale accept"),
    (stale_grant, "stale accept"),
    (token_refused_for_a_grant, "unexpected answer"),
    (lost_key, "key lost"),
    (key_never_tried_again, "key lost"),
    (refused_too_early, "refused too early"),
    (error_without_excuse, "error without excuse"),
    (wrong_error_under_an_excuse, "error without excuse"),
    (no_answer_on_another_node, "error without excuse"),
    (half_of_the_changes_refused_for_another_node, "error without excuse"),
    (read_refused_for_another_node, "error without excuse"),
    (no_sequence, "no x-revocation-seq"),
    (sequence_repeated, "sequence not increasing"),
    (deletion_refused, "deletion refused"),
    (deletion_forgotten, "not deleted"),
    (deletion_not_audited, "not in the audit log"),
    (accepted_after_found_done, "stale accept"),
    (accepted_while_cut_off, "accepted while cut off"),
    (creation_refused, "creation refused"),
    (no_probes_during_the_fault, "shows too little"),
    (caches_unused, "shows too little"),
    (trouble, "trouble"),
)


def missed() -> list[str]:
    """Which planted faults the judge does not see, and what it sees where nothing is."""
    complaints = []
    for plant in SOUND:
        trace = sound()
        plant(trace)
        complaints += [f"{plant.__name__} has: {finding.kind}: {finding.text}" for finding in judge(trace).findings]
    for plant, kind in FAULTS:
        trace = sound()
        plant(trace)
        if kind not in {finding.kind for finding in judge(trace).findings}:
            complaints.append(f"{plant.__name__} was not found")
    return complaints

"""The runs: what is done to the nodes and the database meanwhile, and which errors are right because of it."""

from __future__ import annotations

import asyncio
import re
import signal
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from random import Random

from cluster import SECONDS_BETWEEN_LOOKS, Installation, Node, Proxy, Trouble
from judge import FEWEST_DURING_FAULT
from load import Load
from record import NO_ANSWER, Creation, Deletion, Excuse, Trace

STAYING_KEYS = 24
# Of each direction; a round trip takes twice that.
LATENCY_SECONDS = 0.05
# When the fault begins, as a share of the load's time: the caches are warm, and deletions are under way.
FAULT_BEGIN = 0.3
# When a node does not say that it can serve this long after what it rests on is back, that is a finding: it tries to
# connect once a second at least.
MOST_RECOVERY_SECONDS = 15.0
# How long after it has said so it may still answer 503 to what asked before.
RECOVERED_SECONDS = 0.5
# Of what changes something, the share that a node may refuse because another one, far from the database, held the lock
# of all changes for too long.
MOST_REFUSED_FOR_ANOTHER = 0.25
# How long after a node's start it may be unreachable for a client that has only just learned of its port.
MOVE_SECONDS = 0.5
# For how much longer a fault lasts while no key gets deleted.
LONGEST_HOLD_SECONDS = 8.0
# How many connections are opened to a node ahead.
KEPT_CONNECTIONS = 24
# The nodes' errors of their own that are shown, of each run.
SHOWN_ERRORS = 3


@dataclass(frozen=True)
class Size:
    """How much of everything."""

    keys: int
    seconds: float
    fault_seconds: float
    """How long a node is paused, dead or cut off."""
    outage_seconds: float
    """How long the database is away."""
    rate: float
    creations_per_second: float
    most_seconds: float
    """How long the deletions of a run may take in all."""


@dataclass
class Stage:
    """What a fault has at hand."""

    installation: Installation
    nodes: list[Node]
    proxies: dict[str, Proxy]
    load: Load
    trace: Trace
    victim: Node
    size: Size
    started: float

    async def until(self, share: float) -> None:
        await asyncio.sleep(max(0.0, self.started + share * self.size.seconds - time.monotonic()))

    async def hold(self, start: float) -> None:
        """Lets a fault last as long as it should, and until it has shown something, within reason."""
        await asyncio.sleep(max(0.0, start + self.size.fault_seconds - time.monotonic()))
        deadline = start + self.size.fault_seconds + LONGEST_HOLD_SECONDS
        while self.load.deleted_since(start) < FEWEST_DURING_FAULT and time.monotonic() < deadline:
            await asyncio.sleep(SECONDS_BETWEEN_LOOKS)

    def record(self, start: float, what: str, node: Node | None = None) -> None:
        self.trace.faults.append((start, time.monotonic(), what, node.name if node is not None else None))

    def excuse(self, reason: str, start: float, end: float, node: Node, *statuses: int) -> None:
        self.trace.excuses.append(Excuse(reason, start, end, frozenset({node.name}), frozenset(statuses)))

    async def excuse_until_ready(self, reason: str, start: float, node: Node, *statuses: int) -> None:
        """Excuses a node from a moment on until it says that it can serve, which it must soon from now on."""
        back = time.monotonic()
        while not (is_ready := await node.is_ready()) and time.monotonic() < back + MOST_RECOVERY_SECONDS:
            await asyncio.sleep(SECONDS_BETWEEN_LOOKS)
        took = time.monotonic() - back
        self.trace.recoveries[node.name] = max(took, self.trace.recoveries.get(node.name, 0))
        if not is_ready:
            self.trace.troubles.append(f"{node.name} could not serve {took:.1f} s after this was over: {reason}")
        self.excuse(reason, start, back + took + RECOVERED_SECONDS, node, *statuses)


Fault = Callable[[Stage], Awaitable[None]]


@dataclass(frozen=True)
class Plan:
    """A run."""

    name: str
    title: str
    fault: Fault | None = None
    proxied: str = "none"
    """Which nodes reach the database through a proxy: none, the victim, or all."""
    weather: tuple[str, ...] = ()
    """What the proxies are told before the load begins."""
    may_log_errors: bool = False
    """Whether the fault is one that an operator should read about in the nodes' logs."""


async def pause(stage: Stage) -> None:
    """A node is stopped as by a debugger or a host that is overcommitted, and goes on as if nothing had happened."""
    await stage.until(FAULT_BEGIN)
    stage.load.unreachable.add(stage.victim.name)
    stage.victim.signal(signal.SIGSTOP)
    start = time.monotonic()
    await stage.hold(start)
    stage.record(start, "paused", stage.victim)
    stage.victim.signal(signal.SIGCONT)
    stage.load.unreachable.discard(stage.victim.name)
    # Its clients may lose patience, and its leases and the database's with it run out meanwhile.
    await stage.excuse_until_ready("the node was paused", start, stage.victim, NO_ANSWER, 503)


async def kill(stage: Stage) -> None:
    """A node is lost, and started again later."""
    await stage.until(FAULT_BEGIN)
    stage.load.unreachable.add(stage.victim.name)
    start = time.monotonic()
    await stage.victim.kill()
    await stage.hold(start)
    stage.record(start, "dead", stage.victim)
    await stage.victim.start(stage.installation.postgres.url())
    await stage.load.client(stage.victim.name).connect(stage.victim.port, KEPT_CONNECTIONS)
    stage.load.unreachable.discard(stage.victim.name)
    stage.excuse("the node was dead", start, time.monotonic() + MOVE_SECONDS, stage.victim, NO_ANSWER)


async def outage(stage: Stage, mode: str, share: float) -> None:
    await stage.until(share)
    start = time.monotonic()
    await stage.installation.postgres.stop(mode)
    stopped = time.monotonic()
    await asyncio.sleep(stage.size.outage_seconds)
    stage.record(stopped, "database away")
    await stage.installation.postgres.start()
    back = time.monotonic()
    stage.trace.notes.append(f"The database was away for {back - start:.1f} s ({mode} stop).")
    reason = f"the database was away ({mode} stop)"
    await asyncio.gather(*(stage.excuse_until_ready(reason, start, node, 503) for node in stage.nodes))


async def stop_database(stage: Stage) -> None:
    """The database is stopped in an orderly way, and then as by a crash, each time for some seconds."""
    await outage(stage, "fast", 0.25)
    await outage(stage, "immediate", 0.6)


async def cut(stage: Stage) -> None:
    """A node's way to the database loses every packet for a while, and no connection ends."""
    await stage.until(FAULT_BEGIN)
    proxy = stage.proxies[stage.victim.name]
    begin = time.monotonic()
    await proxy.tell("cut")
    start = time.monotonic()
    await stage.hold(start)
    stage.record(start, "cut off", stage.victim)
    await proxy.tell("pass")
    await stage.excuse_until_ready("the node was cut off from the database", begin, stage.victim, 503)


async def far(stage: Stage) -> None:
    """A node whose every statement takes 100 ms: more is asked of it than its connections can ask the database.

    It refuses what has waited for ten seconds, or is not done with it when its client loses patience; and changes that
    wait for the lock that it holds may be refused elsewhere.
    """
    others = [node.name for node in stage.nodes if node is not stage.victim]
    end = stage.started + stage.size.most_seconds
    stage.trace.excuses += excuses_of_far_node(stage.victim.name, others, stage.started, end)


def excuses_of_far_node(name: str, others: list[str], start: float, end: float) -> list[Excuse]:
    """What is right while a node's every statement takes so long, on that node and on the others."""
    return [
        Excuse("the node could not ask the database for all of it in time", start, end, frozenset({name})),
        Excuse(
            "the node that is far from the database held the lock of all changes for too long",
            start,
            end,
            frozenset(others),
            frozenset({503}),
            frozenset({Deletion.method, Creation.method}),
            MOST_REFUSED_FOR_ANOTHER,
        ),
    ]


PLANS = (
    Plan("steady", "Steady load"),
    Plan("notify", "Notifications dropped", proxied="all", weather=("drop",)),
    Plan("pause", "A node stopped and resumed", fault=pause),
    Plan("kill", "A node killed", fault=kill),
    Plan("database", "The database stopped", fault=stop_database, may_log_errors=True),
    Plan(
        "latency",
        "100 ms to the database",
        fault=far,
        proxied="victim",
        weather=(f"delay {LATENCY_SECONDS}",),
        may_log_errors=True,
    ),
    Plan("cut", "A node cut off", fault=cut, proxied="victim", may_log_errors=True),
)


async def perform(plan: Plan, installation: Installation, size: Size, seed: int) -> Trace:
    """Starts the nodes, lets the load and the fault have their time, starts the nodes anew, and looks again."""
    nodes = installation.make_nodes(plan.name)
    victim = Random(f"{seed}/{plan.name}/victim").choice(nodes)
    trace = Trace(plan.name, tuple(node.name for node in nodes))
    load = Load(trace, installation.owner_key, f"{seed}/{plan.name}", size.seconds, size.rate)
    proxies = await _proxies(plan, installation, nodes, victim)
    try:
        direct = installation.postgres.url()
        urls = {name: installation.postgres.url(proxy.port) for name, proxy in proxies.items()}
        await asyncio.gather(*(node.start(urls.get(node.name, direct)) for node in nodes))
        for node in nodes:
            await load.client(node.name).connect(node.port, KEPT_CONNECTIONS)
        await load.make_keys(size.keys, STAYING_KEYS)
        await load.warm()
        for command in plan.weather:
            for proxy in proxies.values():
                await proxy.tell(command)
        await _load(plan, Stage(installation, nodes, proxies, load, trace, victim, size, time.monotonic()))
        await _read_metrics(trace, load, victim if plan.fault is far else None)
        await _ask_proxies(plan, trace, proxies, victim)
        load.disconnect()
        await _stop(nodes, trace)
        await asyncio.gather(*(node.start(direct) for node in nodes))
        for node in nodes:
            await load.client(node.name).connect(node.port, KEPT_CONNECTIONS)
        await load.look_again()
        await _ask_database(trace, load, installation)
        load.disconnect()
        await _stop(nodes, trace)
    finally:
        for node in nodes:
            await node.kill()
        for proxy in proxies.values():
            await proxy.stop()
    _read_logs(plan, trace, nodes)
    return trace


async def _proxies(plan: Plan, installation: Installation, nodes: list[Node], victim: Node) -> dict[str, Proxy]:
    concerned = {"none": [], "victim": [victim], "all": nodes}[plan.proxied]
    proxies = {node.name: Proxy(installation.postgres) for node in concerned}
    for proxy in proxies.values():
        await proxy.start()
    return proxies


async def _load(plan: Plan, stage: Stage) -> None:
    """The load and the fault side by side; when one fails, so does the run."""
    stage.started = time.monotonic()
    fault = asyncio.create_task(plan.fault(stage)) if plan.fault is not None else None
    try:
        await stage.load.run(stage.size.creations_per_second, stage.size.most_seconds)
        if fault is not None:
            await fault
    finally:
        if fault is not None:
            fault.cancel()
            await asyncio.gather(fault, return_exceptions=True)
            if stage.victim.runs:
                stage.victim.signal(signal.SIGCONT)


async def _stop(nodes: list[Node], trace: Trace) -> None:
    """Ends the nodes in an orderly way; one that does not end so is killed, and the run goes on to tell of the rest."""
    for result in await asyncio.gather(*(node.stop() for node in nodes), return_exceptions=True):
        if isinstance(result, Trouble):
            trace.troubles.append(str(result))
        elif result is not None:
            raise result


async def _read_metrics(trace: Trace, load: Load, slow: Node | None) -> None:
    """How the caches were used, but for a node that is too slow to use them, and what the nodes say of the cluster."""
    for client in load.clients:
        answer = await client.exchange(b"GET /metrics HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        samples = _samples(answer.body.decode())
        cached, loaded = (
            int(samples.get(("witan_key_checks_total", f'outcome="{outcome}"'), 0)) for outcome in ("cached", "loaded")
        )
        if slow is None or client.name != slow.name:
            trace.cached[client.name] = (cached, cached + loaded)
        if waits := samples.get(("witan_cluster_wait_seconds_count", "")):
            mean = samples[("witan_cluster_wait_seconds_sum", "")] / waits
            trace.notes.append(f"{client.name} waited for others {waits:.0f} times, {mean * 1000:.1f} ms each.")


def _samples(text: str) -> dict[tuple[str, str], float]:
    lines = re.findall(r"^([a-z_]+)(?:\{(.*)\})? (\S+)$", text, re.MULTILINE)
    return {(name, labels): float(value) for name, labels, value in lines}


async def _ask_proxies(plan: Plan, trace: Trace, proxies: dict[str, Proxy], victim: Node) -> None:
    """Whether the weather was what it was to be."""
    counts = {name: await proxy.tell("count") for name, proxy in proxies.items()}
    for name, count in counts.items():
        if count["connections"] == 0:
            trace.troubles.append(f"{name} did not go through its proxy")
    if "drop" in plan.weather:
        dropped = sum(count["dropped"] for count in counts.values())
        trace.notes.append(f"{dropped} notifications were dropped.")
        if not dropped:
            trace.troubles.append("no notification came to be dropped")
    if plan.proxied == "victim":
        trace.notes.append(f"It was {victim.name}.")


async def _ask_database(trace: Trace, load: Load, installation: Installation) -> None:
    """When the deletions were committed, and whether the audit log has each."""
    rows = await installation.postgres.query(
        "SELECT object_id, extract(epoch FROM pg_xact_commit_timestamp(xmin)) FROM audit_events "
        "WHERE event_type IN ('api_key.deleted', 'service_token.deleted', 'org_member.deleted', 'acl.deleted') "
        "AND outcome = 'success'"
    )
    since = time.time() - time.monotonic()
    committed = {load.number_of(id): float(moment) - since for id, moment in rows}
    trace.audited = {number for number in committed if number is not None}
    for deletion in trace.deletions:
        if deletion.status == 200:
            deletion.committed = committed.get(deletion.key)


def _read_logs(plan: Plan, trace: Trace, nodes: list[Node]) -> None:
    since = time.time() - time.monotonic()
    for node in nodes:
        for line in node.unstructured()[:SHOWN_ERRORS]:
            trace.troubles.append(f"{node.name} wrote: {line}")
        errors = node.errors()
        if errors:
            trace.notes.append(f"{node.name} logged {len(errors)} errors, such as: {errors[0].message}")
        if not plan.may_log_errors:
            trace.troubles += [
                f"{node.name} logged an error: {error.line}"
                for error in errors
                if not trace.may_log_errors(node.name, error.time - since)
            ]


async def last_look(installation: Installation) -> list[str]:
    """What is wrong after all runs, as far as it concerns no single one."""
    troubles = installation.leaks()
    try:
        await installation.run("audit", "verify")
    except Trouble as trouble:
        troubles.append(f"the audit log does not verify: {trouble}")
    return troubles

"""The short form of the chaos test, and whether it would notice."""

from __future__ import annotations

import asyncio
import os
import secrets
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest

import planted
from chaos import chaos, is_found, report, size
from judge import judge
from proxy import MessageFilter
from record import Trace
from runs import PLANS
from sabotage import SABOTAGES

KEYS = 60
SECONDS = 5
RATE = 200


def test_a_sound_run_is_called_sound() -> None:
    assert judge(planted.sound()).findings == []


@pytest.mark.parametrize(("plant", "kind"), planted.FAULTS, ids=[plant.__name__ for plant, _ in planted.FAULTS])
def test_a_planted_fault_is_found(plant: Callable[[Trace], None], kind: str) -> None:
    trace = planted.sound()
    plant(trace)
    assert kind in {finding.kind for finding in judge(trace).findings}


@pytest.mark.parametrize("piece", [1, 3, 4, 7, 100])
def test_the_proxy_drops_notifications_and_nothing_else(piece: int) -> None:
    def message(kind: bytes, text: bytes) -> bytes:
        return kind + (len(text) + 4).to_bytes(4, "big") + text

    query, notification, ready = message(b"D", b"A row"), message(b"A", b"12345changed"), message(b"Z", b"I")
    stream = query + notification + ready + notification + query
    messages = MessageFilter()
    passed = b"".join(
        messages.pass_on(stream[start : start + piece], drops=True) for start in range(0, len(stream), piece)
    )
    assert passed == query + ready + query
    assert messages.dropped == 2


def test_a_cluster_that_does_not_wait_is_found_out() -> None:
    wait = next(sabotage for sabotage in SABOTAGES if sabotage.name == "wait")
    found, text = is_found(wait, size(keys=20, seconds=2, rate=RATE), seed=1)
    print(text)
    assert found, "the load is too blunt: no node accepted a deleted key, though deletions wait for none"


def test_no_node_accepts_a_deleted_key_and_no_key_is_lost() -> None:
    seed = int(os.environ.get("WITAN_CHAOS_SEED", secrets.randbelow(1 << 32)))
    print(f"seed {seed}; WITAN_CHAOS_SEED={seed} makes the same choices again")
    # Not pytest's own folder, which PostgreSQL's account may not enter.
    with tempfile.TemporaryDirectory(prefix="witan-chaos-") as folder:
        verdicts, troubles = asyncio.run(chaos(list(PLANS), size(KEYS, SECONDS, RATE), seed, Path(folder)))
    print(report(verdicts, troubles))
    assert not troubles
    assert all(verdict.kept for _, verdict in verdicts), "the promise is broken; the table above says where"

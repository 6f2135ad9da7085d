"""The short form of the chaos test, and whether it would notice."""

from __future__ import annotations

import asyncio
import json
import os
import secrets
from collections.abc import Callable
from pathlib import Path

import pytest

import planted
from chaos import chaos, evidence, is_found, is_kept, report, size
from cluster import Trouble, working_folder
from judge import judge
from planted import NODES
from proxy import MessageFilter
from record import Request, Trace
from runs import PLANS
from sabotage import SABOTAGES

KEYS = 60
SECONDS = 5
RATE = 200


@pytest.mark.parametrize("plant", planted.SOUND, ids=[plant.__name__ for plant in planted.SOUND])
def test_a_sound_run_is_called_sound(plant: Callable[[Trace], None]) -> None:
    trace = planted.sound()
    plant(trace)
    assert judge(trace).findings == []


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


def test_a_node_may_log_why_it_could_not_serve_and_nothing_else() -> None:
    trace = planted.sound()
    trace.requests.append(Request("steady", NODES[0], 3, 19.5, 24, 503))
    excused = [10, 15, 20, 23.9]
    assert [moment for moment in [5, *excused, 30] if trace.may_log_errors(NODES[0], moment)] == excused
    assert not trace.may_log_errors(NODES[1], 15)


def test_a_broken_run_shows_what_its_nodes_logged(tmp_path: Path) -> None:
    lines = [
        json.dumps({"time": "2026-01-31T12:00:00.000Z", "level": level, "message": f"some {level}"})
        for level in ("info", "error")
    ]
    (tmp_path / PLANS[0].name).mkdir()
    (tmp_path / PLANS[0].name / "node 1.log").write_text("\n".join(lines))
    trace = planted.sound()
    planted.error_without_excuse(trace)
    shown = evidence([(PLANS[0], judge(trace)), (PLANS[1], judge(planted.sound()))], tmp_path)
    assert lines[1] in shown and lines[0] not in shown
    assert "1 unexplained" in shown and "node 2: steady GET with key 3" in shown
    assert PLANS[1].title not in shown


def test_a_folder_stays_when_there_is_something_to_look_at() -> None:
    with working_folder() as folder:
        pass
    assert not folder.exists()
    with pytest.raises(Trouble) as caught, working_folder() as folder:
        raise Trouble("something")
    assert str(folder) in caught.value.__notes__[0]
    folder.rmdir()


def test_a_cluster_that_does_not_wait_is_found_out() -> None:
    wait = next(sabotage for sabotage in SABOTAGES if sabotage.name == "wait")
    found, text = is_found(wait, size(keys=20, seconds=2, rate=RATE), seed=1)
    print(text)
    assert found, "the load is too blunt: no node accepted a deleted key, though deletions wait for none"


def test_no_node_accepts_a_deleted_key_and_no_key_is_lost() -> None:
    seed = int(os.environ.get("WITAN_CHAOS_SEED", secrets.randbelow(1 << 32)))
    print(f"seed {seed}; WITAN_CHAOS_SEED={seed} makes the same choices again")
    # Not pytest's own folder, which PostgreSQL's account may not enter.
    with working_folder() as folder:
        verdicts, troubles = asyncio.run(chaos(list(PLANS), size(KEYS, SECONDS, RATE), seed, folder))
        print(report(verdicts, troubles))
        print(evidence(verdicts, folder))
        assert is_kept(verdicts, troubles), "the promise is broken; the report above says where"

#!/usr/bin/env python3
"""Shows on real processes that a deleted key is accepted by no node, whatever happens to nodes and database meanwhile.

    python3 Tests/Chaos/chaos.py                    all runs, each with 1,000 keys deleted: about ten minutes
    python3 Tests/Chaos/chaos.py --only pause       one of them
    python3 Tests/Chaos/chaos.py --self-test        only whether planted faults are found in records
    python3 Tests/Chaos/chaos.py --sabotage         only whether a cluster that was broken on purpose is found out

Three nodes of WITAN_BINARY share a PostgreSQL that is started for the purpose. Requests go to all of them, keys are
made and deleted through random ones, and after each deletion's answer every node is asked at once about that key. A
request that was sent after the answer and accepted breaks the promise, and so does a key that was answered with 200
and does not work on every node after all of them were started anew.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import platform
import resource
import secrets
import shutil
import sys
import time
from collections.abc import Callable
from pathlib import Path

import planted
import table
from cluster import BINARY, Installation, Trouble, errors_in, new_folder, working_folder
from judge import Verdict, judge
from runs import PLANS, Plan, Size, last_look, perform
from sabotage import SABOTAGES, Sabotage

# Of what there may be a great deal, so much is shown of each; the rest is in the files.
SHOWN = 40


def size(keys: int, seconds: float, rate: float) -> Size:
    """The sizes of a run with so many keys deleted in so many seconds."""
    return Size(
        keys=keys,
        seconds=seconds,
        fault_seconds=min(5.0, 0.3 * seconds),
        outage_seconds=min(3.0, 0.2 * seconds),
        rate=rate,
        creations_per_second=10,
        most_seconds=seconds + 180,
    )


async def chaos(
    plans: list[Plan],
    size: Size,
    seed: int,
    folder: Path,
    say: Callable[[str], None] = lambda text: None,
    sabotage: tuple[str, ...] = (),
) -> tuple[list[tuple[Plan, Verdict]], list[str]]:
    """Performs the runs on an installation of their own; returns the verdicts and what else is wrong.

    Before the runs, the statements of `sabotage` are done to the database.
    """
    # Each request to a node that is paused or slow has a connection of its own.
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    installation = Installation(folder)
    verdicts = []
    try:
        await installation.make()
        for statement in sabotage:
            await installation.postgres.query(statement)
        for plan in plans:
            begin = time.monotonic()
            trace = await perform(plan, installation, size, seed)
            (folder / f"{plan.name}.json").write_text(trace.as_json())
            verdict = judge(trace)
            verdicts.append((plan, verdict))
            state = "kept" if verdict.kept else "BROKEN"
            say(f"{plan.title}: {state}, {time.monotonic() - begin:.0f} s")
        return verdicts, await last_look(installation)
    finally:
        await installation.end()
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def report(verdicts: list[tuple[Plan, Verdict]], troubles: list[str]) -> str:
    parts = [table.rendered([table.row(plan.title, verdict) for plan, verdict in verdicts])]
    parts += [text for plan, verdict in verdicts if (text := table.details(plan.title, verdict))]
    parts += [f"BROKEN: {trouble}" for trouble in troubles]
    return "\n\n".join(parts)


def is_kept(verdicts: list[tuple[Plan, Verdict]], troubles: list[str]) -> bool:
    return not troubles and all(verdict.kept for _, verdict in verdicts)


def evidence(verdicts: list[tuple[Plan, Verdict]], folder: Path) -> str:
    """What the nodes logged as errors in the runs that broke the promise, and every answer that nothing explains."""
    parts = []
    for plan, verdict in verdicts:
        if verdict.kept:
            continue
        if verdict.unexcused:
            parts.append(f"{plan.title}: {len(verdict.unexcused)} unexplained:")
            parts += [f"  {told}" for told in verdict.unexcused[:SHOWN]]
        for log in sorted((folder / plan.name).glob("*.log")):
            if errors := errors_in(log.read_text(errors="replace")):
                parts.append(f"{plan.title}: {log.stem} logged {len(errors)} errors:")
                parts += [f"  {error.line}" for error in errors[:SHOWN]]
    return "\n".join(parts)


def self_test() -> int:
    complaints = planted.missed()
    print("\n".join(complaints) or f"All {len(planted.FAULTS)} planted faults are found, and none where there is none.")
    return 1 if complaints else 0


def is_found(sabotage: Sabotage, size: Size, seed: int) -> tuple[bool, str]:
    """Whether the run in which a sabotage shows finds it, and the report of that run."""
    plans = [plan for plan in PLANS if plan.name == sabotage.run]
    with working_folder() as folder:
        verdicts, troubles = asyncio.run(chaos(plans, size, seed, folder, sabotage=sabotage.statements))
    kinds = {finding.kind for _, verdict in verdicts for finding in verdict.findings}
    return bool(kinds & sabotage.finds), report(verdicts, troubles)


def sabotaged(size: Size, seed: int) -> int:
    missed = 0
    for sabotage in SABOTAGES:
        found, text = is_found(sabotage, size, seed)
        print(f"{sabotage.name}: {'found' if found else 'NOT FOUND'}\n\n{text}\n", flush=True)
        missed += not found
    return 1 if missed else 0


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--keys", type=int, default=1000, help="keys deleted in each run (1000)")
    parser.add_argument("--seconds", type=float, default=30, help="how long the load of each run lasts (30)")
    parser.add_argument("--rate", type=float, default=400, help="requests a second of the steady load (400)")
    parser.add_argument("--only", action="append", choices=[plan.name for plan in PLANS], help="the runs to perform")
    parser.add_argument("--seed", type=int, help="the seed of every choice; printed when not given")
    parser.add_argument("--json", type=Path, metavar="FILE", help="where to write the figures")
    parser.add_argument("--keep", action="store_true", help="keep the logs and the records, also when all is well")
    parser.add_argument("--self-test", action="store_true", help="only see whether planted faults are found")
    parser.add_argument("--sabotage", action="store_true", help="only see whether a broken cluster is found out")
    return parser.parse_args()


def main() -> int:
    options = arguments()
    if options.self_test:
        return self_test()
    plans = [plan for plan in PLANS if not options.only or plan.name in options.only]
    seed = options.seed if options.seed is not None else secrets.randbelow(1 << 32)
    chosen = size(options.keys, options.seconds, options.rate)

    def say(text: str) -> None:
        print(f"[{time.strftime('%H:%M:%S')}] {text}", file=sys.stderr, flush=True)

    say(f"{BINARY}; seed {seed}")
    if options.sabotage:
        return sabotaged(chosen, seed)
    folder = new_folder()
    try:
        verdicts, troubles = asyncio.run(chaos(plans, chosen, seed, folder, say))
    except Trouble as trouble:
        print(f"{trouble}\nThe logs are in {folder}.", file=sys.stderr)
        return 2
    print(report(verdicts, troubles))
    is_sound = is_kept(verdicts, troubles)
    if not is_sound:
        print(evidence(verdicts, folder))
    if options.json:
        figures = {
            "seed": seed,
            "machine": platform.platform(),
            "keys": options.keys,
            "seconds": options.seconds,
            "kept": is_sound,
            "troubles": troubles,
            "runs": [table.as_json(plan.title, verdict) for plan, verdict in verdicts],
        }
        options.json.write_text(json.dumps(figures, indent=2, ensure_ascii=False) + "\n")
    if is_sound and not options.keep:
        shutil.rmtree(folder)
    else:
        say(f"Logs and records are in {folder}; --seed {seed} makes the same choices again.")
    return 0 if is_sound else 1


if __name__ == "__main__":
    sys.exit(main())

"""The table of the runs, for people and as JSON."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict

from judge import Verdict
from record import NO_ANSWER

COLUMNS = (
    "Run", "Sent", "Served", "Stale accepts", "Keys deleted", "DELETE p50", "p99", "longest", "from commit", "5xx",
    "unexplained", "Ready again", "Keys created", "lost", "Longest gap", "",
)  # fmt: skip


def percentile(ordered: list[float], share: float) -> float:
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else float("nan")


def milliseconds(seconds: float) -> str:
    return "–" if seconds != seconds else f"{seconds * 1000:,.0f} ms"


def row(title: str, verdict: Verdict) -> list[str]:
    times = verdict.deletion_times
    return [
        title,
        f"{verdict.sent:,}",
        f"{verdict.served:,}",
        f"{verdict.stale:,}",
        f"{verdict.deletions['key']:,}",
        milliseconds(percentile(times, 0.5)),
        milliseconds(percentile(times, 0.99)),
        milliseconds(percentile(times, 1)),
        milliseconds(percentile(verdict.commit_times, 1)),
        f"{sum(verdict.excused.values()) + len(verdict.unexcused):,}",
        f"{len(verdict.unexcused):,}",
        milliseconds(float("nan") if verdict.recovery is None else verdict.recovery),
        f"{verdict.created:,}",
        f"{verdict.lost:,}",
        milliseconds(verdict.gap),
        "kept" if verdict.kept else "BROKEN",
    ]


def rendered(rows: list[list[str]]) -> str:
    widths = [max(len(line[column]) for line in [COLUMNS, *rows]) for column in range(len(COLUMNS))]
    lines = [
        " | ".join(
            cell.ljust(width) if column in (0, len(COLUMNS) - 1) else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(line, widths))
        ).rstrip()
        for line in [COLUMNS, *rows]
    ]
    return "\n".join([lines[0], "-" * max(map(len, lines)), *lines[1:]])


def details(title: str, verdict: Verdict) -> str:
    """What the table has no room for: each kind of error and why it was right, what was measured, what was found."""
    lines = []
    reasons: Counter = Counter()
    for (status, method, node, reason), count in verdict.excused.items():
        shown = "no answer" if status == NO_ANSWER else str(status)
        reasons[(reason, shown, node, method)] += count
    for (reason, shown, node, method), count in sorted(reasons.items()):
        lines.append(f"  {count} × {shown} to {method} on {node}: {reason}")
    others = ", ".join(f"{count} {what}s" for what, count in sorted(verdict.deletions.items()) if what != "key")
    if others:
        lines.append(f"  also deleted: {others}")
    if verdict.unknown:
        lines.append(f"  {verdict.unknown} deletions got no certain answer and were tried again")
    lines += [f"  {note}" for note in verdict.notes]
    lines += [f"  BROKEN: {finding.kind}: {finding.text}" for finding in verdict.findings]
    return "\n".join([f"{title}:", *lines]) if lines else ""


def as_json(title: str, verdict: Verdict) -> dict:
    """The figures of a run, times in seconds."""
    times = verdict.deletion_times
    shares = {"p50": 0.5, "p99": 0.99, "longest": 1}
    return {
        "run": verdict.run,
        "title": title,
        "kept": verdict.kept,
        "sent": verdict.sent,
        "served": verdict.served,
        "probes": verdict.probes,
        "stale_accepts": verdict.stale,
        "keys_deleted": verdict.deletions["key"],
        "others_deleted": {what: count for what, count in sorted(verdict.deletions.items()) if what != "key"},
        "deletion_seconds": {name: percentile(times, share) for name, share in shares.items() if times},
        "commit_to_answer_seconds": {
            name: percentile(verdict.commit_times, share) for name, share in shares.items() if verdict.commit_times
        },
        "deletions_without_answer": verdict.unknown,
        "errors_explained": [
            {"status": status, "method": method, "node": node, "reason": reason, "count": count}
            for (status, method, node, reason), count in sorted(verdict.excused.items())
        ],
        "errors_unexplained": len(verdict.unexcused),
        "ready_again_seconds": verdict.recovery,
        "keys_created": verdict.created,
        "keys_lost": verdict.lost,
        "longest_gap_seconds": verdict.gap,
        "notes": verdict.notes,
        "findings": [asdict(finding) for finding in verdict.findings],
    }

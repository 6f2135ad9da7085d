"""Ways to break the promise on real processes, from the side of the database, and what the test must find then.

`planted.py` shows that the judge sees what a record holds; these show that the load is sharp enough to bring it about.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Sabotage:
    """A way to break it."""

    name: str
    run: str
    """The run in which it shows."""
    statements: tuple[str, ...]
    finds: frozenset[str]
    """The kinds of findings of which one at least must come."""


def _trigger(table: str, events: str, body: str) -> tuple[str, ...]:
    return (
        f"CREATE FUNCTION sabotage() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {body} END $$",
        f"CREATE TRIGGER sabotage BEFORE {events} ON {table} FOR EACH ROW EXECUTE FUNCTION sabotage()",
    )


SABOTAGES = (
    # Every node seems to have applied every change: a deletion is answered before the others know of it.
    Sabotage(
        "wait",
        "notify",
        _trigger("cluster_nodes", "INSERT OR UPDATE", "NEW.applied := 1000000000; RETURN NEW;"),
        frozenset({"stale accept"}),
    ),
    # The events name something else than what was deleted.
    Sabotage(
        "events",
        "steady",
        _trigger("cluster_events", "INSERT", "NEW.subject := gen_random_uuid(); RETURN NEW;"),
        frozenset({"stale accept"}),
    ),
    # Some of the keys that are answered are not in the database.
    Sabotage(
        "keys",
        "steady",
        _trigger("api_keys", "INSERT", "IF random() < 0.05 THEN RETURN NULL; END IF; RETURN NEW;"),
        frozenset({"key lost"}),
    ),
    # Half of the deletions are refused as if another node held the lock, on every node.
    Sabotage(
        "refusals",
        "latency",
        _trigger(
            "api_keys",
            "DELETE",
            "IF random() < 0.5 THEN RAISE EXCEPTION USING ERRCODE = 'lock_not_available'; END IF; RETURN OLD;",
        ),
        frozenset({"error without excuse"}),
    ),
)

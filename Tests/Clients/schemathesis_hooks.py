"""What an OpenAPI document cannot say about the requests that are valid (loaded by test_schemathesis.py)."""

import schemathesis
from schemathesis import Case, GenerationMode, HookContext


@schemathesis.hook
def before_call(context: HookContext, case: Case, kwargs: dict) -> None:
    """Of the two cursors of a list only one may be given, and a grant is of one thing to one principal."""
    if case.meta is None or case.meta.generation.mode != GenerationMode.POSITIVE:
        return
    if {"starting_after", "ending_before"} <= set(case.query or {}):
        case.query.pop("ending_before")
    if case.path.startswith("/v1/acl") and isinstance(case.body, dict):
        if "object_id" in case.body:
            grants = [case.body]
        else:
            grants = [grant for name in ("add_acls", "remove_acls") for grant in case.body.get(name) or []]
        for grant in grants:
            complete(grant)


def complete(grant: dict) -> None:
    """Leaves one of each pair, which is chosen for a grant that has none."""
    for first, second, chosen in (
        ("user_id", "group_id", "01890000-0000-7000-8000-000000000000"),
        ("permission", "role_id", "read"),
    ):
        if grant.get(first) is not None:
            grant.pop(second, None)
        elif grant.get(second) is None:
            grant[first] = chosen
    if grant.get("role_id") is not None:
        grant.pop("restrict_object_type", None)

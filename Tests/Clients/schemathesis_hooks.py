"""What an OpenAPI document cannot say about the requests that are valid (loaded by test_schemathesis.py)."""

import schemathesis
from schemathesis import Case, GenerationMode, HookContext


@schemathesis.hook
def before_call(context: HookContext, case: Case, kwargs: dict) -> None:
    """Of the two cursors of a list only one may be given."""
    is_valid = case.meta is not None and case.meta.generation.mode == GenerationMode.POSITIVE
    if is_valid and {"starting_after", "ending_before"} <= set(case.query or {}):
        case.query.pop("ending_before")

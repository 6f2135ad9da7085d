"""Writes docs/compatibility.md: what of the published API document is served, which test shows it, and what differs.

Made of the document that the server prints, the facts of the published one (published.txt), the differences that are
meant (differences.toml) and the calls in the tests. With the published document itself at hand, its facts are taken anew:

    python3 Tests/Clients/compatibility.py --published openapi-2026-07-01.json
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import tomllib
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
PAGE = REPOSITORY / "docs/compatibility.md"
PUBLISHED = Path(__file__).with_name("published.txt")
DIFFERENCES = Path(__file__).with_name("differences.toml")
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
PARTS = ("parameters", "body", "answer")


@dataclass
class Facts:
    """What a document says of one operation: its tag, and the names of what it takes and gives."""

    tag: str
    parameters: set[str] = field(default_factory=set)
    body: set[str] = field(default_factory=set)
    answer: set[str] = field(default_factory=set)


Operations = dict[str, Facts]
"""By method and path: `GET /v1/acl`."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--published", type=Path, help="the published document, named by its date")
    options = parser.parse_args()
    binary = os.environ.get("WITAN_BINARY", REPOSITORY / ".build/debug/witan")
    own = json.loads(subprocess.run([binary, "openapi"], capture_output=True, text=True, check=True).stdout)
    if options.published:
        PUBLISHED.write_text(published_facts(options.published, own))
    PAGE.write_text(page(own))


# Documents


def facts(document: dict) -> Operations:
    """Every operation of an OpenAPI document."""

    def resolved(value: dict) -> dict:
        while "$ref" in value:
            names = value["$ref"].removeprefix("#/").split("/")
            value = document
            for name in names:
                value = value[name]
        return value

    def members(schema: dict, prefix: str = "") -> Iterator[str]:
        schema = resolved(schema)
        for kind in ("allOf", "anyOf", "oneOf"):
            for choice in schema.get(kind, []):
                yield from members(choice, prefix)
        if "items" in schema:
            yield from members(schema["items"], prefix)
        if prefix and is_open(schema):
            yield f"{prefix}*"
        for name, property in schema.get("properties", {}).items():
            yield prefix + name
            yield from members(property, f"{prefix}{name}.")

    def content(part: dict) -> set[str]:
        return set(members(resolved(part).get("content", {}).get("application/json", {}).get("schema", {})))

    found: Operations = {}
    for path, item in document["paths"].items():
        for method, operation in item.items():
            if method.upper() not in METHODS:
                continue
            parameters = [resolved(each) for each in item.get("parameters", []) + operation.get("parameters", [])]
            found[f"{method.upper()} {path}"] = Facts(
                operation["tags"][0],
                {each["name"] for each in parameters if each["in"] != "path"},
                content(operation.get("requestBody", {})),
                content(operation.get("responses", {}).get("200", {})),
            )
    return found


def is_open(schema: dict) -> bool:
    """Whether it lets an object have any members."""
    types = schema.get("type", [])
    return "object" in ([types] if isinstance(types, str) else types) and "properties" not in schema


def has(own: set[str], name: str) -> bool:
    """Whether a document has a member, by its name or because the object that it is in is open."""
    parts = name.split(".")
    return name in own or any(".".join([*parts[:count], "*"]) in own for count in range(1, len(parts)))


def published_facts(path: Path, own: dict) -> str:
    """The text of published.txt: the operations, and the names of those that are served."""
    date = re.search(r"\d{4}-\d{2}-\d{2}", path.name)
    assert date, f"{path.name} must be named by its date"
    served = facts(own)
    lines = [
        f"# Facts of the API document that Braintrust published on {date[0]}, by compatibility.py: the operations, and of",
        "# those that Witan serves the parameters and the members of body and answer.",
    ]
    for operation, theirs in sorted(facts(json.loads(path.read_text())).items(), key=place):
        lines.append(f"{operation} {theirs.tag}")
        if operation in served:
            lines += [f"  {part} {' '.join(sorted(names))}" for part in PARTS if (names := getattr(theirs, part))]
    return "\n".join(lines) + "\n"


def place(item: tuple[str, Facts]) -> tuple[str, int]:
    """Where an operation stands in a list."""
    method, path = item[0].split(" ")
    return path, METHODS.index(method)


def published() -> tuple[str, Operations]:
    """The date and the facts of published.txt."""
    text = PUBLISHED.read_text()
    operations: Operations = {}
    for line in text.splitlines():
        words = line.split()
        if words[0] in METHODS:
            operation = f"{words[0]} {words[1]}"
            operations[operation] = Facts(words[2])
        elif words[0] in PARTS:
            getattr(operations[operation], words[0]).update(words[1:])
    return re.search(r"\d{4}-\d{2}-\d{2}", text)[0], operations


# Tests


CALLS = [
    # Swift: server.send(.get, "/v1/…"
    re.compile(r"\.(get|post|put|patch|delete|options)\s*,\s*\"(/[^\s\"?]*)"),
    # Both: send("GET", "/v1/…"
    re.compile(r"\"(GET|POST|PUT|PATCH|DELETE|OPTIONS)\"\s*,\s*f?\"(/[^\s\"?]*)"),
    # Python: client.get("/v1/…"
    re.compile(r"\.(get|post|put|patch|delete|options)\(\s*f?\"(/[^\s\"?]*)"),
]
INTERPOLATION = re.compile(r"\\\((?:[^()]|\([^()]*\))*\)")
ROW = re.compile(r"^\| `([A-Z]+) (/[^`]*)`", re.MULTILINE)
TABLE = REPOSITORY / "Tests/WitanHTTPTests/Access/AccessMatrixTests.swift"
PREFLIGHT = REPOSITORY / "Tests/WitanHTTPTests/Resources/AccessContractTests.swift"


def shape(operation: str) -> str:
    """The operation with its parameters left blank, as a call has it: `GET /v1/acl/{}`."""
    return re.sub(r"\{[^}]*\}", "{}", operation)


def calls() -> dict[str, Counter[Path]]:
    """For each shape of a call the test files that make it, with how often."""
    found: dict[str, Counter[Path]] = defaultdict(Counter)
    for path in sorted((REPOSITORY / "Tests").rglob("*.*")):
        if path.suffix not in (".swift", ".py") or path == Path(__file__):
            continue
        text = INTERPOLATION.sub("{}", path.read_text())
        if "@Test" in text or "\ndef test_" in text:
            for pattern in CALLS:
                for method, target in pattern.findall(text):
                    found[shape(f"{method.upper()} {target}")][path] += 1
    # The rows of the table are calls of the test that reads it, and the least that shows a route.
    for method, target in ROW.findall(TABLE.with_name("matrix.md").read_text()):
        found[shape(f"{method} {target}")][TABLE] += 0
    return found


def shown_by(operation: str, found: dict[str, Counter[Path]], named: dict[str, str]) -> str:
    """A link to the test file that is named for an operation, or else to the one that calls it most."""
    if operation.startswith("OPTIONS "):
        return link(PREFLIGHT)
    if operation in named:
        return link(REPOSITORY / "Tests" / named[operation])
    counts = found.get(shape(operation))
    assert counts, f"no test calls {operation}: write one, or name one in differences.toml"
    return link(min(counts, key=lambda path: (-counts[path], path)))


def link(path: Path) -> str:
    assert path.exists(), f"{path} is not there"
    return f"[{path.stem}](../{path.relative_to(REPOSITORY)})"


# The page


def page(own_document: dict) -> str:
    """The text of docs/compatibility.md."""
    date, theirs = published()
    own = facts(own_document)
    found = calls()
    served = [operation for operation in theirs if operation in own]
    beyond = [operation for operation in own if operation not in theirs and not operation.startswith("OPTIONS ")]
    meant = tomllib.loads(DIFFERENCES.read_text())

    def rows(operations: list[str]) -> list[str]:
        return [f"| `{each}` | {shown_by(each, found, meant['shown'])} |" for each in operations]

    paths = {operation.split(" ")[1] for operation in theirs}
    whole = [path for path in paths if all(each in own for each in theirs if each.split(" ")[1] == path)]
    return "\n".join(
        [
            "# Compatibility",
            "",
            "Made by `make compatibility` out of the API document that `witan openapi` prints, the facts of the published "
            "one ([published.txt](../Tests/Clients/published.txt)), the differences that are meant "
            "([differences.toml](../Tests/Clients/differences.toml)) and the calls in the tests. A test fails when it is "
            "out of date.",
            "",
            f"The newest published document is of {date}. It has {len(paths)} paths with {len(theirs)} operations; Witan "
            f"serves {len(whole)} of the paths whole, and {len(served)} of the operations.",
            "",
            *summary(theirs, own),
            "",
            "## Served",
            "",
            "The test is one that makes the call. Besides it, the contract tests run over every operation of every "
            f"resource, Schemathesis over every path, and {link(TABLE)} over every route for eight callers.",
            "",
            "| Operation | Shown by |",
            "| --- | --- |",
            *rows(served),
            "",
            "## Not yet",
            "",
            "| Path | Operations |",
            "| --- | --- |",
            *missing(theirs, own),
            "",
            "## Parameters and members",
            "",
            "Of the operations that are served, what the published document has and Witan's has not:",
            "",
            *(names(theirs, own, served) or ["Nothing."]),
            "",
            "What Witan's has besides:",
            "",
            *(names(own, theirs, served) or ["Nothing."]),
            "",
            "## Beyond the document",
            "",
            "| Operation | Shown by |",
            "| --- | --- |",
            *rows(beyond),
            "",
            "## Differences that are meant",
            "",
            "| Where | What Witan does | Instead of | Why | Shown by |",
            "| --- | --- | --- | --- | --- |",
            *(row(each, own, theirs) for each in meant["difference"]),
            "",
        ]
    )


def summary(theirs: Operations, own: Operations) -> list[str]:
    tags = sorted({facts.tag for facts in theirs.values()})
    counts = {tag: Counter(operation in own for operation in theirs if theirs[operation].tag == tag) for tag in tags}
    return [
        "| Tag | Operations served | Not yet |",
        "| --- | --- | --- |",
        *(f"| {tag} | {counts[tag][True]} | {counts[tag][False]} |" for tag in tags),
    ]


def missing(theirs: Operations, own: Operations) -> list[str]:
    """A row for each path with the operations that are not served."""
    paths: dict[str, list[str]] = defaultdict(list)
    for operation in theirs:
        if operation not in own:
            method, path = operation.split(" ")
            paths[path].append(method)
    return [f"| `{path}` | {', '.join(methods)} |" for path, methods in paths.items()]


def names(some: Operations, others: Operations, operations: list[str]) -> list[str]:
    """An item for each name that some operations have and the same ones of the others have not."""
    found: dict[str, list[str]] = defaultdict(list)
    for operation in operations:
        for part in PARTS:
            for name in sorted(getattr(some[operation], part)):
                if not name.endswith("*") and not has(getattr(others[operation], part), name):
                    noun = {"parameters": "the parameter", "body": "in the body", "answer": "in the answer"}[part]
                    found[f"{noun} `{name}`"].append(f"`{operation}`")
    return [f"- {name} of {', '.join(where)}" for name, where in found.items()]


def row(difference: dict, own: Operations, theirs: Operations) -> str:
    for operation in difference["where"]:
        assert operation in own or operation in theirs, f"differences.toml names {operation}, which nobody has"
    where = ", ".join(f"`{operation}`" for operation in difference["where"]) or "everywhere"
    test = ", ".join(link(REPOSITORY / "Tests" / path) for path in difference["tests"]) or "nothing"
    return f"| {where} | {difference['witan']} | {difference['published']} | {difference['why']} | {test} |"


if __name__ == "__main__":
    main()

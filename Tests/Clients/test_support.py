"""The tests' own machinery: PostgreSQL, failures that are told once more, and nothing of whoever runs them."""

from __future__ import annotations

import json
import os
import re
import select
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import conftest
from conftest import REPOSITORY, SECONDS_TO_START, SECONDS_TO_STOP

SWIFT_TEST = REPOSITORY / "Tests/Support/swift-test"
WITH_POSTGRES = REPOSITORY / "Tests/Support/with-postgres"


def ran(*command: str | Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """What came of a command."""
    return subprocess.run(
        command, capture_output=True, text=True, timeout=SECONDS_TO_START, env=conftest.environment() | variables
    )


def path_with(folder: Path, program: str, script: str) -> str:
    """A PATH on which a script comes before the program of that name."""
    folder.mkdir()
    (folder / program).write_text(f"#!/bin/sh\n{script}\n")
    (folder / program).chmod(0o755)
    return f"{folder}:{os.environ['PATH']}"


# PostgreSQL for the tests


def test_with_postgres_makes_a_server_and_leaves_nothing_of_it():
    script = 'psql "$WITAN_TEST_DATABASE_URL" -Atc "show unix_socket_directories"; exit 7'
    result = ran(WITH_POSTGRES, "sh", "-c", script)
    folder = Path(result.stdout.strip())
    assert result.returncode == 7, result.stderr
    assert folder.is_absolute() and not folder.exists()


def test_with_postgres_hands_a_signal_on_and_cleans_up():
    script = 'trap "exit 9" TERM; echo "$WITAN_TEST_DATABASE_URL"; sleep 60 & wait; exit 1'
    process = subprocess.Popen(
        [WITH_POSTGRES, "sh", "-c", script], stdout=subprocess.PIPE, text=True, env=conftest.environment()
    )
    folder = Path(re.search(r"host=([^&]+)", process.stdout.readline())[1])
    assert folder.exists()
    process.terminate()
    assert process.wait(SECONDS_TO_STOP) == 9
    assert not folder.exists()


def test_with_postgres_heeds_no_settings_of_another_server():
    script = 'psql "$WITAN_TEST_DATABASE_URL" -Atc "show port"; env'
    foreign = {"PGPORT": "7777", "PGDATABASE": "nobodys", "PGOPTIONS": "-c nothing=1"}
    result = ran(WITH_POSTGRES, "sh", "-c", script, **foreign)
    lines = result.stdout.splitlines()
    assert (result.returncode, lines[0]) == (0, "5432"), result.stderr
    assert not [line for line in lines if line.startswith("PG")]


@pytest.mark.parametrize("code", [0, 7])
def test_with_postgres_ends_with_the_commands_code_though_its_folder_stays(tmp_path: Path, code: int):
    path = path_with(tmp_path / "bin", "rm", "exit 1")
    result = ran(WITH_POSTGRES, "sh", "-c", f'echo "$WITAN_TEST_DATABASE_URL"; exit {code}', PATH=path)
    folder = Path(re.search(r"host=([^&]+)", result.stdout)[1])
    try:
        assert result.returncode == code, result.stderr
        assert f"{folder} could not be removed" in result.stderr
    finally:
        shutil.rmtree(folder)


def test_with_postgres_uses_the_server_that_is_there():
    result = ran(
        WITH_POSTGRES, "sh", "-c", 'echo "$WITAN_TEST_DATABASE_URL"', WITAN_TEST_DATABASE_URL="postgres://somewhere"
    )
    assert (result.returncode, result.stdout) == (0, "postgres://somewhere\n")


# The Swift tests


def test_swift_test_tells_at_its_end_what_failed(tmp_path: Path):
    script = """
        echo "$@"
        echo "✘ Test first() recorded an issue at Tests.swift:1:2: Expectation failed: 1 == 2"
        echo "↳ why"
        for number in $(seq 1000); do echo "✔ Test number$number() passed"; done
        exit 3
    """
    result = ran(SWIFT_TEST, "--filter", "Some", PATH=path_with(tmp_path / "bin", "swift", script))
    assert result.returncode == 3
    lines = result.stdout.splitlines()
    assert lines[0] == "test --filter Some"
    assert len(lines) > 1000
    assert lines[-3:] == [
        "swift test --filter Some ended with 3. What failed:",
        "✘ Test first() recorded an issue at Tests.swift:1:2: Expectation failed: 1 == 2",
        "↳ why",
    ]


def test_swift_test_shows_the_last_lines_when_nothing_is_named(tmp_path: Path):
    path = path_with(tmp_path / "bin", "swift", "echo 'No space left on device'; exit 1")
    result = ran(SWIFT_TEST, PATH=path)
    assert result.returncode == 1
    assert result.stdout.endswith("Nothing is named; these are the last lines:\nNo space left on device\n")


def test_swift_test_adds_nothing_when_all_is_well_and_waits_for_no_process_that_stays(tmp_path: Path):
    script = f"sleep 600 & echo $! >{tmp_path}/stays; echo '✔ passed'"
    result = ran(SWIFT_TEST, PATH=path_with(tmp_path / "bin", "swift", script), TMPDIR=str(tmp_path))
    os.kill(int((tmp_path / "stays").read_text()), signal.SIGKILL)
    assert (result.returncode, result.stdout, result.stderr) == (0, "✔ passed\n", "")
    assert sorted(each.name for each in tmp_path.iterdir()) == ["bin", "stays"]


# The servers


def test_variables_of_whoever_runs_the_tests_reach_nobody(monkeypatch: pytest.MonkeyPatch):
    foreign = ["WITAN_PORT", "BRAINTRUST_API_KEY", "PGHOST", "HTTPS_PROXY", "http_proxy", "no_proxy"]
    assert not [name for name in os.environ if conftest.is_foreign(name) and not name.startswith("WITAN_")]
    for name in foreign:
        monkeypatch.setenv(name, "somebody's")
    assert not conftest.environment().keys() & set(foreign)
    assert "PATH" in conftest.environment()


# Starts what it is told to, says which process that is once it runs, and waits.
STARTER = """
import subprocess, sys
process = subprocess.Popen(sys.argv[1:], stdout=subprocess.PIPE)
process.stdout.readline()
print(process.pid, flush=True)
sys.stdin.read()
"""


def test_servers_end_with_the_tests_that_started_them():
    """Even when those are killed, and can clean up nothing."""
    server = conftest.ending_with_tests("sh", "-c", "echo; exec sleep 600")
    tests = subprocess.Popen(
        [sys.executable, "-c", STARTER, *server], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    process = os.pidfd_open(int(tests.stdout.readline()))
    tests.kill()
    tests.communicate()
    ended, _, _ = select.select([process], [], [], SECONDS_TO_STOP)
    os.close(process)
    assert ended, "it goes on without them"


def test_errors_of_a_server_come_with_the_request_that_met_them():
    def line(level: str, trace: str, message: str) -> str:
        return json.dumps({"level": level, "trace_id": trace, "message": message}) + "\n"

    first, second = line("info", "1", "GET /v1/project"), line("info", "2", "GET /v1/role")
    started = json.dumps({"level": "info", "message": "started"}) + "\n"
    error = line("error", "2", "A statement failed")
    assert conftest.errors_in([started, first, error, second]) == [error, second]
    assert conftest.errors_in([started, first, second]) == []

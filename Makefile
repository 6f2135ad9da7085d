# `make help` lists what there is. `make run` and `make test` work on a fresh machine.

.DEFAULT_GOAL := help
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c

DATA ?= ./witan-data
ARGUMENTS ?=
PREFIX ?= /usr/local
SECONDS_EACH ?= 60
SEED ?=
TARGETS ?= $(notdir $(wildcard Tests/Corpus/*))
PYTHON ?= python3
VENV := .venv
FORMATTED := Package.swift Sources Tests Benchmarks/Package.swift Benchmarks/Sources

# What the build and the tests need from Debian; any PostgreSQL server and any docker-compose that is there will do.
BUILD_PACKAGES = libpq-dev libsqlite3-dev pkgconf
TEST_PACKAGES = $(BUILD_PACKAGES) binutils chromium chromium-driver curl faketime nginx openssl pgbouncer python3 \
	python3-venv sqlite3 systemd \
	$(if $(wildcard /usr/lib/postgresql/*/bin/initdb),,postgresql) \
	$(if $(shell docker compose version 2>/dev/null),,docker-compose)
WITH_POSTGRES := Tests/Support/with-postgres
# Whole servers are tested on SQLite, and then on PostgreSQL; the engines' contracts run on both at once. What stops
# servers, or measures that something waits, runs apart from what only computes, and one after the other.
ON_POSTGRES := WITAN_TEST_ENGINE=PostgreSQL $(WITH_POSTGRES)
SWIFT_TEST := Tests/Support/swift-test --skip-build

define UNIT_TESTS
$(WITH_POSTGRES) $(SWIFT_TEST) --skip ProcessTests --skip WitanPostgresTests
$(WITH_POSTGRES) $(SWIFT_TEST) --no-parallel --filter WitanPostgresTests
endef

# Of the hundreds of Swift tests so many begin at once: of all of them each would wait for the others, and some wait by
# a real clock.
export SWT_EXPERIMENTAL_MAXIMUM_PARALLELIZATION_WIDTH ?= 12

.PHONY: help
help: ## List the targets.
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

.PHONY: run
run: packages-build ## Build a release and run the server on ./witan-data (DATA=…, ARGUMENTS="--port 9000").
	swift build -c release --product witan
	exec "$$(swift build -c release --show-bin-path)/witan" serve --data $(DATA) $(ARGUMENTS)

.PHONY: install
install: packages-build ## Build a release and put it into PREFIX/bin (/usr/local).
	swift build -c release --product witan
	install -D -m 755 "$$(swift build -c release --show-bin-path)/witan" $(PREFIX)/bin/witan

.PHONY: build
build: packages-build ## Build everything for debugging, tests included.
	swift build --build-tests

.PHONY: test
test: packages-test build $(VENV)/.ready ## Run all tests.
	$(UNIT_TESTS)
	$(WITH_POSTGRES) $(SWIFT_TEST) --filter ProcessTests
	$(ON_POSTGRES) $(SWIFT_TEST) --filter WitanHTTPTests
	WITAN_BINARY="$$(swift build --show-bin-path)/witan" $(WITH_POSTGRES) $(VENV)/bin/pytest -q Tests/Clients Tests/Chaos
	WITAN_BINARY="$$(swift build --show-bin-path)/witan" $(ON_POSTGRES) $(VENV)/bin/pytest -q Tests/Clients \
		--ignore Tests/Clients/test_deployment.py --ignore Tests/Clients/test_support.py
	WITAN_BINARY="$$(swift build --show-bin-path)/witan" $(VENV)/bin/pytest -q Tests/Browser

.PHONY: test-unit
test-unit: packages-test build ## Run the Swift tests without the processes and the clients.
	$(UNIT_TESTS)

.PHONY: test-clients
test-clients: packages-test $(VENV)/.ready ## Run the tests with the official clients against a debug build.
	swift build --product witan
	WITAN_BINARY="$$(swift build --show-bin-path)/witan" $(WITH_POSTGRES) $(VENV)/bin/pytest -q Tests/Clients Tests/Chaos

.PHONY: test-browser
test-browser: packages-test $(VENV)/.ready ## Run the tests of the settings pages in a browser against a debug build.
	swift build --product witan
	WITAN_BINARY="$$(swift build --show-bin-path)/witan" $(VENV)/bin/pytest -q Tests/Browser

.PHONY: screenshots
screenshots: packages-test $(VENV)/.ready ## Write pictures of every settings page into ./screenshots.
	swift build --product witan
	WITAN_BINARY="$$(swift build --show-bin-path)/witan" $(VENV)/bin/python Tests/Browser/screenshots.py

# It makes a PostgreSQL of its own, because it stops and starts it.
.PHONY: chaos
chaos: packages-test $(VENV)/.ready ## Revoke keys while nodes, network and PostgreSQL fail, and print what came of it.
	swift build -c release --product witan
	WITAN_BINARY="$$(swift build -c release --show-bin-path)/witan" $(VENV)/bin/python Tests/Chaos/chaos.py $(ARGUMENTS)

.PHONY: simulate
simulate: packages-build ## Simulate clusters from random seeds, or the one of SEED=….
	swift run -c release witan-simulate $(SEED)

.PHONY: check
check: build ## Check the format, the style and the repository's own rules.
	swift format lint --strict --recursive --parallel --configuration .swift-format $(wildcard $(FORMATTED))
	$(SWIFT_TEST) --filter TidyTests

.PHONY: format
format: ## Format the sources.
	swift format --in-place --recursive --parallel --configuration .swift-format $(wildcard $(FORMATTED))

.PHONY: bench
bench: packages-test ## Measure both engines, and write docs/performance.md.
	WITAN_TEST_POSTGRES_FSYNC=on $(WITH_POSTGRES) $(PYTHON) Benchmarks/bench.py

# libFuzzer comes with the toolchain; what it finds stays in .build-fuzz. The search for leaks is off, because it does
# not see pointers in which Swift keeps an enumeration's case, and takes what they point to for lost.
.PHONY: fuzz
fuzz: export WITAN_FUZZ = $(shell swift -print-target-info | sed -n 's/.*"runtimeResourcePath": "\(.*\)".*/\1/p')/clang/lib/linux/libclang_rt.fuzzer_no_main-$(shell uname -m).a
fuzz: export ASAN_OPTIONS = detect_leaks=0
fuzz: export SWIFT_BACKTRACE = enable=no
fuzz: packages-build ## Fuzz each parser for SECONDS_EACH (60) seconds, or those of TARGETS="json jwt".
	swift build -c release --scratch-path .build-fuzz --product witan-fuzz
	for target in $(TARGETS); do \
		mkdir -p .build-fuzz/corpus/$$target; \
		.build-fuzz/release/witan-fuzz $$target -max_total_time=$(SECONDS_EACH) -timeout=5 \
			-artifact_prefix=.build-fuzz/finding-$$target- .build-fuzz/corpus/$$target Tests/Corpus/$$target; \
	done

.PHONY: openapi
openapi: ## Print the API document.
	swift run -q witan openapi

.PHONY: compatibility
compatibility: packages-build ## Write docs/compatibility.md (PUBLISHED=openapi-2026-01-31.json takes a document's facts anew).
	swift build --product witan
	WITAN_BINARY="$$(swift build --show-bin-path)/witan" $(PYTHON) Tests/Clients/compatibility.py $(addprefix --published ,$(PUBLISHED))

.PHONY: clean
clean: ## Remove what was built.
	rm -rf .build .build-fuzz $(VENV)

# Debian packages are installed when they are missing and that can be done; else the command to run is printed. The tests
# start what they need themselves, so no package may start its service (https://www.debian.org/doc/debian-policy/ch-opersys.html#initscripts).
.PHONY: packages-build packages-test
packages-build: PACKAGES = $(BUILD_PACKAGES)
packages-test: PACKAGES = $(TEST_PACKAGES)
packages-build packages-test:
	@command -v swift >/dev/null || { echo "Swift 6.2 or newer is needed: https://www.swift.org/install/"; exit 1; }
	@missing=""; \
	for package in $(PACKAGES); do \
		dpkg-query -W -f='$${Status}' $$package 2>/dev/null | grep -q 'ok installed' || missing="$$missing $$package"; \
	done; \
	if [ -n "$$missing" ]; then \
		if [ "$$(id -u)" = 0 ]; then run=""; \
		elif sudo -n true 2>/dev/null; then run="sudo"; \
		else echo "Missing Debian packages; run: sudo apt-get install$$missing"; exit 1; fi; \
		policy=/usr/sbin/policy-rc.d; \
		if [ ! -e $$policy ]; then \
			trap "$$run rm $$policy" EXIT; \
			printf '#!/bin/sh\nexit 101\n' | $$run install -m 755 /dev/stdin $$policy; \
		fi; \
		$$run apt-get update -qq; \
		$$run env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends$$missing; \
	fi

$(VENV)/.ready: Tests/Clients/requirements.txt Tests/Browser/requirements.txt
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/pip install --quiet --disable-pip-version-check -r Tests/Clients/requirements.txt
	$(VENV)/bin/pip install --quiet --disable-pip-version-check --no-deps -r Tests/Browser/requirements.txt
	touch $@

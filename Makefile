# Gongdan 工单. Needs nothing but Python 3.11 or newer; everything else goes into .venv.
# Stamps in .venv remember what is installed: a second run works without a network.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory
# One process serves and asks in hundreds of threads: without this each may keep a heap of its own for good.
export MALLOC_ARENA_MAX ?= 2

BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet install --require-hashes
# Files of the code that ruff and mypy read: what is there of them.
CODE := $(wildcard run.py engine web tests bench)
# A name in PATH is not enough: version managers put names there that do not run.
PYTHON ?= $(shell for p in python3.13 python3.12 python3.11 python3 python3.14 python; do \
	"$$p" -c 'import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo "$$p" && break; done)

# The tests in parts, so that no process holds what all of them once needed.
PARTS := tests/architecture,tests/unit,tests/scenarios,tests/golden,tests/equivalence tests/integration \
	tests/browser,tests/fault,tests/hostile,tests/system

.PHONY: help setup run test lint bench fault mutants sbom lock
help: ## this list
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## (.*)/  make \1	\2/' | expand -t 14

setup: .venv/.run ## install what Gongdan runs with, into .venv

run: setup ## start with demo accounts on http://127.0.0.1:8000
	@exec $(BIN)/python run.py serve --demo

test: lint .venv/.browser ## style, types, layers, diagrams and all tests (PostgreSQL and a browser included)
	@failed=; for part in $(PARTS); do \
		$(BIN)/python -m pytest -n 2 --dist worksteal $${part//,/ } || failed=1; done; test -z "$$failed"

lint: .venv/.test ## style, types, layers, diagrams
	$(BIN)/ruff check $(CODE)
	$(BIN)/ruff format --check --quiet $(CODE)
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache
	$(BIN)/python run.py lint bpmn forms

bench: .venv/.test ## measure; figures go to bench/results
	$(BIN)/python run.py bench

fault: .venv/.test ## the long tests: kills, races, hostile files, 10,000 seeds, a quarter with 5,000 cases
	$(BIN)/python -m pytest tests/fault tests/hostile tests/system tests/equivalence tests/integration/test_mixed_load.py tests/integration/test_damaged_cases.py tests/integration/test_any_change_is_found.py tests/integration/test_text_that_is_none.py --full -n 2 --dist worksteal --timeout 3600

mutants: .venv/.test ## how well the tests catch wrong code: 400 small faults, one at a time; takes an hour or two
	$(BIN)/python -m tests.mutation

sbom: .venv/.test ## the list of parts with licences and hashes (CycloneDX), into sbom.cdx.json
	$(BIN)/python -m tests.architecture.sbom sbom.cdx.json

lock: ## write the lock files anew from pyproject.toml (needs uv in PATH)
	$(call lock,requirements-test.lock,--extra test)
	$(call lock,requirements.lock,--constraint requirements-test.lock)

# One set of versions for both: the smaller lock takes what the larger one found.
define lock
@uv pip compile pyproject.toml --extra postgres $(2) --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-emit-find-links --no-annotate --no-header --quiet --output-file $(1) $(LOCK)
@sed -i '1i # Written by `make lock` from pyproject.toml: every package with its version and hashes.' $(1)
endef

.venv/bin/python:
	@test -n "$(PYTHON)" || { echo "Gongdan needs Python 3.11 or newer with venv (Debian: apt-get install python3-venv)." >&2; exit 1; }
	"$(PYTHON)" -m venv .venv

.venv/.run: requirements.lock | .venv/bin/python
	$(PIP) -r requirements.lock
	@touch $@

# The test lock holds everything of the other one too.
.venv/.test: requirements-test.lock requirements.lock | .venv/bin/python
	$(PIP) -r requirements-test.lock
	@touch .venv/.run $@

.venv/.browser: .ci/browser | .venv/bin/python
	.ci/browser
	@touch $@

# HackTheStudy's backend. Every target first makes the virtual environment, which is quick when it is there.

PYTHON := .venv/bin/python
PORT ?= 8080
FILE ?=
OUT ?= demo-out
EMAIL ?=
REVOKE ?=
# As they were typed: make would expand a $ in a name. They reach the recipes through the environment, where a
# name is only text, whatever quotation marks and commands it holds.
override FILE := $(value FILE)
override OUT := $(value OUT)
override PORT := $(value PORT)
override EMAIL := $(value EMAIL)
override REVOKE := $(value REVOKE)
# Further options for the first part of `make test`.
PYTEST_OPTIONS ?=
# Each file of the containers' tests has systems of its own, and two at a time are what a small machine bears.
CONTAINER_PROCESSES ?= 2
# The tests of faults wait most of the time, so that one process more than there are cores is at work.
FAULT_PROCESSES ?= $(shell n=$$(nproc); [ $$n -ge 4 ] && echo 4 || echo $$((n + 1)))
# Two processes are what a small machine bears; more than four only compete for PostgreSQL.
TEST_PROCESSES ?= $(shell n=$$(nproc); [ $$n -gt 4 ] && echo 4 || echo $$n)
export PYTHONUNBUFFERED := 1

.DEFAULT_GOAL := help
.PHONY: help setup demo run admin test test-faults containers check bench lock openapi

help: ## Show this list.
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: ## Make .venv with the pinned packages (done by every other target too).
	@config/local/setup.sh

demo: export FILE := $(FILE)
demo: export OUT := $(OUT)
demo: setup ## From a file to a study kit: make demo FILE=notes.pdf OUT=folder
	@$(PYTHON) -m config.local.demo --file="$$FILE" --out="$$OUT"

run: export PORT := $(PORT)
run: setup ## Keep the whole system running at http://localhost:8080 (PORT=…); Ctrl-C ends it.
	@$(PYTHON) -m config.local.run

admin: export EMAIL := $(EMAIL)
admin: setup ## Make a user an administrator: make admin EMAIL=you@example.org, or her id (REVOKE=yes takes it back).
	@$(PYTHON) -m config.local.admin $(if $(REVOKE),--revoke) -- "$$EMAIL"

test: setup ## Run all tests on real PostgreSQL and Redis.
	$(PYTHON) -m pytest -n $(TEST_PROCESSES) --dist loadfile -m "not faults and not containers" $(PYTEST_OPTIONS)
	$(PYTHON) -m pytest -m faults -n $(FAULT_PROCESSES) --dist loadfile

test-faults: setup ## Run only the tests that kill, freeze and restart real processes.
	$(PYTHON) -m pytest -m faults -n $(FAULT_PROCESSES) --dist loadfile

containers: setup ## Build both images and test the deployment in real containers (needs Docker or Podman).
	@$(PYTHON) -m tests.deployment.engine >/dev/null
	$(PYTHON) -m pytest -m containers -n $(CONTAINER_PROCESSES) --dist loadfile tests/deployment

check: setup ## Lint, format, types and architecture.
	$(PYTHON) -m ruff check .
	$(PYTHON) -m ruff format --check .
	$(PYTHON) -m mypy
	.venv/bin/lint-imports
	$(PYTHON) -m pytest -q -n $(TEST_PROCESSES) tests/architecture

bench: setup ## Measure speed and memory; writes benchmarks/results.json.
	$(PYTHON) -m benchmarks

openapi: setup ## Write docs/openapi.json anew from the routes.
	$(PYTHON) -m backend.cli openapi

# With --no-header the files do not name the command, and thereby not the machine, that made them.
lock: setup ## Pin the packages of pyproject.toml anew, with hashes (needs uv).
	@command -v uv >/dev/null || { echo "lock: please install uv first." >&2; exit 1; }
	uv pip compile --quiet --no-header --universal --generate-hashes --output-file requirements.txt pyproject.toml
	uv pip compile --quiet --no-header --universal --generate-hashes --group dev --constraint requirements.txt \
		--output-file requirements-dev.txt pyproject.toml

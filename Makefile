# HackTheStudy's backend. Every target first makes the virtual environment, which is quick if it exists.

PYTHON := .venv/bin/python
PORT ?= 8080
FILE ?=
OUT ?= demo-out
EMAIL ?=
REVOKE ?=
# Values exactly as typed: make would expand a $ in a name. They reach the recipes through the environment, where
# quotation marks and commands in a name are only text.
override FILE := $(value FILE)
override OUT := $(value OUT)
override PORT := $(value PORT)
override EMAIL := $(value EMAIL)
override REVOKE := $(value REVOKE)
# Additional options for the first part of `make test`.
PYTEST_OPTIONS ?=
# Each file of the container tests starts its own systems; a small machine can run two at a time.
CONTAINER_PROCESSES ?= 2
# The fault tests wait most of the time, so one process more than there are cores keeps the cores busy.
FAULT_PROCESSES ?= $(shell n=$$(nproc); [ $$n -ge 4 ] && echo 4 || echo $$((n + 1)))
# A small machine can run two processes; more than four only compete for PostgreSQL.
TEST_PROCESSES ?= $(shell n=$$(nproc); [ $$n -gt 4 ] && echo 4 || echo $$n)
export PYTHONUNBUFFERED := 1

.DEFAULT_GOAL := help
.PHONY: help setup demo run admin test test-faults containers check bench judge reading-oracle lock openapi

help: ## Show this list.
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: ## Make .venv with the pinned packages (every other target does this too).
	@config/local/setup.sh

demo: export FILE := $(FILE)
demo: export OUT := $(OUT)
demo: setup ## Make a study kit from a file: make demo FILE=notes.pdf OUT=folder
	@$(PYTHON) -m config.local.demo --file="$$FILE" --out="$$OUT"

run: export PORT := $(PORT)
run: setup ## Run the whole system at http://localhost:8080 (PORT=…) until Ctrl-C.
	@$(PYTHON) -m config.local.run

admin: export EMAIL := $(EMAIL)
admin: setup ## Make a user an administrator: make admin EMAIL=you@example.org, or their id (REVOKE=yes reverts it).
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

judge: setup ## Let llmock grade how calls keep to a vendor's limits (fetches it).
	$(PYTHON) -m benchmarks.judge

reading-oracle: setup ## Compare the reading of documents that others made with pandoc's (fetches both).
	$(PYTHON) -m benchmarks.oracle

openapi: setup ## Regenerate docs/openapi.json from the routes.
	$(PYTHON) -m backend.cli openapi

# With --no-header the files do not name the command, and therefore the machine, that generated them.
lock: setup ## Pin the packages of pyproject.toml again, with hashes (needs uv).
	@command -v uv >/dev/null || { echo "lock: please install uv first." >&2; exit 1; }
	uv pip compile --quiet --no-header --universal --generate-hashes --output-file requirements.txt pyproject.toml
	uv pip compile --quiet --no-header --universal --generate-hashes --group dev --constraint requirements.txt \
		--output-file requirements-dev.txt pyproject.toml

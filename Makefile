# What people and CI run. Each target sets up what is missing first and works on a fresh machine
# with Python 3.11+, make and a package index, as root or not.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory
.DELETE_ON_ERROR:

PYTHON ?= $(shell for python in python3 python3.11 python3.12 python3.13 python3.14; do \
	$$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
	&& { echo $$python; break; }; done)
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
WORKERS ?= 2

# The embedded Postgres keeps its lock, and its socket where the checkout's path is too long for one,
# in a short folder that is this user's own.
RUNTIME := $(or $(TMPDIR),/tmp)/dotsync-$(shell id -u)
export XDG_RUNTIME_DIR := $(RUNTIME)
export PYTHONUNBUFFERED := 1

.PHONY: help
help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "%-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: setup
setup: $(READY) ## Make the virtual environment with the locked packages
	@mkdir -p -m 700 $(RUNTIME) && mkdir -p $(RUNTIME)/python_PostgresServer

$(READY): requirements-dev.lock
	@[[ -n "$(PYTHON)" ]] || { echo "Python 3.11 or newer is needed; name it: make PYTHON=..." >&2; exit 1; }
	@[[ -x $(BIN)/python ]] && $(BIN)/python -c '' 2>/dev/null || $(PYTHON) -m venv --clear $(VENV)
	@echo "Installing the locked packages into $(VENV) ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes \
		-r requirements-dev.lock
	@touch $@

.PHONY: demo
demo: setup ## Run the whole job end to end on samples/, with embedded Postgres and a stand-in Dotdigital
	@$(BIN)/python -m app demo

.PHONY: run
run: setup ## Start the service with embedded Postgres, to open in a browser
	@$(BIN)/python -m app serve

# A test's module is compiled with its assertions spelled out, which takes each worker ten seconds
# where none may be kept; and every command that a test starts compiles the service.
test coverage: export PYTHONDONTWRITEBYTECODE :=

.PHONY: test
test: setup ## Run all tests
	@$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal $(PYTEST_ARGS)

.PHONY: coverage
coverage: setup ## Run all tests and show which lines and branches they miss
	@$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal --cov --cov-report=term-missing

.PHONY: bench
bench: setup ## Measure every figure beside its limit; writes benchmarks/results.md
	@$(BIN)/python -m benchmarks

.PHONY: check
check: setup ## Format, lint, types, import rules, migrations, openapi.md and the locks
	@$(BIN)/ruff format --check --quiet . || { echo "make fmt puts the format right" >&2; exit 1; }
	@$(BIN)/ruff check --quiet .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-logo
	@$(BIN)/python -m pytest -q tests/contract/test_import_rules.py tests/contract/test_source_rules.py \
		tests/contract/test_migrations.py tests/contract/test_openapi_in_step.py -m 'not slow'

.PHONY: fmt
fmt: setup ## Put format and imports right
	@$(BIN)/ruff check --quiet --fix-only .
	@$(BIN)/ruff format .

# The header that uv would write repeats its command line; ours says what to run instead.
LOCK = $(BIN)/uv pip compile --quiet --universal --generate-hashes --no-emit-index-url \
	--python-version 3.11 --custom-compile-command 'make lock' pyproject.toml

.PHONY: lock
lock: setup ## Bring the locks in step with pyproject.toml; UPGRADE=1 takes the newest packages
	@$(LOCK) $(if $(UPGRADE),--upgrade) -o requirements.lock
	@$(LOCK) $(if $(UPGRADE),--upgrade) --extra dev -c requirements.lock -o requirements-dev.lock

.PHONY: audit
audit: setup ## Ask the advisory database about the locked packages; needs the network
	@$(BIN)/pip-audit --disable-pip --require-hashes -r requirements.lock

.PHONY: clean
clean: ## Remove what the other targets made, the embedded database included
	@rm -rf $(VENV) .dotsync .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

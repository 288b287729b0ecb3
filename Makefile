# Labs of inter-process communication. `make help` lists what there is.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo $$p; break; }; done)
BIN := .venv/bin
IPCLAB := $(BIN)/ipclab
SOURCES := orchestrator images/lab/agent tests labs
C_FILES = $(shell git ls-files --cached --others --exclude-standard '*.c' '*.h')

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z%0-9-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

INSTALL = if command -v uv >/dev/null; then uv pip install -q --python $(BIN)/python $(1); \
	else $(BIN)/python -m pip install -q --disable-pip-version-check $(1); fi

.venv/ready: requirements.lock pyproject.toml
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed: install it, or run make PYTHON=/path/to/python3" >&2; exit 3; }
	@rm -rf .venv
	@echo "Setting up .venv (once) ..."
	@if command -v uv >/dev/null; then uv venv -q --python $(PYTHON) .venv; else \
		$(PYTHON) -m venv .venv || { rm -rf .venv; echo "python3-venv is needed: apt-get install python3-venv" >&2; exit 3; }; \
	fi
	@$(call INSTALL,--require-hashes -r requirements.lock)
	@$(call INSTALL,--no-deps --no-build-isolation --config-settings editable_mode=compat -e .)
	@rm -rf ipclab.egg-info build
	@touch $@

.venv/dev-ready: .venv/ready requirements-dev.lock
	@echo "Adding what developers need to .venv (once) ..."
	@$(call INSTALL,--require-hashes -r requirements-dev.lock)
	@touch $@

venv: .venv/ready ## Set up the virtual environment
	@$(BIN)/python -m compileall -q orchestrator

dev: .venv/dev-ready venv ## Add what tests and linters need to it

lab-%: venv ## Bring a lab up, check its exercises, show the table (SUBMISSION=DIR)
	@$(IPCLAB) check lab-$* $(if $(SUBMISSION),--submission $(SUBMISSION)) $(ARGS)

up-%: venv ## Bring a lab up
	@$(IPCLAB) up lab-$* $(ARGS)

shell-%: venv ## Open a shell in a lab (IN=alpha/right)
	@$(IPCLAB) shell lab-$* $(IN)

workspace-%: venv ## Lay out work/lab-NN from the starters; files that are there are kept
	@$(IPCLAB) workspace lab-$*

down-%: venv ## Take a lab down
	@$(IPCLAB) down lab-$* $(ARGS)

# The same exercises are judged by the same draw, here and in CI; others by another, and by `make prove` with a new one each time.
SEED = $(shell git rev-parse --short=8 HEAD:labs 2>/dev/null)

test: dev ## Run all tests: unit, contract, end to end
	@$(IPCLAB) build >/dev/null
	@$(BIN)/python -m pytest tests --ignore tests/e2e/test_exercises.py -n 2 --dist loadfile $(ARGS)
	@$(BIN)/python -m pytest tests/e2e/test_exercises.py $(addprefix --seed ,$(SEED)) $(ARGS)

prove: venv ## Judge every known-wrong solution of every exercise; make test judges some, the same ones as long as labs/ is the same
	@worst=0; for lab in labs/*/; do lab=$$(basename "$$lab"); status=0; \
		$(IPCLAB) prove "$$lab" --instance proof --also tests/solutions $(ARGS) || status=$$?; \
		$(IPCLAB) down "$$lab" --instance proof 2>/dev/null || status=3; \
		if ((status > worst)); then worst=$$status; fi; \
		if ((status > 2)); then break; fi; \
	done; exit $$worst

unit: dev ## Run the tests that need no Docker
	@$(BIN)/python -m pytest tests/unit $(ARGS)

lint: dev ## ruff, mypy, import-linter, clang-format
	@$(BIN)/ruff format --check $(SOURCES)
	@$(BIN)/ruff check $(SOURCES)
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@command -v clang-format >/dev/null || { echo "clang-format is needed: apt-get install clang-format" >&2; exit 3; }
	@clang-format --dry-run --Werror $(C_FILES)

format: dev ## Format Python and C
	@$(BIN)/ruff format $(SOURCES)
	@$(BIN)/ruff check --fix-only -q $(SOURCES)
	@clang-format -i $(C_FILES)

bench: dev ## Measure against the references, write docs/bench.md
	@$(BIN)/python -m tests.bench $(ARGS)

generate: venv ## Write what is generated: JSON Schemas, Compose files, pictures
	@$(IPCLAB) schema
	@for lab in labs/*/lab.yaml; do name=$$(basename $$(dirname $$lab)); \
		$(IPCLAB) compose $$name; $(IPCLAB) graph $$name -o docs/$$name.svg; done

LOCK = uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header \
	--extra build pyproject.toml
lock: ## Renew requirements.lock and requirements-dev.lock (needs uv)
	@$(LOCK) -o requirements.lock
	@$(LOCK) --extra dev -c requirements.lock -o requirements-dev.lock

clean: venv ## Remove every container, network and volume that is ours
	@$(IPCLAB) clean -y

.PHONY: help venv dev test prove unit lint format bench generate lock clean

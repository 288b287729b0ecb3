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

.venv/ready: requirements.lock pyproject.toml
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed: install it, or run make PYTHON=/path/to/python3" >&2; exit 3; }
	@rm -rf .venv
	@echo "Setting up .venv (once) ..."
	@if command -v uv >/dev/null; then \
		uv venv -q --python $(PYTHON) .venv && uv pip install -q --python $(BIN)/python --require-hashes -r requirements.lock; \
	else \
		$(PYTHON) -m venv .venv || { rm -rf .venv; echo "python3-venv is needed: apt-get install python3-venv" >&2; exit 3; }; \
		$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements.lock; \
	fi
	@if command -v uv >/dev/null; then \
		uv pip install -q --python $(BIN)/python --no-deps --no-build-isolation --config-settings editable_mode=compat -e .; \
	else \
		$(BIN)/python -m pip install -q --disable-pip-version-check --no-deps --no-build-isolation \
			--config-settings editable_mode=compat -e .; \
	fi
	@rm -rf ipclab.egg-info build
	@touch $@

venv: .venv/ready ## Set up the virtual environment
	@$(BIN)/python -m compileall -q orchestrator

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

test: venv ## Run all tests: unit, contract, end to end
	@$(IPCLAB) build >/dev/null
	@$(BIN)/python -m pytest tests --ignore tests/e2e/test_exercises.py -n 2 --dist loadfile $(ARGS)
	@$(BIN)/python -m pytest tests/e2e/test_exercises.py $(ARGS)

prove: venv ## Judge every known-wrong solution of every exercise; make test judges some, other ones each time
	@$(BIN)/python -m pytest tests/e2e/test_exercises.py --every-case $(ARGS)

unit: venv ## Run the tests that need no Docker
	@$(BIN)/python -m pytest tests/unit $(ARGS)

lint: venv ## ruff, mypy, import-linter, clang-format
	@$(BIN)/ruff format --check $(SOURCES)
	@$(BIN)/ruff check $(SOURCES)
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@command -v clang-format >/dev/null || { echo "clang-format is needed: apt-get install clang-format" >&2; exit 3; }
	@clang-format --dry-run --Werror $(C_FILES)

format: venv ## Format Python and C
	@$(BIN)/ruff format $(SOURCES)
	@$(BIN)/ruff check --fix-only -q $(SOURCES)
	@clang-format -i $(C_FILES)

bench: venv ## Measure against the references, write docs/bench.md
	@$(BIN)/python -m tests.bench $(ARGS)

generate: venv ## Write what is generated: JSON Schemas, Compose files, pictures
	@$(IPCLAB) schema
	@for lab in labs/*/lab.yaml; do name=$$(basename $$(dirname $$lab)); \
		$(IPCLAB) compose $$name; $(IPCLAB) graph $$name -o docs/$$name.svg; done

lock: ## Renew requirements.lock (needs uv)
	@uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header \
		--extra dev pyproject.toml -o requirements.lock

clean: venv ## Remove every container, network and volume that is ours
	@$(IPCLAB) clean -y

.PHONY: help venv test prove unit lint format bench generate lock clean

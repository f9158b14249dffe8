# Goodman Live on one machine. `make help` lists what there is.
SHELL := /bin/bash
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

VENV := .venv
PYTHON := $(VENV)/bin/python
REFERENCE := build/reference
# One thread a process: blocks run side by side, and a linear-algebra pool in each would only fight over the cores.
export OMP_NUM_THREADS := 1
export OPENBLAS_NUM_THREADS := 1
# The stack reads nothing of a user's AWS account, and no plugin of the user's site is loaded into the tests.
export PYTHONNOUSERSITE := 1

RAW ?=
OUT ?= out
ARGS ?=
# Test files run side by side: JOBS=0 runs them one after the other.
JOBS ?= 2

READY := $(VENV)/.installed $(REFERENCE)/.built

# The page: made where Node.js is; everything else works without.
NODE_MODULES := frontend/node_modules/.installed
CONTRACT := frontend/src/api/contract.d.ts
PAGE := frontend/dist/index.html
PAGE_SOURCES := $(wildcard frontend/*.mjs frontend/*.json) $(shell find frontend/src frontend/tests docs/user-manual -type f 2>/dev/null)
HAS_NODE := $(shell node -e 'process.exit(+(parseInt(process.versions.node) < 20))' >/dev/null 2>&1 && command -v npm)
NO_NODE := needs Node.js 20 or newer with npm (https://nodejs.org, or your system's packages nodejs and npm)

.PHONY: help setup page frontend run test test-long lint format process reference openapi bench package clean

help:  ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-11s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(READY) page  ## make .venv with the pinned packages, the reference bundle and the page

frontend:  ## build the web page and the manual into frontend/dist
	@if [ -z "$(HAS_NODE)" ]; then echo "The web page $(NO_NODE)." >&2; exit 1; fi
	@$(MAKE) -s $(PAGE)

# What setup does for the page: where Node.js or the registry is out of reach, it says so and goes on.
page:
	@if [ -z "$(HAS_NODE)" ]; then \
	  echo "The web page is not built: it $(NO_NODE). The pipeline and its API work without it."; \
	elif ! $(MAKE) -s $(NODE_MODULES); then \
	  echo "The web page is not built: its packages cannot be fetched. The pipeline and its API work without it."; \
	else $(MAKE) -s $(PAGE); fi

run: setup  ## start the stack and play a simulated night into it (Ctrl-C ends)
	@$(PYTHON) -m infra.local run $(ARGS) || [ $$? -eq 130 ]

test: setup  ## run the tests, all but the long ones (under ten minutes on two cores)
	@$(PYTHON) -m pytest -m "not long" -n $(JOBS) --dist loadfile --no-loadscope-reorder $(ARGS)

test-long: setup  ## run all the tests and the long random histories
	@$(PYTHON) -m pytest $(ARGS)

lint: $(READY)  ## ruff and mypy
	@$(VENV)/bin/ruff check .
	@$(VENV)/bin/ruff format --check .
	@$(VENV)/bin/mypy

format: $(READY)  ## let ruff put the code into form
	@$(VENV)/bin/ruff check --fix .
	@$(VENV)/bin/ruff format .

process: $(READY)  ## reduce a folder of raw frames: make process RAW=folder OUT=folder
	@if [ -z "$(RAW)" ]; then echo "Say which folder: make process RAW=folder OUT=folder" >&2; exit 2; fi
	@$(PYTHON) -m infra.local process "$(RAW)" --out "$(OUT)" $(ARGS)

reference: $(VENV)/.installed  ## build the reference bundle again if its sources changed
	@$(PYTHON) layers/reference/build.py
	@touch $(REFERENCE)/.built

openapi: $(READY)  ## write docs/openapi.json anew from the code
	@$(PYTHON) -m chalicelib.api.openapi > build/openapi.json
	@mv build/openapi.json docs/openapi.json

bench: $(READY)  ## run the benchmarks (they print, they never fail): make bench ARGS="wavelength zeropoint"
	@for name in $(or $(ARGS),$(basename $(notdir $(filter-out %/__init__.py,$(wildcard bench/*.py))))); do \
	  echo "== bench/$$name.py"; $(PYTHON) -m bench.$$name || true; done

package: $(READY)  ## build the layers and the CloudFormation template, and print their size against Lambda's limit
	@$(PYTHON) -m layers.package $(ARGS)

clean:  ## remove what was built (not .venv and frontend/node_modules: remove those by hand if you want them anew)
	rm -rf build out frontend/dist .pytest_cache .mypy_cache .ruff_cache .hypothesis .chalice/deployments
	find . -name __pycache__ -type d -not -path './$(VENV)/*' -prune -exec rm -rf {} +

# A candidate counts only if it runs: a version manager's shim of that name may be on the path and refuse.
$(VENV)/bin/python:
	@for candidate in "$${PYTHON313:-}" python3.13 "$$HOME"/.pyenv/versions/3.13*/bin/python python3 \
	    "$$(command -v uv >/dev/null 2>&1 && uv python find 3.13 2>/dev/null)"; do \
	  if [ -n "$$candidate" ] && "$$candidate" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info[:2] != (3, 13))' >/dev/null 2>&1; then \
	    echo "Making $(VENV) with $$("$$candidate" -c 'import sys; print(sys.executable, sys.version.split()[0])')"; \
	    exec "$$candidate" -m venv --clear $(VENV); \
	  fi; \
	done; \
	echo "Python 3.13 was not found. Install it (with its venv module), or name it: make setup PYTHON313=/path/to/python3.13" >&2; exit 1

export PYTHON313

$(VENV)/.installed: requirements.txt requirements-dev.txt layers/science/requirements.txt | $(VENV)/bin/python
	@echo "Installing the pinned packages (a minute or two the first time) ..."
	@$(PYTHON) -m pip install --quiet --disable-pip-version-check --no-deps -r requirements-dev.txt
	@touch $@

$(REFERENCE)/.built: layers/reference/build.py $(VENV)/.installed
	@$(PYTHON) layers/reference/build.py
	@mkdir -p $(@D) && touch $@

# No script of a package is run: the bundler comes as a binary in a package of its own for each platform.
$(NODE_MODULES): frontend/package.json frontend/package-lock.json frontend/.npmrc
	@echo "Fetching the page's packages ..."
	@cd frontend && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
	@touch $@

$(CONTRACT): docs/openapi.json $(NODE_MODULES)
	@cd frontend && npm run --silent types >/dev/null
	@touch $@

$(PAGE): $(NODE_MODULES) $(CONTRACT) $(PAGE_SOURCES)
	@cd frontend && npm run --silent check && npm run --silent test && npm run --silent build

# Live Dojo. `make up` runs it, `make test` proves it; `make` lists the rest.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

PYTHON3 ?= python3
VENV := .venv
PYTHON := $(VENV)/bin/python
DOJO := $(VENV)/bin/dojo
export PIP_DISABLE_PIP_VERSION_CHECK := 1

INSTALLED := $(VENV)/.installed
MODULES := web/node_modules/.installed
CLIENTS := tests/contract/node/node_modules/.installed
RIVAL := loadtests/bench/node/node_modules/.installed
BUILT := web/node_modules/.built
WEB_SOURCES := $(shell find web -path web/node_modules -prune -o -path web/dist -prune -o -type f -print)

.PHONY: help up test check check-python check-web install livekit browser web wire bench swarm faults test-long lock clean

help: ## list the targets
	@sed -n 's/^\([a-z][a-z-]*\):.*## \(.*\)/  make \1 — \2/p' $(MAKEFILE_LIST)

up: ## install what is needed and run everything on this machine; Ctrl-C stops it
	@$(MAKE) --no-print-directory -j3 install
	@exec $(DOJO) up $(UP)

test: ## install what is needed and run every check and test
	@$(MAKE) --no-print-directory -j3 install browser $(CLIENTS)
	@$(MAKE) --no-print-directory check
	cd web && npm test
	$(PYTHON) -m pytest

check: $(INSTALLED) $(MODULES) ## style, types, import rules, generated documents: under a minute
	@$(MAKE) --no-print-directory -j2 --output-sync=target check-python check-web

check-python: $(INSTALLED)
	$(VENV)/bin/ruff check .
	$(PYTHON) -m mypy
	$(VENV)/bin/lint-imports --no-logo
	$(VENV)/bin/codespell
	$(DOJO) wire --check

check-web: $(MODULES)
	cd web && npm run --silent check

install: $(INSTALLED) $(BUILT) livekit ## everything that running needs

$(INSTALLED): requirements.lock pyproject.toml
	@$(PYTHON3) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "Live Dojo needs Python 3.11 or newer; PYTHON3=/path/to/python3 names another" >&2; exit 1; }
	@[ -x $(PYTHON) ] || $(PYTHON3) -m venv $(VENV)
	@echo "installing the Python packages"
	@$(PYTHON) -m pip install --quiet --require-hashes --requirement requirements.lock
	@$(PYTHON) -m pip install --quiet --no-deps --no-build-isolation --config-settings editable_mode=compat --editable .
	@touch $@

$(MODULES): web/package.json web/package-lock.json
	@node -e 'const [a, b] = process.versions.node.split("."); process.exit(+a > 20 || (+a === 20 && +b >= 19) ? 0 : 1)' \
		|| { echo "Live Dojo needs Node 20.19 or newer" >&2; exit 1; }
	@echo "installing the client's packages"
	@cd web && npm ci --no-audit --no-fund --loglevel=error
	@touch $@

$(CLIENTS) $(RIVAL): %/node_modules/.installed: %/package.json %/package-lock.json
	@echo "installing the packages of $*"
	@cd $* && npm ci --no-audit --no-fund --loglevel=error
	@touch $@

$(BUILT): $(MODULES) $(WEB_SOURCES)
	@echo "building the client"
	@cd web && npm run --silent build -- --logLevel warn
	@touch $@

web: $(BUILT) ## build the client

livekit: $(INSTALLED)
	@$(DOJO) livekit >/dev/null || echo "going on without audio and video"

browser: $(INSTALLED)
	@$(PYTHON) -m tests.browser

wire: $(INSTALLED) ## write docs/reference and the client's types anew from the doors
	@$(DOJO) wire

bench: $(INSTALLED) $(RIVAL) ## side-by-side benchmarks; ONLY=editor,durable chooses some, ROUNDS=1 SECONDS=2 makes them short
	@$(PYTHON) -m loadtests.bench $(if $(ONLY),--only $(ONLY)) $(if $(ROUNDS),--rounds $(ROUNDS)) $(if $(SECONDS),--seconds $(SECONDS))

SIZE = PEOPLE=$(PEOPLE) ROOMS=$(ROOMS) RUN_SECONDS=$(SECONDS)

swarm: $(INSTALLED) ## people at what `make up` runs (or HOST=…), judged; PEOPLE=20 ROOMS=4 SECONDS=60 are its size
	@$(SIZE) $(PYTHON) -m loadtests.swarm

faults: $(INSTALLED) ## a swarm while parts are killed, stopped, paused and cut off; SEED=7 repeats one, ROUNDS=5 does several
	@$(SIZE) ROUNDS=$(ROUNDS) $(PYTHON) -m loadtests.faults

test-long: $(INSTALLED) ## what takes minutes, besides `make test`: five seeds of faults, longer ones; under 30 minutes
	@PEOPLE=20 ROOMS=4 RUN_SECONDS=90 ROUNDS=5 $(PYTHON) -m loadtests.faults

lock: $(INSTALLED) ## choose the newest allowed packages and write the lock files
	@$(PYTHON) -m pip install --quiet uv
	@$(PYTHON) -m uv pip compile --quiet --upgrade --extra dev --universal --generate-hashes --no-emit-index-url --no-header \
		--output-file requirements.lock pyproject.toml
	@$(PYTHON) -m uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-header \
		--constraint requirements.lock --output-file deploy/docker/requirements.lock pyproject.toml
	@cd web && npm update --package-lock-only --no-audit --no-fund

clean: ## remove everything that can be made again; the data in .dojo stays
	rm -rf $(VENV) web/node_modules web/dist tests/contract/node/node_modules loadtests/bench/node/node_modules build *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

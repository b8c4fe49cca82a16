# Strongroom. `make run` opens the demo, `make test` checks everything; `make help` lists the rest.
SHELL := /bin/bash
VENV ?= .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
# One more than processors: for a quarter of the time the tests wait for servers and processes.
WORKERS ?= $(shell echo $$(($$(getconf _NPROCESSORS_ONLN) + 1)))
# Files are started in the order of tests/conftest.py, the longest first. A worker that crashes ends
# the run: xdist would replace it and then wait for its tests without limit.
SPREAD = -n $(WORKERS) --dist loadfile --no-loadscope-reorder --max-worker-restart=0
ONLY ?=
# Hundreds of processes start in the tests; without bytecode each would compile what it imports.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help setup run check test referee faults soak kills day scale tables bench shots docs lock clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-8s %s\n", $$1, $$2 }' Makefile

setup: $(READY) ## set up the virtual environment and Qt's system libraries

$(READY): requirements.lock pyproject.toml .ci/qt-libraries
	@python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "strongroom: Python 3.11 or newer is needed; python3 is $$(python3 --version)"; exit 1; }
	@echo "strongroom: installing the dependencies into $(VENV); this takes some minutes"
	@python3 -m venv $(VENV) \
	  || { echo "strongroom: python3 has no venv; on Debian: apt-get install python3-venv"; exit 1; }
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@.ci/qt-libraries $(BIN)/python
	@touch $@

run: setup ## open the window on the embedded server
	@$(BIN)/strongroom --demo

check: setup ## everything static: format, lint, types, imports, dead code, dependencies, conventions
	@.ci/static $(BIN)

test: check ## everything static and all tests; the tests' servers are installed when missing
	@.ci/test-servers
	@QT_QPA_PLATFORM=offscreen $(BIN)/pytest $(SPREAD)

referee: setup ## everything that talks S3 against three servers: the embedded one, SeaweedFS, Ceph RGW
	@.ci/test-servers rgw
	@S3_SERVERS=demo,seaweed,rgw QT_QPA_PLATFORM=offscreen $(BIN)/pytest -p helpers.referee \
	  $(SPREAD) tests

faults: setup ## damaged requests, answers and objects: right result or clean failure; FAULTS=--help lists options
	@PYTHONPATH=.:tests QT_QPA_PLATFORM=offscreen $(BIN)/python -m faults $(FAULTS)
	@QT_QPA_PLATFORM=offscreen FAULTS_ALL=1 $(BIN)/pytest -q $(SPREAD) tests/faults/test_bad_answers.py
	@QT_QPA_PLATFORM=offscreen STRONGROOM_HEAVY=1 $(BIN)/pytest -q -o faulthandler_timeout=0 \
	  tests/gui/views/test_mutations.py

kills: setup ## the heavy loops: commands killed at random, death and cancel at every point of a rotation
	@PYTHONPATH=.:tests QT_QPA_PLATFORM=offscreen $(BIN)/python -m servers $(KILLS)
	@QT_QPA_PLATFORM=offscreen ROTATION_KILLS=all $(BIN)/pytest $(SPREAD) \
	  -o faulthandler_timeout=0 tests/core/rotation/test_iam_killed.py tests/core/rotation/test_iam_faults.py \
	  tests/core/rotation/test_two_admins.py tests/core/rotation/test_database_rotation.py \
	  tests/core/rotation/test_cancelled.py
	@QT_QPA_PLATFORM=offscreen STRONGROOM_HEAVY=1 $(BIN)/pytest $(SPREAD) -o faulthandler_timeout=0 tests/core/catalog \
	  $$(PYTHONPATH=.:tests $(BIN)/python -m helpers.doses)

day: setup ## a day of use in the real window with 50,000 files, with a picture of each step in DAY_PICTURES
	@QT_QPA_PLATFORM=offscreen DAY_FILES=$(or $(DAY_FILES),50000) DAY_PICTURES=$(or $(DAY_PICTURES),day) \
	  $(BIN)/pytest -q -o faulthandler_timeout=0 tests/e2e/test_day_of_use.py

scale: setup ## a folder of 200,000 objects on SeaweedFS in the real window, with the time of each step
	@QT_QPA_PLATFORM=offscreen STRONGROOM_HEAVY=1 $(BIN)/pytest -q -s -o faulthandler_timeout=0 \
	  tests/e2e/test_browser_at_scale.py

tables: setup ## faults at every step of backups and restores of each engine, and 1,000 generated tables of each
	@.ci/test-servers
	@PYTHONPATH=.:tests $(BIN)/python -m servers.tables $(TABLES)
	@QT_QPA_PLATFORM=offscreen STRONGROOM_HEAVY=1 $(BIN)/pytest $(SPREAD) \
	  -o faulthandler_timeout=0 tests/core/backup

soak: setup ## 200 uploads of a folder, 20 rounds of two processes at once, 10,000 files in a bad network
	@S3_SERVERS=demo,seaweed QT_QPA_PLATFORM=offscreen SOAK=200 RACES=20 $(BIN)/pytest -q $(SPREAD) \
	  -o faulthandler_timeout=0 tests/servers/test_soak.py tests/servers/test_races.py
	@S3_SERVERS=seaweed QT_QPA_PLATFORM=offscreen RANDOM_FILES=10000 $(BIN)/pytest -q \
	  -o faulthandler_timeout=0 tests/servers/test_random_faults.py

bench: setup ## print figures beside those of peers; ONLY=name runs one
	@.ci/compiler
	@$(BIN)/python -m tests.benchmarks $(ONLY)

shots: setup ## render the pictures that the README shows
	@QT_QPA_PLATFORM=offscreen $(BIN)/strongroom --demo --screenshots build/screenshots --size 1280x800
	@mkdir -p resources/screenshots
	@grep -o 'resources/screenshots/[^)]*' README.md | sort -u \
	  | while read -r shown; do cp "build/screenshots/$${shown##*/}" "$$shown"; done

docs: setup ## build the documentation into build/docs: command reference, links, API reference
	@PYTHONPATH=.:tests $(BIN)/python -m helpers.command_reference
	@$(BIN)/zensical build --clean --strict --config-file .zensical.toml

lock: ## pin all dependencies again (needs uv)
	@$(BIN)/python -c 'import tomllib; p = tomllib.load(open("pyproject.toml", "rb")); \
	  print("\n".join(p["project"]["dependencies"] + p["dependency-groups"]["dev"]))' \
	  | uv pip compile - --quiet --universal --python-version 3.11 --generate-hashes \
	    --no-emit-index-url --no-header --no-annotate --output-file requirements.lock

clean: ## remove what was made here
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .cache bench-out build

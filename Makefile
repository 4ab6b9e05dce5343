# guoku 国库. Every target works on a fresh machine with only Python >= 3.11 and make.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check
GROUPS  := dev export bench mutation

.PHONY: setup runtime console export-tools bench-tools generators hooks run test test-slow model demo bench lint \
        contracts schema coverage mutation lock clean
.DEFAULT_GOAL := setup

# All that is needed to work on guoku: `make setup && .venv/bin/python -m pytest`. Where the console
# cannot be built, for want of npm's registry, all else is there, and /console/ says how to build it.
setup: $(VENV)/.dev $(VENV)/.export
	-@$(MAKE) --no-print-directory console

# What the program itself runs with, and no more. Hatchling, which puts the folder on the path, is in
# the lock as well: nothing is installed that has no hash.
runtime: $(VENV)/.runtime

$(VENV)/.runtime: requirements.lock pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(INSTALL) --require-hashes -r requirements.lock
	$(INSTALL) --no-deps --no-build-isolation -e .
	@touch $@

# dev: linters and tests. export: Parquet (55 MB) and DuckDB (25 MB), what an export for people needs
# and the server does not. bench: plots and micro-benchmarks. mutation: what breaks code on purpose.
$(VENV)/.%: requirements-%.lock $(VENV)/.runtime
	$(INSTALL) --require-hashes -r $<
	@touch $@

# The console 控制台: built into api/console, from where it is served and put into the wheel, with the
# machine's Node.js from 20.19 on, else with one of its own from PyPI.
CONSOLE := api/console/index.html
CONSOLE_SOURCES := $(shell find console/src console/public -type f ! -name schema.d.ts) \
                   $(addprefix console/,index.html package.json package-lock.json tsconfig.json vite.config.ts)
NODE_SUFFICES := const [major, minor] = process.versions.node.split("."); \
                 process.exit(major > 20 || (major == 20 && minor >= 19) ? 0 : 1)
WITH_NODE := PATH="$(CURDIR)/.node/bin:$$PATH"

console: $(CONSOLE)

console/node_modules/.installed: console/package-lock.json tests/generators/node.lock
	node -e '$(NODE_SUFFICES)' 2>/dev/null && command -v npm >/dev/null || { \
	  $(PYTHON) -m venv .node && \
	  .node/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r tests/generators/node.lock; }
	cd console && $(WITH_NODE) npm ci --silent --no-audit --no-fund
	@touch $@

$(CONSOLE): $(CONSOLE_SOURCES) console/node_modules/.installed
	cd console && $(WITH_NODE) npm run --silent bundle -- --logLevel warn

export-tools: $(VENV)/.export

bench-tools: $(VENV)/.bench

# What makes clients of the OpenAPI document, in an environment of its own: it wants other versions.
GENERATORS := .generators/.installed

$(GENERATORS): $(wildcard tests/generators/*)
	$(PYTHON) -m venv .generators
	.generators/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r tests/generators/requirements.lock
	command -v npm >/dev/null || .generators/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r tests/generators/node.lock
	cp tests/generators/package.json tests/generators/package-lock.json .generators/
	cd .generators && PATH="$$PWD/bin:$$PATH" npm ci --silent --no-audit --no-fund
	@touch $(GENERATORS)

generators: $(GENERATORS)

run: runtime
	-@$(MAKE) --no-print-directory console
	@$(BIN)/guoku up

# More workers than cores, a file to each at a time: most tests wait for processes of their own. In
# the order that tests/conftest.py gives: those that take long come first.
test: setup generators
	$(BIN)/python -m pytest -n 3 --dist loadfile --no-loadscope-reorder

test-slow: setup
	$(BIN)/python -m pytest -m slow

# Clients, kills and a bank's faults by a seed, held against a model: about a minute a cycle.
CYCLES ?= 40
SEED   ?= 1
model: setup
	GUOKU_MODEL_CYCLES=$(CYCLES) GUOKU_MODEL_SEED=$(SEED) \
	  $(BIN)/python -m pytest -s tests/faults/test_model_of_a_treasury.py

demo: runtime
	$(BIN)/guoku demo

bench: bench-tools
	$(BIN)/guoku bench all --json bench/results/result.json --plots bench/results

lint: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

# Which lines and branches the tests reach, processes that they start included; the whole in coverage/.
coverage: setup
	$(BIN)/python -m pytest -n 2 --dist loadfile --cov --cov-report=html:coverage --cov-report=term

# Breaks what decides about money in every small way, and names what no test notices; `mutmut show
# NAME` shows one. What survivors mean is in docs/lab/mutation.md.
mutation: $(VENV)/.dev $(VENV)/.mutation
	rm -rf mutants
	$(BIN)/mutmut run > /dev/null
	$(BIN)/mutmut results

# Has git lint before each commit.
hooks: $(VENV)/.dev
	$(BIN)/pre-commit install

# Rewrites .importlinter from the list of rooms.
contracts: setup
	$(BIN)/python -m tests.house.contracts > .importlinter

# Rewrites what a fresh database has, after a migration was added.
schema: setup
	$(BIN)/python -m tests.house.schema > .schema.draft
	mv .schema.draft ledger/data/schema.txt

# Rewrites the lock files from pyproject.toml and tests/generators: hashes, no registry host in them.
# What is locked stays as long as pyproject.toml allows it; `make lock UPGRADE=--upgrade` takes the
# newest.
COMPILE := $(BIN)/uv pip compile --universal --python-version 3.11 --generate-hashes --no-header \
           --no-emit-index-url --no-emit-find-links --quiet $(UPGRADE)

lock: runtime
	$(INSTALL) uv
	$(COMPILE) pyproject.toml --group build -o requirements.lock
	for group in $(GROUPS); do \
	  $(COMPILE) --group $$group --constraint requirements.lock -o requirements-$$group.lock || exit; \
	done
	for name in requirements node; do \
	  $(COMPILE) tests/generators/$$name.in -o tests/generators/$$name.lock || exit; \
	done
	for folder in tests/generators console; do \
	  (cd $$folder && $(WITH_NODE) npm install --package-lock-only --omit-lockfile-registry-resolved --no-audit --no-fund) || exit; \
	done

clean:
	rm -rf $(VENV) .generators .node console/node_modules api/console build dist coverage mutants

# guoku 国库. Every target works on a fresh machine with only Python >= 3.11 and make.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.installed

.PHONY: setup export-tools generators run test test-slow demo bench lint contracts lock clean
.DEFAULT_GOAL := setup

$(STAMP): requirements.lock pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $(STAMP)

setup: $(STAMP)

# Parquet (55 MB) and DuckDB (25 MB): what an export for people needs and the server does not.
EXPORT_TOOLS := $(VENV)/.export-tools

$(EXPORT_TOOLS): requirements-export.lock $(STAMP)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-export.lock
	@touch $(EXPORT_TOOLS)

export-tools: $(EXPORT_TOOLS)

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

run: setup
	@$(BIN)/guoku up

# Two workers, a file to each at a time: most tests wait for disk or for processes of their own.
test: export-tools generators
	$(BIN)/python -m pytest -n 2 --dist loadfile

test-slow: export-tools
	$(BIN)/python -m pytest -m slow

demo: setup
	$(BIN)/guoku demo

bench: setup
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-bench.lock
	$(BIN)/guoku bench all --json bench/results/result.json --plots bench/results

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

# Rewrites .importlinter from the list of rooms.
contracts: setup
	$(BIN)/python -m tests.house.contracts > .importlinter

# Rewrites the lock files from pyproject.toml and tests/generators: hashes, no registry host in them.
lock: setup
	$(BIN)/python -m pip install --quiet uv
	$(BIN)/uv pip compile pyproject.toml --extra dev --universal --python-version 3.11 \
	  --generate-hashes --no-emit-index-url --no-header --quiet -o requirements.lock
	$(BIN)/uv pip compile pyproject.toml --extra bench --universal --python-version 3.11 \
	  --constraint requirements.lock \
	  --generate-hashes --no-emit-index-url --no-header --quiet -o requirements-bench.lock
	$(BIN)/uv pip compile pyproject.toml --extra export --universal --python-version 3.11 \
	  --constraint requirements.lock \
	  --generate-hashes --no-emit-index-url --no-header --quiet -o requirements-export.lock
	for name in requirements node; do \
	  $(BIN)/uv pip compile tests/generators/$$name.in --universal --python-version 3.11 \
	    --generate-hashes --no-emit-index-url --no-header --quiet -o tests/generators/$$name.lock || exit 1; \
	done
	cd tests/generators && npm install --package-lock-only --omit-lockfile-registry-resolved --no-audit --no-fund

clean:
	rm -rf $(VENV) .generators build dist

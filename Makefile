# guoku 国库. Every target works on a fresh machine with only Python >= 3.11 and make.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.installed

.PHONY: setup export-tools run test test-slow demo bench lint lock clean
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

run: setup
	@$(BIN)/guoku up

# Two workers, a file to each at a time: most tests wait for disk or for processes of their own.
test: export-tools
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

# Rewrites the lock file from pyproject.toml: hashes, no registry host in it.
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

clean:
	rm -rf $(VENV) build dist

# Two commands do everything: `make leaderboard` and `make test`.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
JOBS ?= auto

AXE ?= 4.11
FUZZ_SECONDS ?= 60

.PHONY: leaderboard test lint bench bench-discovery fuzz clean

leaderboard: $(VENV)/.installed
	$(BIN)/sld run --suite nano
	$(BIN)/sld leaderboard --suite nano

test: lint $(VENV)/.installed-axe
	$(BIN)/pytest -n $(JOBS)

lint: $(VENV)/.installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

bench: $(VENV)/.installed-dev
	$(BIN)/python tests/benchmarks/overhead.py
	$(BIN)/python tests/benchmarks/site.py
	$(BIN)/python tests/benchmarks/laws.py

# Coverage-guided, each reader of foreign bytes for a while; what it finds is in build/fuzz/broken.
fuzz: $(VENV)/.installed-fuzz
	$(BIN)/python tests/fuzz/run_atheris.py --seconds $(FUZZ_SECONDS)

# Five seeds of sixteen tasks, a minute each, then as much for pyoperon: three hours; goes on where it was stopped.
bench-discovery: $(VENV)/.installed-dev
	$(BIN)/python tests/benchmarks/discovery.py
	$(BIN)/python tests/benchmarks/discovery.py --operon

# The accessibility checks of the pages; without npm they are skipped and say why.
$(VENV)/.installed-axe: Makefile $(VENV)/.installed-dev
	@npm install --silent --no-audit --no-fund --no-save --prefix $(VENV)/axe axe-core@$(AXE) || \
	  echo "note: axe-core could not be installed with npm; the accessibility tests are skipped"
	@touch $@

clean:
	rm -rf $(VENV) build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "error: Python 3.11 or newer is needed, $(PYTHON) is $$($(PYTHON) -V); try: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 2; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: pyproject.toml | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[math]'
	@touch $@

$(VENV)/.installed-dev: pyproject.toml $(VENV)/.installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $@

$(VENV)/.installed-fuzz: pyproject.toml $(VENV)/.installed-dev
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[fuzz]'
	@touch $@

# Everything happens in .venv; nothing needs root except the Debian packages that the wider tests use.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
LOCALE := netmon/locale
PYTEST := $(BIN)/python -m pytest -q
WORKERS ?= 2
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt

.PHONY: demo run test check lint bench soak pictures messages dashboards bundle clean

demo: $(VENV)/.run  ## a simulated county, monitored over real protocols
	@$(BIN)/netmon demo

check: lint test  ## all that CI runs: style, types, import rules, catalogues, tests

lint: $(VENV)/.dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

# Tests of one file share a worker, and with it their servers. A failure in the first part does not keep the second from
# running; whatever else ends a part ends both. Compiled modules are kept, since many tests start programs.
test: export PYTHONDONTWRITEBYTECODE :=
test: $(VENV)/.dev  ## what cannot run here is skipped, with the reason and the line that installs what is missing
	@echo "== tests that may share the machine, $(WORKERS) at a time"; \
	  $(PYTEST) -m "not alone" --numprocesses=$(WORKERS) --dist=loadfile --no-loadscope-reorder; \
	  first=$$?; [ $$first -le 1 ] || exit $$first; \
	  echo "== tests that need the machine for themselves, one at a time"; \
	  $(PYTEST) -m alone && [ $$first -eq 0 ] || { echo "== tests have failed, see above"; exit 1; }

bench: $(VENV)/.dev  ## the figures of docs/performance.md, beside named peers
	@for script in $(filter-out bench/pairs.py,$(wildcard bench/*.py)); do echo "== $$script"; $(BIN)/python $$script || exit 1; done

soak: $(VENV)/.dev  ## hours: the tests marked `soak` with many times the inputs and a new seed, which is printed
	NETMON_SOAK=1 $(BIN)/python -m pytest -m soak --timeout 7200

pictures: $(VENV)/.dev  ## pictures of what a person sees, in pictures/
	$(BIN)/python tests/lab/pictures.py

messages: $(VENV)/.dev  ## collect texts into the catalogues, in the order of the alphabet, and compile them
	$(BIN)/pybabel -q extract -F babel.cfg -k _n --no-wrap --sort-output --omit-header --no-location -o $(LOCALE)/netmon.pot netmon grafana
	$(BIN)/pybabel -q update --no-wrap --no-fuzzy-matching --ignore-obsolete --ignore-pot-creation-date -D netmon -i $(LOCALE)/netmon.pot -d $(LOCALE)
	$(BIN)/pybabel -q compile -D netmon -d $(LOCALE)

bundle: $(VENV)/.dev  ## dist/: everything for a machine without a registry (docs/install.md)
	@$(BIN)/python deploy/bundle.py dist

dashboards: $(VENV)/.dev  ## write grafana/dashboards anew from the code beside them
	$(BIN)/python -m grafana.generate

clean:
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis pictures

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "netmon needs Python 3.11 or later; $(PYTHON) is $$($(PYTHON) --version 2>&1). Name another one: make PYTHON=python3.12 ..."; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
	  echo "Python's venv module is missing. Install it: sudo apt-get install python3-venv"; exit 1; }
	@echo "Setting up $(VENV) (once)..."
	@$(PYTHON) -m venv $(VENV)

$(VENV)/.run: $(VENV)/bin/python pyproject.toml constraints.txt
	@$(PIP) --editable .
	@touch $@

$(VENV)/.dev: $(VENV)/bin/python pyproject.toml constraints.txt
	@$(PIP) --editable '.[dev]'
	@touch $@ $(VENV)/.run

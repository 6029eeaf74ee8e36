# `make help` lists the targets. Each of them first installs what it needs into .venv.
.DEFAULT_GOAL := help
BIN := .venv/$(if $(filter Windows_NT,$(OS)),Scripts,bin)
# The first Python on the path that is new enough.
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11 python; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
PURPOSE ?= dev
PYTEST_ARGS ?=
DASHBOARD_ARGS ?=

.PHONY: help dashboard lab test test-long check bench lock setup clean python

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' Makefile | expand -t 12

dashboard: python ## install, make demo data, serve the dashboard and print its address
	@$(PYTHON) scripts/setup.py dashboard
	@$(PYTHON) scripts/setup.py reports
	@$(BIN)/microgrid demo --if-empty
	@$(BIN)/microgrid dashboard $(DASHBOARD_ARGS)

lab: python ## install, start JupyterLab for data scientists
	@$(PYTHON) scripts/setup.py analyst
	@$(BIN)/microgrid lab

test: python ## install, run the tests (one test: make test PYTEST_ARGS="-k name")
	@$(PYTHON) scripts/setup.py dev
	$(BIN)/python -m pytest -n 2 --dist loadfile $(PYTEST_ARGS)

test-long: python ## the tests that take minutes
	@$(PYTHON) scripts/setup.py dev
	$(BIN)/python -m pytest -m long --timeout 1800 $(PYTEST_ARGS)

check: python ## format, lint, types, direction of imports
	@$(PYTHON) scripts/setup.py dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/python -m pytest -q tests/test_project.py -k imports

bench: python ## the budgets, measured
	@$(PYTHON) scripts/setup.py dev
	$(BIN)/python -m benchmarks

lock: python ## resolve the locks anew (newest versions: make lock UPGRADE=--upgrade)
	@$(PYTHON) scripts/setup.py setup
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python scripts/lock.py $(UPGRADE)

setup: python ## install a purpose (make setup PURPOSE=spark); purposes add up
	@$(PYTHON) scripts/setup.py $(PURPOSE)

clean: ## remove .venv, caches and build output; data/ and reports/output/ are yours and stay
	rm -rf .venv build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find microgrid_lib tests benchmarks scripts notebooks ml reports -name __pycache__ -prune \
		-exec rm -rf {} + 2>/dev/null || true
	@echo "data/ is left as it is"

python:
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed and none is on the path" >&2; exit 2; }

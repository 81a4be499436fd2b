# Casebook's commands. `make` alone lists them.
#
# Everything is installed into .venv and built into var/, both below this folder; nothing else on
# the machine is touched. pip's own configuration (proxy, mirror, PIP_INDEX_URL) applies.

PYTHON ?= python3
MODEL ?= m3e-small
PORT ?= 8000
BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check

# Chinese paths and output, whatever the locale says.
export PYTHONUTF8 = 1
# Once prepared, no model library may look for newer weights.
export HF_HUB_OFFLINE = 1

.PHONY: help serve test lint format bench eval constraints clean

help: ## List the commands
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' Makefile | expand -t 14

serve: .venv/serve.stamp var/models/$(MODEL)/encoder.json ## Answer questions at http://127.0.0.1:8000 on the bundled cases
	$(BIN)/casebook build data --model "$(MODEL)"
	$(BIN)/casebook serve --port "$(PORT)"

test: .venv/dev.stamp var/models/$(MODEL)/encoder.json ## Run the whole test suite
	$(BIN)/python -m pytest

lint: .venv/dev.stamp ## Formatter, linter, types, direction of imports
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: .venv/dev.stamp ## Format the code
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

eval: .venv/serve.stamp var/models/$(MODEL)/encoder.json ## Evidence recall on the development questions
	$(BIN)/casebook build data --model "$(MODEL)"
	$(BIN)/casebook eval run

bench: .venv/dev.stamp var/models/$(MODEL)/encoder.json ## Speed and memory, as ratios within one run
	$(BIN)/python -m eval.bench

constraints: .venv/dev.stamp ## Pin what is installed now
	$(PIP) freeze --exclude-editable | sed 's/^torch==\([0-9.]*\).*/torch==\1/' > constraints.txt

clean: ## Remove what was installed and built
	rm -rf .venv var

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "Casebook needs Python 3.11 or newer; try: make $(MAKECMDGOALS) PYTHON=python3.11"; exit 1; }
	$(PYTHON) -m venv .venv

.venv/serve.stamp: pyproject.toml constraints.txt | .venv/bin/python
	$(PIP) install --constraint constraints.txt --editable .
	@touch $@

.venv/dev.stamp: pyproject.toml constraints.txt | .venv/bin/python
	$(PIP) install --constraint constraints.txt --editable '.[dev]'
	@touch $@ .venv/serve.stamp

# Not a dependency on the stamp's age: a new library version does not change a prepared model.
var/models/%/encoder.json: | .venv/serve.stamp
	HF_HUB_OFFLINE=0 $(BIN)/casebook model prepare "$*"

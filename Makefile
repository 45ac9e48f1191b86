# flashback: two commands are enough, `make demo` and `make test`. The others are for its makers.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
export PIP_DISABLE_PIP_VERSION_CHECK = 1

.PHONY: demo test environment servers lint types contract tests golden screenshots catalogue constraints bench bench-large chaos fuzz clean

demo: $(VENV)/ready  ## Make the environment, then run the main job on the example issue.
	@$(BIN)/flashback demo

test: $(VENV)/ready servers lint types contract tests  ## Everything that must hold.

# The environment: exact versions, checked by their hashes, then this checkout on top.
environment: $(VENV)/ready
$(VENV)/ready: pyproject.toml constraints.txt
	@sh tools/make-environment "$(PYTHON)" "$(VENV)"
	@touch $@

# Postfix, PostgreSQL and Chromium for the tests, where we may install them.
servers:
	@sh tools/install-servers

lint: $(VENV)/ready
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

types: $(VENV)/ready
	$(BIN)/mypy

contract: $(VENV)/ready
	$(BIN)/lint-imports

tests: $(VENV)/ready
	$(BIN)/python -m pytest -n 2 --dist worksteal --cov --cov-report=term

PEOPLE ?= 1000000
# Take these figures on a machine that does nothing else. One part: make bench PARTS="near far"
bench: $(VENV)/ready servers  ## How fast a mailing leaves, and what it costs.
	$(BIN)/python tests/benchmarks/composing.py
	$(if $(PARTS),,$(BIN)/python tests/benchmarks/subscribers.py --people $(PEOPLE))
	$(if $(PARTS),,$(BIN)/python tests/benchmarks/importing.py --people $(PEOPLE))
	$(BIN)/python tests/benchmarks/dispatch.py $(PARTS)

bench-large: $(VENV)/ready servers  ## The same for a million readers.
	$(BIN)/python tests/benchmarks/dispatch.py memory first --octets 5000 --rounds 1 --audiences 1000000

RUNS ?= 50
SEED ?= 1
chaos: $(VENV)/ready servers  ## kill -9 at random instants, and an account that must add up.
	$(BIN)/python tests/chaos/run.py --runs $(RUNS) --seed $(SEED)

SECONDS ?= 60
fuzz: $(VENV)/ready  ## Hostile octets for everything that reads them.
	$(BIN)/python tests/fuzz/run.py --seconds $(SECONDS)

golden: $(VENV)/ready  ## Compose the golden files again; look at the difference before you commit.
	$(BIN)/python tests/golden/renew.py

screenshots: $(VENV)/ready  ## Draw the pictures of the README and the docs.
	$(BIN)/python tests/golden/screenshots.py
	$(BIN)/python tests/golden/pages.py

catalogue: $(VENV)/ready  ## Collect the sentences of the program for translation, and compile them.
	$(BIN)/python tools/catalogue.py

constraints: $(VENV)/ready  ## Pin the newest versions that pyproject.toml allows.
	$(BIN)/python tools/pin.py

clean:
	rm -rf $(VENV) out demo-workspace .mypy_cache .ruff_cache .pytest_cache .hypothesis .coverage*

# What a newcomer types. `make demo` and `make test` set everything up by themselves.
.PHONY: setup demo serve test check format lock bench bench-store bench-gateway bench-notebooks bench-server bench-analysis bench-edits bench-tasks bench-conversation clean
BIN := .venv/bin

setup:
	@sh deploy/setup.sh

demo: setup
	@$(BIN)/gristmill analyze examples/penguins.csv --ask "Does bill length predict bill depth, and what separates the species?" --out demo

serve: setup
	@$(BIN)/gristmill serve

# Whole files in four processes, each with gateways of its own (in which order: tests/conftest.py): a test
# that waits leaves the core to another. `make test JOBS=0` is this process alone.
JOBS ?= 4
test: browser
	@$(BIN)/python -m pytest -n $(JOBS) --dist loadfile --no-loadscope-reorder

check: setup
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

.PHONY: browser
browser:
	@sh deploy/setup.sh browser

format: setup
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

# Each prints ratios taken in one run, and the goals that were missed; the figures go to bench/results.
bench: bench-store bench-gateway bench-notebooks bench-server bench-analysis bench-tasks bench-conversation

bench-store: setup
	@$(BIN)/python -m bench.store

bench-gateway: setup
	@$(BIN)/python -m bench.gateway

bench-notebooks: setup
	@$(BIN)/python -m bench.notebooks

bench-server: setup
	@$(BIN)/python -m bench.server

bench-conversation: setup
	@$(BIN)/python -m bench.conversation

bench-tasks: setup
	@$(BIN)/python -m bench.tasks

bench-analysis: setup
	@$(BIN)/python -m bench.analysis

# Three quarters of an hour: 300 random edits, each held against a run from the top. Goes on where it was stopped.
bench-edits: setup
	@$(BIN)/python -m bench.edits

# Exact versions with hashes, for every platform, naming no registry.
lock:
	@$(BIN)/uv pip compile -q pyproject.toml --all-extras --universal --python-version 3.12 --generate-hashes \
	  --no-emit-index-url --no-emit-find-links --custom-compile-command "make lock" -o requirements.lock

clean:
	rm -rf .venv build *.egg-info .mypy_cache .ruff_cache .pytest_cache

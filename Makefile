# One command a chore; `make help` lists them. docs/decisions/ says why things are set up as they are.

VENV   := .venv
PYTHON ?=
# cpu or gpu: which build of vLLM goes into .venv.
ENGINE ?= cpu
# More arguments for `hipo-data run` or for pytest: make run ARGS="--limit 20", make test ARGS="-k select".
ARGS   ?=
# Processes that run the tests, each with a Ray cluster and engines of its own; they wait for each other often enough that
# three keep two cores busy. 0: none but pytest itself.
WORKERS ?= 3
PYTEST = $(VENV)/bin/python -m pytest --numprocesses $(WORKERS) --dist loadscope --durations 20
ROOMS  := figures schemas prompts engines graders stages pipeline trainer evaluation reproduce models

# An install is repeated only when one of these is newer than its stamp.
INPUTS     := pyproject.toml constraints.txt scripts/install.sh scripts/overrides.txt
RUN_STAMP  := $(VENV)/.installed-$(ENGINE)
DEV_STAMP  := $(VENV)/.installed-$(ENGINE)-dev
DEV_EXTRAS := train,s3,evalplus,dev

export PYTHON
# Tests start over a thousand processes; where this is set, each of them compiles the whole project again.
unexport PYTHONDONTWRITEBYTECODE
.DEFAULT_GOAL := help
.PHONY: help install run test test-fast test-rest test-all lint format check teacher reproduce reproduce-more bench constraints \
	architecture wheel clean

help: ## Say what can be made (this list)
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))
	@echo "  Variables: ENGINE=cpu|gpu  PYTHON=python3.12  ARGS=\"--limit 20\"  WORKERS=3  SYSTEM_PACKAGES=no"

$(RUN_STAMP): $(INPUTS)
	@scripts/install.sh $(ENGINE)
	@touch $@

# Holds all that the run stamp stands for, too; not a prerequisite of it, so that `make run` alone stays small.
$(DEV_STAMP): $(INPUTS)
	@scripts/install.sh $(ENGINE),$(DEV_EXTRAS)
	@touch $(RUN_STAMP) $@

install: $(DEV_STAMP) ## Set up .venv for development, if it is not yet

run: $(RUN_STAMP) ## Turn the quickstart problems into training data with the embedded teacher
	$(VENV)/bin/hipo-data run --stage all --config recipes/quickstart.yaml $(ARGS)

test: $(DEV_STAMP) ## Run the tests: every promise once for real (14 to 18 minutes on 2 cores)
	$(PYTEST) -m "not long" $(ARGS)

test-fast: $(DEV_STAMP) ## Run the tests that take less than a few seconds each
	$(PYTEST) -m "not slow and not long" $(ARGS)

test-rest: $(DEV_STAMP) ## Run the tests that `make test` leaves out
	$(PYTEST) -m long $(ARGS)

test-all: test test-rest ## Run all tests (36 to 48 minutes on 2 cores)

lint: $(DEV_STAMP) ## Check style, format, types and the import direction
	@failed=; for check in "ruff check" "ruff format --check" mypy lint-imports; do \
		echo "$(VENV)/bin/$$check"; $(VENV)/bin/$$check || failed="$$failed '$$check'"; \
	done; [ -z "$$failed" ] || { echo "lint: these failed:$$failed"; exit 1; }

format: $(DEV_STAMP) ## Rewrite the code in the project's style
	$(VENV)/bin/ruff check --fix
	$(VENV)/bin/ruff format

check: lint test ## Run lint and test: what has to pass before a change goes in; CI runs the rest as well

teacher: $(DEV_STAMP) ## Train the embedded teacher anew and measure it (45 minutes on 2 cores)
	$(VENV)/bin/python -m hipo_data.models.make $(ARGS)

reproduce: $(DEV_STAMP) ## Compare HiPO with GRPO and its cold starts on the embedded teacher
	$(VENV)/bin/python -m hipo_data.reproduce $(ARGS)

reproduce-more: $(DEV_STAMP) ## Do the same and go on with the other methods and the ablations
	$(VENV)/bin/python -m hipo_data.reproduce --more $(ARGS)

bench: $(DEV_STAMP) ## Run every benchmark and compare its ratio with its goal
	$(VENV)/bin/python scripts/bench.py $(ARGS)

constraints: $(DEV_STAMP) ## Pin in constraints.txt what .venv holds now
	$(VENV)/bin/python scripts/constraints.py
	@# The same pins must leave a solution for the other build of vLLM.
	@$(VENV)/bin/uv pip compile --quiet --python-platform x86_64-unknown-linux-gnu --constraints constraints.txt \
		--extra gpu --extra train --output-file /dev/null pyproject.toml \
		|| { echo "constraints.txt leaves no solution for the gpu extra: change the versions named above"; exit 1; }
	@# Nothing has to be installed anew because of it.
	@touch $(RUN_STAMP) $(DEV_STAMP)

architecture: $(DEV_STAMP) ## Draw the tables of docs/ anew from the code
	$(VENV)/bin/python scripts/architecture.py

wheel: $(DEV_STAMP) ## Build a wheel into dist/
	$(VENV)/bin/uv build --quiet --wheel --no-build-isolation --python $(VENV)/bin/python --out-dir dist

clean: ## Remove .venv, caches and builds; runs/ stays
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find $(ROOMS) tests benchmarks scripts -name __pycache__ -type d -prune -exec rm -rf {} +
	@echo "runs/ is left alone: it holds your data. Remove it yourself if you mean to."

# digitkit: `make` lists what can be made.
# Needs Debian's make, python3.11 (or newer) and python3-venv; everything else goes into .venv.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory

# The Python that makes .venv: `make run PYTHON=python3.13`.
PYTHON ?= $(firstword $(shell command -v python3.11) $(shell command -v python3) python3)
# Where `make run` puts its run: each time a new folder, since a run is never overwritten.
ifndef RUN
RUN := runs/fast-$(shell date +%Y%m%d-%H%M%S)
endif
# Only `make lock` needs uv.
UV ?= uv

BIN := .venv/bin
PIP := PYTHONUNBUFFERED=1 PIP_DISABLE_PIP_VERSION_CHECK=1 $(BIN)/python -m pip --no-input
# mkdocs-material advertises its successor on every build (docs/decisions.md).
MKDOCS := NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs
# Of all that pip says, keep the large downloads and the end; errors go another way and are always seen.
QUIETLY := sed -u -n -E \
	-e 's/^ *Downloading ([A-Za-z0-9_.]+)-([0-9][^-]*)-.*\(([0-9]{2,}\.[0-9]+ MB|[0-9.]+ GB)\).*/  getting \1 \2 (\3)/p' \
	-e 's/^Installing collected packages.*/  unpacking/p'

.PHONY: help
help: ## this list
	@echo "make TARGET, where TARGET is one of:"
	@sed -n -E 's/^([a-z-]+):.*## (.*)/  \1\t\2/p' $(MAKEFILE_LIST) | expand -t 14

# --- what a user wants -------------------------------------------------------------------------------------------------

.PHONY: run
run: .venv/.train .venv/.project ## set up, train on MNIST, test, export one .onnx file, read examples/
	@$(BIN)/digitkit train experiment=fast data.fallback=optdigits run.folder=$(RUN)
	@$(BIN)/digitkit predict examples --bundle $(RUN)/model.onnx
	@echo
	@echo "Try next:"
	@echo "  $(BIN)/digitkit predict YOUR_PICTURE.png --bundle $(RUN)/model.onnx"
	@echo "  $(BIN)/digitkit predict --sample mnist/test --top-k 3"
	@echo "  $(BIN)/digitkit train experiment=sprint"

.PHONY: app
app: .venv/.app .venv/.project ## draw, upload and photograph digits in a web page
	@$(BIN)/digitkit app

.PHONY: serve
serve: .venv/.app .venv/.project ## answer over HTTP; settings: docs/serve.md
	@$(BIN)/digitkit serve

.PHONY: up
up: .env ## the whole stack in containers: proxy, page, service, PostgreSQL, backups (needs Docker)
	@docker compose up --detach --build --wait
	@echo "Open https://$$(sed -n 's/^DIGITKIT_SITE=//p' .env):$$(sed -n 's/^DIGITKIT_HTTPS_PORT=//p' .env)"

.PHONY: down
down: ## stop the stack; its data stay
	@docker compose down

.PHONY: logs
logs: ## what the containers of the stack say
	@docker compose logs --follow --tail 100

.env:
	@umask 077 && sed "s/^POSTGRES_PASSWORD=$$/POSTGRES_PASSWORD=$$(od -An -N24 -tx1 /dev/urandom | tr -d ' \n')/" .env.example > $@
	@echo "Made .env with a new password for the database."

# --- what a contributor wants ------------------------------------------------------------------------------------------

.PHONY: test
# The threads of torch in several test processes wait for each other in short loops, as those of the commands do.
test: .venv/.all .venv/.project ## the whole test suite with its coverage gate, without the slow tests
	@GOMP_SPINCOUNT=1000 $(BIN)/python -m pytest --quiet --cov --numprocesses auto --dist loadfile

.PHONY: test-slow
test-slow: .venv/.all .venv/.project ## the slow tests
	@$(BIN)/python -m pytest --quiet -m slow

.PHONY: check
check: .venv/.all .venv/.project ## format, lint, types, floors, docs
	@$(BIN)/ruff format --check --quiet . || { echo "Some files are not formatted: run 'make fix'." >&2; exit 1; }
	@$(BIN)/ruff check --quiet .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-logo --no-cache
	@$(MKDOCS) build --strict --quiet

.PHONY: fix
fix: .venv/.all ## format the code and mend what ruff can mend
	@$(BIN)/ruff check --fix --quiet . || true
	@$(BIN)/ruff format .

.PHONY: docs
docs: .venv/.all ## build the documentation into site/
	@$(MKDOCS) build --strict --quiet
	@echo "Open site/index.html"

.PHONY: lock
lock: ## renew requirements/*.txt from pyproject.toml (needs uv)
	@command -v $(UV) >/dev/null || { echo "Locking needs uv: install it, or say where it is with UV=..." >&2; exit 1; }
	@$(LOCK) $(UPGRADE) --extra all pyproject.toml -o requirements/all.txt
	@$(LOCK) -c requirements/all.txt --extra train pyproject.toml -o requirements/train.txt
	@$(LOCK) -c requirements/all.txt --extra app pyproject.toml -o requirements/app.txt
	@$(LOCK) -c requirements/all.txt pyproject.toml -o requirements/base.txt
	@$(LOCK) -c requirements/all.txt requirements/build.in -o requirements/build.txt
	@echo "Locked. See what changed with: git diff --stat requirements"

# One lock for all systems; with hashes, and without any address, so that it works behind every mirror.
# `make lock` keeps the versions that still fit; `make lock UPGRADE=--upgrade` takes the newest.
LOCK = $(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-emit-find-links --no-header --no-annotate
UPGRADE ?=

.PHONY: clean
clean: ## remove .venv and everything built; runs/ stays
	@rm -rf .venv dist site .coverage .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis

# --- set-up ------------------------------------------------------------------------------------------------------------
# Each step leaves a stamp in .venv, so that it runs again only when its lock has changed.

# An environment that works is kept as it is, whichever Python made it; a broken one is made anew.
.venv/.made:
	@if ! $(BIN)/python -c 'import pip, ssl' 2>/dev/null; then $(MAKE) new-venv; fi
	@touch $@

.PHONY: new-venv
new-venv:
	@command -v $(PYTHON) >/dev/null \
	  || { echo "Cannot find $(PYTHON). On Debian: apt install python3.11 python3-venv" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "digitkit needs Python 3.11 or newer, but $(PYTHON) is $$($(PYTHON) --version). Try: make PYTHON=python3.11" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, ssl, venv' 2>/dev/null \
	  || { echo "$(PYTHON) cannot make virtual environments. On Debian: apt install python3-venv" >&2; exit 1; }
	@echo "Making .venv with $$($(PYTHON) --version)"
	@$(PYTHON) -m venv --clear .venv

.venv/.tools: requirements/build.txt .venv/.made
	@$(PIP) install --quiet --require-hashes -r $<
	@touch $@

.venv/.train: requirements/train.txt .venv/.tools
	@echo "Installing what training needs (requirements/train.txt: about 6 GB on disk with torch, some minutes the first time)"
	@$(PIP) install --progress-bar off --require-hashes --no-build-isolation -r $< | $(QUIETLY)
	@touch $@

.venv/.all: requirements/all.txt requirements/train.txt .venv/.tools
	@echo "Installing what training, tests and docs need (requirements/all.txt: about 6 GB on disk with torch, some minutes the first time)"
	@$(PIP) install --progress-bar off --require-hashes --no-build-isolation -r $< | $(QUIETLY)
	@touch .venv/.train $@

.venv/.app: requirements/app.txt .venv/.tools
	@echo "Installing what the service and the web app need (requirements/app.txt)"
	@$(PIP) install --progress-bar off --require-hashes --no-build-isolation -r $< | $(QUIETLY)
	@touch $@

.venv/.project: pyproject.toml .venv/.tools
	@$(PIP) install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

# Everything a developer or CI does here. `make` alone lists it; every target sets up what it needs.
.PHONY: help setup run test test-all demo bench load protos verify lint format lock clean build clients

# The first Python on this machine that is new enough; `make PYTHON=…` chooses another.
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
BIN := .venv/bin
READY := .venv/.stamp
STUBS := clients/python/everlog/v1
PROTOS = $(wildcard protos/everlog/v1/*.proto)
PROTOC = PATH="$(CURDIR)/$(BIN):$$PATH" python -m grpc_tools.protoc -I protos -I protos/.deps
TYPED = $(wildcard service/everlog_server clients/python/everlog examples benchmarks)
LOCK := $(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header \
	--no-emit-index-url --no-emit-package everlog pyproject.toml
# What the contract must stay compatible with: the last release, or before the first one the last commit.
AGAINST ?= $(shell git describe --tags --abbrev=0 --match 'v*' 2>/dev/null || git rev-parse -q --verify HEAD~1)

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(READY) ## make .venv with everything that the other targets need

$(READY): requirements/dev.txt pyproject.toml clients/python/pyproject.toml
	@[ -n "$(PYTHON)" ] || { echo "everlog needs Python 3.11 or newer: make PYTHON=/path/to/it" >&2; exit 1; }
	@echo "Setting up .venv with $$($(PYTHON) --version): about a minute, once."
	@$(PYTHON) -m venv .venv
	@$(BIN)/pip install -q --disable-pip-version-check --require-hashes -r requirements/dev.txt
	@$(BIN)/pip install -q --disable-pip-version-check --no-deps --no-build-isolation -e clients/python -e .
	@rm -rf protos/.deps && mkdir -p protos/.deps/google/rpc
	@cp "$$($(BIN)/python -c 'import google.rpc as g; print(*g.__path__)')"/*.proto protos/.deps/google/rpc/
	@touch $@

run: $(READY) ## start the service, on embedded PostgreSQL unless told otherwise (ARGS="--help")
	$(BIN)/everlog serve $(ARGS)

test: $(READY) ## run the tests, except slow ones (ARGS="-k name")
	$(BIN)/pytest -n auto --dist loadfile --no-loadscope-reorder -m "not slow and not polyglot" $(ARGS)

test-all: $(READY) ## run every test, also of clients in other languages
	$(BIN)/pytest $(ARGS)
	@clients/each.sh test

demo: $(READY) ## the history of a git repository, event by event (REPO=path)
	examples/git_history/demo.sh $(or $(REPO),.)

bench: $(READY) ## measure everlog beside its peers (ONLY=P1,P4 ARGS="--rounds 5")
	@$(BIN)/python -m benchmarks $(if $(ONLY),--only $(ONLY)) $(ARGS)

load: $(READY) ## put load on a server with ghz (ARGS="--duration 60 --only emit")
	@$(BIN)/python -m benchmarks.ghz $(ARGS)

# $(1): the folder to generate into. Only files with a service get gRPC stubs.
define generate
$(PROTOC) --python_out=$(1) --mypy_out=quiet:$(1) $(PROTOS)
$(PROTOC) --grpc_python_out=$(1) --mypy_grpc_out=quiet:$(1) $$(grep -l '^service ' $(PROTOS))
endef

protos: $(READY) ## regenerate the stubs of all clients from protos/
	@rm -f $(STUBS)/*_pb2*.py*
	@$(call generate,clients/python)
	@clients/each.sh stubs

verify: $(READY) ## check that generated files and locks are current, and that the contract only grew
	@rm -rf build/verify && mkdir -p build/verify/stubs
	@$(call generate,build/verify/stubs)
	diff -rq -x __init__.py -x __pycache__ build/verify/stubs/everlog/v1 $(STUBS)
	@clients/each.sh verify
	$(BIN)/pip install -q --dry-run --no-index --no-build-isolation -e clients/python -e '.[dev]'
	@if grep -nE '://|^ *-(i|f|-[a-gi-z])' requirements/*.txt; then echo "a lock names a place" >&2; exit 1; fi
	@if grep -h '==' requirements/runtime.txt requirements/build.txt | grep -vxFf requirements/dev.txt; then echo "the locks differ" >&2; exit 1; fi
	@if [ -z "$(AGAINST)" ] || ! git archive $(AGAINST) protos 2>/dev/null | tar -x -C build/verify 2>/dev/null; \
	then echo "SKIPPED breaking changes: there is no earlier contract to compare with"; \
	else cp -r protos/.deps build/verify/protos/ && cp protos/buf.yaml build/verify/protos/ && \
	echo "buf breaking protos --against $(AGAINST)" && \
	$(BIN)/buf breaking protos --against build/verify/protos; fi

lint: $(READY) ## check style, types, the direction of imports, and the contract
	$(BIN)/ruff check && $(BIN)/ruff format --check
	$(BIN)/mypy $(TYPED) && $(BIN)/lint-imports
	$(BIN)/buf lint protos
	$(BIN)/buf format protos --path protos/everlog --diff --exit-code

format: $(READY) ## rewrite Python and proto files in the house's style
	$(BIN)/ruff check --fix-only && $(BIN)/ruff format
	$(BIN)/buf format protos --path protos/everlog -w

lock: $(READY) ## raise the locked versions as far as pyproject.toml allows
	$(LOCK) --upgrade -o requirements/runtime.txt && $(LOCK) --upgrade --extra dev -c requirements/runtime.txt -o requirements/dev.txt
	echo hatchling | $(LOCK:pyproject.toml=-) -c requirements/dev.txt -o requirements/build.txt

build: clients ## build everything that is published into dist/, and its bill of material
	$(BIN)/python -m build --no-isolation -o dist . && requirements/supply.sh sbom dist

clients: $(READY) ## build the clients: wheel and sdist, npm tarball, jars; vet the Go module
	$(BIN)/python -m build --no-isolation -o dist clients/python
	@clients/each.sh build

clean: ## remove everything that can be made again
	rm -rf .venv build dist protos/.deps .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis

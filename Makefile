# The verbs of the project; `make help` lists them. Continuous integration calls only these.
SHELL := /bin/bash
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

# Below the top-level folder `operator/` nothing may hide a module of the standard library: no working directory on the path.
export PYTHONSAFEPATH := 1

# uv from the PATH where it works, else one of the project's own below .uv
UV := $(shell uv --version >/dev/null 2>&1 && command -v uv)
ifeq ($(UV),)
UV := $(CURDIR)/.uv/bin/uv
endif
RUN := $(UV) run --locked
E2E := PYTHONPATH="$(CURDIR)/e2e" $(RUN) python -m

# Image: its name, and the Python image that it is built on
IMAGE ?= aif-operator:dev
BASE ?= python:3.13-slim

.PHONY: help sync lint test test-runtime generate verify image e2e bench demo demo-down

help: ## List the verbs
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

sync: $(UV) ## Create the virtual environment .venv from uv.lock
	@$(UV) sync --locked

lint: $(UV) ## Formatting, rules, types, contracts of the architecture, figures of style
	@$(RUN) python tools/steps.py lint

test: $(UV) ## All of it: lint, generated files, unit and property tests, end-to-end tests
	@$(RUN) python tools/steps.py test

test-runtime: $(UV) ## Tests of learning with PyTorch, in an environment of their own: 4.6 GB; left out where PyTorch cannot be had
	@UV="$(UV)" tools/test-runtime

generate: $(UV) ## Write the generated files: CRDs and the chart's copy of them, rules, the model of the server
	@$(RUN) python -m aif.cli.generate
	@$(RUN) python tools/plates_model.py

verify: $(UV) ## Fail where a generated file is not what `make generate` would write
	@$(RUN) python tools/steps.py verify

image: ## Build the image IMAGE on the Python image BASE
	@command -v docker >/dev/null || { echo "make image needs docker: see https://docs.docker.com/engine/install/" >&2; exit 1; }
	docker build --build-arg BASE=$(BASE) --tag $(IMAGE) .

e2e: $(UV) ## End-to-end tests on a real control plane
	@$(RUN) python tools/steps.py e2e

bench: $(UV) ## Every benchmark; prints the figures that the documents quote
	@PYTHONSAFEPATH= $(RUN) python tools/steps.py bench # a benchmark imports what lies beside it

demo: $(UV) ## A cluster, the operator, a small mobile network; a breach, an alarm, a move. NODES=real: real nodes, as root
	@$(E2E) demo up

demo-down: $(UV) ## End just what `make demo` started
	@$(E2E) demo down

# Only where the machine has no uv: a virtual environment of its own, as Debian lets pip install nowhere else.
$(CURDIR)/.uv/bin/uv:
	@command -v python3 >/dev/null || { echo "Python 3.11 to 3.13 is missing: apt install python3 python3-venv" >&2; exit 1; }
	@python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "python3 is older than 3.11: install a newer one, or uv (https://docs.astral.sh/uv/)" >&2; exit 1; }
	@python3 -c 'import ensurepip, venv' 2>/dev/null || { echo "Python's venv is missing: apt install python3-venv" >&2; exit 1; }
	@echo "uv is missing: installing it into .uv"
	@python3 -m venv .uv
	@.uv/bin/python -m pip install --quiet --disable-pip-version-check 'uv>=0.8,<1'

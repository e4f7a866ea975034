# `make demo` and `make test` do all on a fresh machine with Python, git and make.
#
# Each environment is made when it is missing and made again when what it installs changes.

PYTHON ?= python3
CORES ?= 2
CONFIG ?= models/phantom.yaml
TARGET ?= all
RUN = runs/$(shell sed -n 's/^name: *//p' "$(CONFIG)")

VENV = .venv
ADDONS_VENV = .venv-addons
INSTALLED = $(VENV)/.installed
ADDONS_INSTALLED = $(ADDONS_VENV)/.installed
BIN = $(VENV)/bin

# one core for each job of the workflow; TensorFlow's C++ log is chatter
export TF_CPP_MIN_LOG_LEVEL ?= 3

.PHONY: help demo reproduce reproduce-all first-weights embedded test test-quick lint unit test-addons \
	benchmark docs hashes wheels sbom dist clean

help:  ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST)

demo: $(INSTALLED)  ## synthetic heads, training, evaluation, export, prediction, report: 10 to 15 minutes
	PATH="$(CURDIR)/$(BIN):$$PATH" snakemake $(TARGET) --cores $(CORES) --configfile "$(CONFIG)" \
		--rerun-incomplete --quiet rules
	@echo 'Report: $(RUN)/report.html'

REPRODUCE = $(MAKE) demo CONFIG=models/reproduce.yaml

reproduce:  ## the paper's full structure on synthetic cohorts, one seed, and docs/results.md from it
	$(REPRODUCE) TARGET=results

reproduce-all:  ## every seed and what explains the answers, then docs/results.md; hours, resumable
	$(REPRODUCE) TARGET=results
	$(REPRODUCE) TARGET=repeats
	$(REPRODUCE) TARGET=variants
	$(REPRODUCE) TARGET=results

# the five segmenters of a run
SEGMENTERS = $(BIN)/python models/train_segmenter.py --segmenter all $(1) && \
	$(BIN)/python models/pretrain_encoder.py $(1) && \
	for segmenter in subtype sdh sah small; do \
		$(BIN)/python models/train_segmenter.py --segmenter $$segmenter $(1) || exit 1; \
	done

FIRST = --run runs/first_weights --config models/first_weights.yaml --records work/first_weights/records

first-weights: $(INSTALLED)  ## models/weights, what other trainings begin with, from nothing; hours
	$(BIN)/python data_prep/synthetic.py --config models/first_weights.yaml --out work/first_weights/records
	$(call SEGMENTERS,$(FIRST))
	$(BIN)/python models/save_weights.py --run runs/first_weights --out models/weights
	$(BIN)/python models/pretrain_backbone.py --backbone MobileNetV2 $(FIRST)
	$(BIN)/python models/pretrain_backbone.py --labels-only --backbone MobileNetV2 $(FIRST)
	cp -R runs/first_weights/backbones/. models/weights/

# the model in the package, from the run of a configuration
PLACES = --run runs/$(1) --config models/$(1).yaml --records work/$(1)/records
PACKAGED = $(BIN)/python data_prep/synthetic.py --config models/$(1).yaml --out work/$(1)/records && \
	$(call SEGMENTERS,$(call PLACES,$(1))) && \
	$(BIN)/python models/cache_maps.py --run runs/$(1) --set aihub-scans && \
	$(BIN)/python models/train_ensemble.py --combination all $(call PLACES,$(1)) && \
	$(BIN)/python models/calibrate.py --run runs/$(1) --models ensemble-all && \
	$(BIN)/python models/export.py --run runs/$(1) --model ensemble-all --version 1 --replace && \
	mkdir -p ichnet/weights && rm -rf ichnet/weights/ensemble-all && \
	cp -R runs/$(1)/export/ensemble-all ichnet/weights/

embedded: $(INSTALLED)  ## the model in the package, from models/weights, in two steps; hours
	$(call PACKAGED,embedded)
	$(BIN)/python models/save_weights.py --run runs/embedded --out runs/embedded/weights
	$(call PACKAGED,embedded_third)

test: lint unit  ## linters and tests on the current stack

lint: $(INSTALLED)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/codespell

unit: $(INSTALLED)
	$(BIN)/python -m pytest -n $(CORES) --dist loadfile

test-quick: $(INSTALLED)  ## tests that are not marked slow, under two minutes
	$(BIN)/python -m pytest -n $(CORES) --dist loadfile -m "not slow"

# of what loads no network the quick tests are enough on a second stack
PLAIN_TESTS = $(addprefix tests/,cohorts ct paper phantom reporting runs serving statistics)
ADDONS_PYTEST = $(ADDONS_VENV)/bin/python -m pytest -n $(CORES) --dist loadfile

test-addons: $(ADDONS_INSTALLED)  ## tests on TensorFlow 2.15 with tensorflow-addons
	$(ADDONS_PYTEST) -m 'not slow' $(PLAIN_TESTS)
	$(ADDONS_PYTEST) $(addprefix --ignore=,$(PLAIN_TESTS))

benchmark: $(INSTALLED)  ## every script of benchmarks/, each ends with a line of JSON
	$(BIN)/pip install --quiet --constraint constraints.txt --editable '.[benchmark]'
	for script in benchmarks/*.py; do $(BIN)/python $$script || exit 1; done

$(INSTALLED): setup.cfg constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --constraint constraints.txt --editable '.[dicom-codecs,runtimes,serve,workflow,test,release]'
	touch $@

$(ADDONS_INSTALLED): setup.cfg constraints-addons.txt
	$(PYTHON) -m venv $(ADDONS_VENV)
	$(ADDONS_VENV)/bin/pip install --quiet --constraint constraints-addons.txt \
		--editable '.[addons,dicom-codecs,runtimes,serve,test]'
	touch $@

docs: $(INSTALLED)  ## the documentation as a site, build/site
	$(BIN)/pip install --quiet --constraint constraints.txt --editable '.[docs]'
	$(BIN)/mkdocs build

WHEELS = wheels
CONTAINER_PYTHON = 3.13
HASHED = $(BIN)/uv pip compile --quiet --generate-hashes --no-annotate \
	--custom-compile-command "make hashes"

hashes: $(INSTALLED)  ## the pinned versions with the SHA-256 of their files, for installing by hash
	$(HASHED) --no-deps --python-version 3.11 --output-file constraints-hashes.txt constraints.txt
	$(HASHED) --python-version $(CONTAINER_PYTHON) --python-platform x86_64-manylinux_2_28 \
		--no-emit-package openvino-telemetry --constraint constraints.txt \
		--output-file docs/serving/container-requirements.txt \
		docs/serving/container-requirements.in

wheels: $(INSTALLED)  ## what the container is built from without a network, in wheels
	$(BIN)/pip download --require-hashes --no-deps --only-binary :all: --dest $(WHEELS) \
		--python-version $(CONTAINER_PYTHON) --platform manylinux_2_28_x86_64 \
		--platform manylinux_2_27_x86_64 --platform manylinux_2_17_x86_64 \
		--platform manylinux2014_x86_64 --requirement docs/serving/container-requirements.txt
	$(BIN)/python -m build --wheel --outdir $(WHEELS)

sbom: $(INSTALLED)  ## the container's packages as a CycloneDX list, sbom.json
	$(BIN)/uvx --from cyclonedx-bom cyclonedx-py requirements \
		docs/serving/container-requirements.txt --output-reproducible --output-file sbom.json

dist: $(INSTALLED)  ## source distribution and wheel, checked, in dist
	rm -rf dist
	$(BIN)/python -m build
	$(BIN)/twine check --strict dist/*

clean:  ## remove environments, work files and runs
	rm -rf $(VENV) $(ADDONS_VENV) work runs build dist wheels sbom.json .snakemake

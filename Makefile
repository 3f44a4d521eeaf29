# Every target that needs .venv makes it first (tools/setup.sh); once made, that costs nothing.
SHELL := /bin/bash
# As an activated .venv: Verilator's makefiles call "python", which a bare Debian does not have.
RUN := PATH="$(CURDIR)/.venv/bin:$$PATH" python -m
SETUP_INPUTS := pyproject.toml requirements-lock.txt tools/setup.sh

SIM ?= verilator
SEED ?=
export SEED
WAVES ?=
IMAGES ?=
ARGS ?=

.DEFAULT_GOAL := help
.PHONY: help setup sim test lint vectors bench train clean distclean

help: ## list the targets (the default)
	@echo 'make TARGET [VARIABLE=value ...]'
	@sed -n 's/^\([a-z]*\):[^#]*## \(.*\)/  \1\t\2/p' $(firstword $(MAKEFILE_LIST)) | expand -t 14

setup: .venv/.ready ## make .venv and install what is missing (PYTHON=path chooses the interpreter)

sim: .venv/.ready ## run the demo network on the RTL: SIM=verilator|icarus SEED=text IMAGES=count WAVES=1
	$(if $(filter-out 0 1,$(WAVES)),$(error WAVES=$(WAVES): choose 0 or 1))
	$(RUN) tb.sim --sim $(SIM) $(if $(SEED),--seed "$$SEED") $(if $(IMAGES),--images $(IMAGES)) $(if $(filter 1,$(WAVES)),--waves)

test: .venv/.ready ## run all tests: SEED=text ARGS='pytest options'
	$(if $(SEED),NVDLA_SEED="$$SEED") $(RUN) pytest $(ARGS)

lint: .venv/.ready ## check style and types of the Python code, then the RTL
	$(RUN) ruff check
	$(RUN) ruff format --check
	$(RUN) mypy
	$(RUN) tb.lint

vectors: .venv/.ready ## write the demo network's register programs to sim_build/vectors/digits
	$(RUN) networks.digits.vectors $(ARGS)

bench: .venv/.ready-bench ## measure the INT8 convolution beside onnxruntime's, and the replay of traces
	$(RUN) benchmarks.convolution $(ARGS)
	$(RUN) benchmarks.replay

train: .venv/.ready-train ## train the demo network anew (installs PyTorch)
	$(RUN) networks.digits.train $(ARGS)

clean: ## remove builds and caches
	rm -rf sim_build build .pytest_cache .mypy_cache .ruff_cache .hypothesis *.egg-info
	find . -path ./.venv -prune -o -name __pycache__ -type d -exec rm -rf {} +

distclean: clean ## clean, and remove .venv
	rm -rf .venv

.venv/.ready: $(SETUP_INPUTS)
	@PYTHON='$(PYTHON)' tools/setup.sh

.venv/.ready-%: $(SETUP_INPUTS)
	@PYTHON='$(PYTHON)' tools/setup.sh $*

# Every target that needs .venv makes it first (tools/setup.sh); once made, that costs nothing.
SHELL := /bin/bash
# As an activated .venv: Verilator's makefiles call "python", which a bare Debian does not have.
RUN := PATH="$(CURDIR)/.venv/bin:$$PATH" python -m
SETUP_INPUTS := pyproject.toml requirements-lock.txt tools/setup.sh

SIM ?= verilator
SEED ?=
export SEED
WAVES ?=
NETWORK ?=
LOADABLE ?=
TABLE ?=
INPUT ?=
LABELS ?=
IMAGES ?=
DUT ?=
TRACE ?=
N ?=
JOBS ?=
CLUSTER ?=
STALLS ?=
LATENCY ?=
ARGS ?=

# A trace meets a busy memory too, or faults of stalls stay unseen; STALLS=0 tells the bare cycles.
TRACE_STALLS := 0.2

DRAWN := tests/rtl/test_mutations.py tests/golden/test_model_mutations.py tests/bench/test_core_mutations.py \
  tests/rtl/test_units.py tests/bench/test_core.py tests/bench/test_stress.py

DEVICE = $(if $(DUT),--dut '$(DUT)') $(if $(SEED),--seed "$$SEED")

OF_NETWORK := NETWORK LOADABLE TABLE INPUT LABELS IMAGES
NOT_OF_LOADABLE := NETWORK TABLE LABELS
SOURCES = $(if $(LOADABLE),--loadable '$(LOADABLE)') $(if $(NETWORK),--network '$(NETWORK)') \
  $(if $(TABLE),--table '$(TABLE)') $(if $(INPUT),--images '$(INPUT)') \
  $(if $(LABELS),--labels '$(LABELS)') $(if $(IMAGES),--count $(IMAGES))

.DEFAULT_GOAL := help
.PHONY: help setup sim regress test everything mutants lint synth vectors bench generated train clean distclean

help: ## list the targets (the default)
	@echo 'make TARGET [VARIABLE=value ...]'
	@sed -n 's/^\([a-z]*\):[^#]*## \(.*\)/  \1\t\2/p' $(firstword $(MAKEFILE_LIST)) | expand -t 14
	@echo
	@echo '"make sim NETWORK=model" takes TABLE=table (or makes one from the images), INPUT=images (or noise) and LABELS=file'
	@echo 'or LABELS=names, for pictures called NUMBER_LABEL.png; IMAGES=count of them run on the RTL. ARGS=--help tells more.'
	@echo '"make sim LOADABLE=file.nvdla INPUT=image" runs a compiled network as its driver does, and layer by layer.'

setup: .venv/.ready ## make .venv and install what is missing (PYTHON=path chooses the interpreter)

sim: .venv/.ready ## run the demo network, NETWORK=model, LOADABLE=file or TRACE=path on the RTL: SIM=icarus DUT=toml SEED=text IMAGES=count STALLS=rate LATENCY=cycles WAVES=1
	$(if $(filter-out 0 1,$(WAVES)),$(error WAVES=$(WAVES): choose 0 or 1))
	$(if $(TRACE),$(foreach name,$(OF_NETWORK),$(if $($(name)),$(error $(name)=$($(name)): a TRACE has none))))
	$(if $(LOADABLE),$(foreach name,$(NOT_OF_LOADABLE),$(if $($(name)),$(error $(name)=$($(name)): a LOADABLE takes none))))
	$(RUN) $(if $(TRACE),nvdla_int8 simulate,$(if $(LOADABLE),networks.loadable_sim,networks.sim) $(SOURCES)) --sim $(SIM) $(DEVICE) $(if $(STALLS)$(TRACE),--stalls $(or $(STALLS),$(TRACE_STALLS))) $(if $(LATENCY),--latency $(LATENCY)) $(if $(filter 1,$(WAVES)),--waves) $(ARGS) $(TRACE)

regress: .venv/.ready ## run N random programs on the RTL: SIM= DUT= SEED= JOBS=count CLUSTER=address|local
	$(RUN) nvdla_int8 regress --sim $(SIM) $(DEVICE) $(if $(N),-n $(N)) $(if $(JOBS),--jobs $(JOBS)) $(if $(CLUSTER),--cluster '$(CLUSTER)') $(ARGS)

# One test a core: NumPy's own threads would only wait for one another.
test: .venv/.ready ## run all tests: SEED=text ARGS='pytest options'
	OPENBLAS_NUM_THREADS=1 $(if $(SEED),NVDLA_SEED="$$SEED") $(RUN) pytest $(ARGS)

everything: .venv/.ready ## try all of what "make test" draws a part of (faults, units on Verilator, stalls): SEED=text ARGS=
	NVDLA_EVERYTHING=1 $(if $(SEED),NVDLA_SEED="$$SEED") $(RUN) pytest $(DRAWN) $(ARGS)

mutants: .venv/.ready ## plant N faults in the RTL, its netlists and the model, and tell which no check notices: SEED= JOBS=count
	$(RUN) nvdla_bench.mutants $(if $(SEED),--seed "$$SEED") $(if $(N),-n $(N)) $(if $(JOBS),--jobs $(JOBS)) $(ARGS)

lint: .venv/.ready ## check style and types of the Python code, then the RTL
	$(RUN) ruff check
	$(RUN) ruff format --check
	$(RUN) mypy
	$(RUN) nvdla_bench.lint

synth: .venv/.ready ## synthesise the core with Yosys: cells and longest path of each unit (ARGS=--operators: quick)
	$(RUN) nvdla_bench.synthesis $(ARGS)

vectors: .venv/.ready ## write the demo network's register programs to sim_build/vectors/digits
	$(RUN) networks.digits.vectors $(ARGS)

bench: .venv/.ready ## measure convolution and whole layers beside onnxruntime's, replay of traces, speed of the RTL bench
	$(RUN) benchmarks.convolution $(ARGS)
	$(RUN) benchmarks.pipeline
	$(RUN) benchmarks.replay
	$(RUN) benchmarks.simulation

generated: .venv/.ready ## write the committed files that are made from others anew: RTL headers and registers, three pages
	$(RUN) tools.rtl_header
	$(RUN) tools.rtl_registers
	$(RUN) tools.register_page
	$(RUN) tools.requantisation_page
	$(RUN) tools.driver_page

train: .venv/.ready-train ## train the demo network anew and make its table (installs PyTorch)
	$(RUN) networks.digits.train $(ARGS)
	$(RUN) networks.digits.pictures
	$(RUN) nvdla_int8 calibrate networks/digits/digits.onnx --images sim_build/digits_pictures/train --output networks/digits/digits.json

clean: ## remove builds and caches
	rm -rf sim_build build .pytest_cache .mypy_cache .ruff_cache .hypothesis *.egg-info
	find . -path ./.venv -prune -o -name __pycache__ -type d -exec rm -rf {} +

distclean: clean ## clean, and remove .venv
	rm -rf .venv

.venv/.ready: $(SETUP_INPUTS)
	@PYTHON='$(PYTHON)' tools/setup.sh

.venv/.ready-%: $(SETUP_INPUTS)
	@PYTHON='$(PYTHON)' tools/setup.sh $*

# `make demo` and `make test` are all a newcomer needs; both make .venv when it is absent.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.PHONY: demo test bench lint docs validate clean
.DELETE_ON_ERROR:

$(READY): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "hwmodel needs Python 3.11 or newer: make PYTHON=python3.12 ..." >&2; exit 2; }
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade --constraint constraints.txt pip
	PIP_CONSTRAINT=constraints.txt $(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[litert,onnx,boosting,methods,serve,rl]' --group dev
	$(BIN)/hwmodel compile >/dev/null
	touch $@

demo: $(READY)
	$(BIN)/hwmodel study iso-capacity --output demo

test: lint
	OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 $(BIN)/python -m pytest -n 2  # a worker a core, and no threads beside them

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports
	$(BIN)/pyright

# The benchmarks that need no data of the user's; the others (against_peer, against_cacti, against_silicon) take it as an
# argument: see CONTRIBUTING.md.
BENCHES := circuits/against_deepnvm circuits/macrospin circuits/search circuits/variation replay/against_peers replay/first_call replay/forward replay/policies replay/reuse replay/timing traces/lower traces/order traces/formats latency/queries
bench: $(READY)
	for bench in $(BENCHES); do echo "$$bench"; $(BIN)/python benchmarks/$$bench.py || exit 1; done

# On a machine with an NVIDIA GPU, a torch with CUDA and Nsight Compute: what the GPU counts beside what is modelled.
validate: $(READY)
	$(BIN)/python -m benchmarks.gpu.validate

docs: $(READY)
	$(BIN)/python -m docs.build

clean:
	rm -rf $(VENV) demo build dist

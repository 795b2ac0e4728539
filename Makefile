PYTHON ?= python3
CHAPTER ?=
REPOSITORY ?=
BIN := .venv/bin
CHAPTERS := $(wildcard book/[0-9]*.md)
PACKAGE := $(shell find rnncourse -name '*.py' 2>/dev/null)

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help book test lab notebook notebooks move check-site lock portable clean FORCE

help:  ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## /  make \1\t/p' $(MAKEFILE_LIST) | expand -t 20
	@echo 'PYTHON=python3.12 chooses the interpreter that .venv is made with.'

# ---- the environment ------------------------------------------------------------------------------------------------

# Without compiling, which takes pip longer than all the rest; Python compiles what it imports at the first import.
INSTALL := $(BIN)/pip install --quiet --no-compile -c requirements.lock

.venv/.installed: pyproject.toml requirements.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo '$(PYTHON) is not Python 3.11 or newer. Name one that is: make PYTHON=python3.12 $(MAKECMDGOALS)' >&2; exit 1; }
	$(PYTHON) -m venv .venv
	$(INSTALL) -e '.[book,test,export]'
	@touch $@

.venv/.lab: .venv/.installed
	$(INSTALL) -e '.[lab]'
	@touch $@

# uv resolves for every platform and Python at once, which pip cannot. It stays out of .venv: only this target needs it.
# The libraries that torch's CUDA build brings are left out: torch pins them itself, and its CPU build has none of them.
# Triton, which it brings too, stays: the tests need it beside a CPU build as well.
lock:  ## resolve requirements.lock anew from pyproject.toml
	$(PYTHON) -m venv .build/uv
	.build/uv/bin/pip install --quiet uv
	.build/uv/bin/uv pip compile --quiet --universal --python-version 3.11 --fork-strategy fewest --upgrade \
	  --all-extras --no-header --no-annotate --no-emit-index-url pyproject.toml > .build/resolved
	{ echo '# Exact versions for make and CI, used as constraints: pip install -c requirements.lock -e ".[book,test,export]"'; \
	  echo '# Written by `make lock`; do not edit. nvidia-* and cuda-* are absent: torch pins those itself.'; \
	  grep -Ev '^(nvidia-|cuda-)' .build/resolved; } > .build/lock
	mv .build/lock requirements.lock

# ---- notebooks and tests --------------------------------------------------------------------------------------------

# One thread, so that sums add up in the same order everywhere; kernels inherit this. tqdm reads TQDM_DISABLE: that is
# how a progress bar leaves no trace in a saved output. `make lab` is not in the list: a reader may use every core.
notebook notebooks test portable: export OMP_NUM_THREADS := 1
notebook notebooks test portable: export MKL_NUM_THREADS := 1
notebook notebooks test portable: export OPENBLAS_NUM_THREADS := 1
notebook notebooks test portable: export NUMEXPR_NUM_THREADS := 1
notebook notebooks test portable: export TQDM_DISABLE := 1

# A stamp stands for the notebook, because an unchanged notebook keeps its date. It is out of date, too, if somebody
# else wrote the notebook since, or removed it.
.SECONDEXPANSION:
.build/%.executed: book/%.md $(PACKAGE) requirements.lock tools/notebook.py \
                   $$(or $$(wildcard notebooks/$$*.ipynb),FORCE) | .venv/.installed
	$(BIN)/python tools/notebook.py $<
	@mkdir -p .build && touch $@

notebook: $(if $(CHAPTER),.build/$(CHAPTER).executed)  ## write and execute one: make notebook CHAPTER=12-simple-rnn
	@test -n '$(CHAPTER)' || { echo 'Which one? make notebook CHAPTER=12-simple-rnn' >&2; exit 1; }

notebooks: $(CHAPTERS:book/%.md=.build/%.executed)  ## write and execute every chapter whose text or package changed

# --dist loadfile keeps the cells of one notebook, which share a kernel, on one worker.
PYTEST := $(BIN)/python -m pytest -q -n 2 --dist loadfile --no-loadscope-reorder

test: .venv/.installed  ## lint, package tests, every notebook re-run and compared, once more from outside
	$(BIN)/ruff check --quiet rnncourse tests tools benchmarks
	$(BIN)/ruff check --quiet --line-length 88 notebooks  # as wide as the column of the book
	$(BIN)/ruff format --quiet --check rnncourse tests tools benchmarks
	$(PYTEST) --nbval tests notebooks

# Other readers' processors: the same notebooks on the code paths that those would take. Only features that NumPy has
# found on this machine may be switched off, so NumPy is asked for their names; without AVX-512 there are none.
AVX512 = $(shell $(BIN)/python -c 'from numpy._core import _multiarray_umath as m; \
  print(*[f for f in m.__cpu_dispatch__ if m.__cpu_features__[f] and (f == "X86_V4" or "AVX512" in f)])')

portable: .venv/.installed  ## the notebooks again as other processors compute, and in the reverse order
	ATEN_CPU_CAPABILITY=avx2 MKL_ENABLE_INSTRUCTIONS=AVX2 ONEDNN_MAX_CPU_ISA=AVX2 $(PYTEST) --nbval notebooks
	ATEN_CPU_CAPABILITY=default $(PYTEST) --nbval notebooks
	OPENBLAS_CORETYPE=HASWELL $(PYTEST) --nbval notebooks
	NPY_DISABLE_CPU_FEATURES='$(AVX512)' $(PYTEST) --nbval notebooks
	$(BIN)/python -m pytest -q --nbval $$(ls -r notebooks/*.ipynb)

move: .venv/.installed  ## write the repository's address everywhere: make move REPOSITORY=https://github.com/you/name
	@test -n '$(REPOSITORY)' || { echo 'Which address? make move REPOSITORY=https://github.com/you/name' >&2; exit 1; }
	$(BIN)/python tools/move.py '$(REPOSITORY)'

# ---- the book -------------------------------------------------------------------------------------------------------

book: .build/book  ## build the book and print where to open it
	@echo 'Open _build/html/index.html'

# From nothing every time: an incremental build keeps the pages of removed chapters and forgets the warnings of a page
# that it does not read again.
.build/book: .venv/.installed _config.yml _toc.yml \
             $(shell find book notebooks tools -type f -not -name '*.pyc' -not -path '*/.ipynb_checkpoints/*')
	rm -rf _build
	$(BIN)/jupyter-book build . -W -n --keep-going -q
	@mkdir -p .build && touch $@

check-site: book  ## open every built page in headless Chromium
	$(BIN)/python tools/check_site.py

lab: .venv/.lab  ## JupyterLab; saving a notebook saves its text too
	$(BIN)/jupyter lab

clean:  ## remove the environment and everything built
	rm -rf .venv .build _build .pytest_cache .ruff_cache .hypothesis

# Everything a fresh machine needs is Python 3.11 to 3.13, git and make.
#   make lab    set up, then open JupyterLab on the welcome chapter
#   make test   set up, then run the default test suite (make test-all: the slow tests too)
#   make demo   set up, then serve the web demo
#   make site   set up, then build the course as a website that needs no server
PYTHON ?= python3
BIN := .venv/bin
# A stamp newer than the lock and pyproject means the environment is up to date.
READY := .venv/.ready
SITE_READY := .venv/.site-ready
# Compiled while they are installed, packages let every kernel and every test process start in half the time.
INSTALL := $(BIN)/uv pip install --compile-bytecode --python $(BIN)/python --require-hashes -r

.DEFAULT_GOAL := help
.PHONY: help lab test test-all run demo site bench lock notebooks papers clean

help:  ## this list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 14

$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; v = sys.version_info[:2]; sys.exit(0 if (3, 11) <= v <= (3, 13) else f"restorelab needs Python 3.11, 3.12 or 3.13, and {sys.executable} is {v[0]}.{v[1]}. Name another one: make PYTHON=python3.12 lab")'
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv || { echo "Python could not make a virtual environment. On Debian and Ubuntu: sudo apt install python3-venv"; exit 1; }
	@test -x $(BIN)/uv || $(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	@echo "Installing the locked packages into .venv (6 GB with the GPU build of PyTorch; later runs skip this)."
	@$(INSTALL) requirements.lock
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation -e .
	@touch $(READY)

$(SITE_READY): requirements-site.lock $(READY)
	@$(INSTALL) requirements-site.lock
	@touch $(SITE_READY)

lab: $(READY)  ## set up, then open JupyterLab on the welcome chapter
	$(BIN)/restorelab lab

test: $(READY)  ## set up, then run the default test suite
	$(BIN)/python -m pytest -n 2

test-all: $(READY)  ## set up, then run every test: the solved notebooks, SLURM, JupyterLab and a class of sixty too
	$(BIN)/python -m pytest -n 2 -m ""

run: $(READY)  ## run a chapter: make run CHAPTER=05_multi_patch_dmphn ARGS="--preset smoke"
	$(BIN)/restorelab run $(CHAPTER) $(ARGS)

demo: $(READY)  ## set up, then serve the web demo on this machine
	$(BIN)/restorelab demo

site: $(SITE_READY)  ## build the course as a website: build/site/html, which opens without a server
	$(BIN)/python site/build.py

bench: $(READY)  ## print the benchmark tables (without the shape checks of the tests, which cost time)
	$(BIN)/python -m pytest -s -o addopts= tests/bench

notebooks: $(READY)  ## rebuild the notebooks from course/ and execute them at smoke
	$(BIN)/python course/build.py

papers: $(READY)  ## renew lab sheets and the tables of the course's papers from the lessons
	$(BIN)/python course/papers.py

lock: $(READY)  ## renew both locks from pyproject.toml
	$(BIN)/uv pip compile pyproject.toml --extra dev --universal --python-version 3.11 --generate-hashes \
	  --upgrade --no-header --no-annotate --quiet -o requirements.lock
	$(BIN)/uv pip compile --group site -c requirements.lock --universal --python-version 3.11 --generate-hashes \
	  --upgrade --no-header --no-annotate --quiet -o requirements-site.lock

clean:  ## remove the environment and caches (never runs/)
	rm -rf .venv .pytest_cache .ruff_cache src/*.egg-info

# The two commands of the README are `make demo` and `make test`. Each target sets up what it needs first.

PYTHON ?= python3
VENV   := .venv
READY  := $(VENV)/.ready
# For `make wheelhouse`: what is collected, for whom, where. What collects is a small environment of its own.
EXTRAS     ?= train
WHEELHOUSE ?= wheelhouse
COLLECTOR  := build/collector
export PATH := $(CURDIR)/$(VENV)/bin:$(PATH)

.PHONY: help demo test check format faults bench docs lock wheelhouse clean

help:
	@echo 'make demo     data, shards, damage, training through a kill, on this machine; FRESH=1: anew'
	@echo 'make test     make check, then every test (10 to 15 minutes on 2 cores)'
	@echo 'make check    format, lint, strict types, architecture, layout, words'
	@echo 'make faults   the long campaigns: killed again and again, at random; properties with new examples'
	@echo 'make bench    every figure of README and docs/performance.md again: hours; ONLY="readers writers" for some'
	@echo 'make format   let ruff rewrite what it can'
	@echo 'make docs     write docs/cli.md and docs/trainer-cli.md anew from the commands'
	@echo 'make lock     resolve the dependencies anew into requirements.lock'
	@echo 'make wheelhouse   every wheel for a machine without a network: docs/guides/air-gap.md'
	@echo 'make clean    remove the environment, caches and the demo'

demo: $(READY)
	python tools/demo.py demo $(if $(filter 1 yes,$(FRESH)),--fresh)

test: check
	python -m pytest --numprocesses 2 --dist worksteal

check: $(READY)
	tools/check

faults: $(READY)
	python -m pytest -m campaign
	python -m pytest -m 'hypothesis and not campaign' --hypothesis-profile new --numprocesses 2

bench: $(READY)
	python tools/bench/everything.py $(ONLY)

format: $(READY)
	ruff check --fix-only --quiet .
	ruff format .

docs: $(READY)
	python tools/dev/cli_reference.py

lock: $(READY)
	python tools/dev/lock.py

wheelhouse: $(COLLECTOR)/.ready
	@$(COLLECTOR)/bin/python tools/dev/wheelhouse.py '$(WHEELHOUSE)' --extras='$(EXTRAS)' \
	  $(if $(PYTHON_VERSION),--python-version='$(PYTHON_VERSION)') $(if $(PLATFORM),--platform='$(PLATFORM)') \
	  $(if $(TORCH),--torch='$(TORCH)')

clean:
	rm -rf $(VENV) demo dist build .mypy_cache .ruff_cache .pytest_cache .hypothesis

# Written last, so an interrupted set-up starts again; one that stopped before pip was there, from an empty folder.
# The kernels that decode PNGs are compiled now, in ten seconds, and not in somebody's first epoch.
# Newer versions of pip take the build backend's constraints from PIP_BUILD_CONSTRAINT alone, older ones do not know it.
$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit("shardkit needs Python 3.11 or newer; this is " \
	  + sys.version.split()[0] + ". Name another: make PYTHON=python3.12 …")'
	$(VENV)/bin/python -m pip --version >/dev/null 2>&1 || $(PYTHON) -m venv --clear $(VENV)
	PIP_CONSTRAINT=requirements.lock PIP_BUILD_CONSTRAINT=requirements.lock PIP_DISABLE_PIP_VERSION_CHECK=1 \
	  $(VENV)/bin/python -m pip install --quiet --editable '.[dev,train]'
	$(VENV)/bin/python -c 'from shardkit.image.png.kernels import load_kernels; load_kernels()'
	@touch $@

$(COLLECTOR)/.ready: requirements.lock
	$(PYTHON) -m venv --clear $(COLLECTOR)
	PIP_CONSTRAINT=requirements.lock PIP_DISABLE_PIP_VERSION_CHECK=1 $(COLLECTOR)/bin/python -m pip install --quiet hatchling
	@touch $@

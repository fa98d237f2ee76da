# Copyright (c) CloudPond collection contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# The interpreter that the environments are made with: 3.11 or newer.
PYTHON ?= python3
# How many sessions `make test` runs at the same time: one more than there are processors, since each waits now and then.
JOBS ?= $(shell echo $$(($$(getconf _NPROCESSORS_ONLN) + 1)))
# More arguments for nox in `make test`.
NOX_ARGS ?=
# More arguments for `make benchmark`: --quick, and the names of questions.
BENCHMARK_ARGS ?=
# Whether `make test` fails when an interpreter is missing, or leaves out what needs it.
ifneq ($(filter-out 0,$(CLOUDPOND_REQUIRE_INTERPRETERS)),)
NOX_MISSING := --error-on-missing-interpreters
else
NOX_MISSING := --no-error-on-missing-interpreters
endif

VENVS := .venv
NOX := $(VENVS)/nox/bin/python -m nox
REPORT := .nox/report.json

# The collections and settings in the user's ~/.ansible must not affect a test.
export ANSIBLE_HOME := $(CURDIR)/.nox/ansible-home

# Most of what pip installs is never imported. Imported files are compiled on first use.
export PIP_NO_COMPILE := 1

.PHONY: help
help:
	@echo 'make demo       run the shipped playbook against the emulator, on this machine'
	@echo 'make demo-events  run the event source, which starts a playbook (needs Java 17 or newer)'
	@echo 'make test       run the checks and tests of every change; a table at the end shows the results'
	@echo 'make test-all   run all others, on every ansible-core and Python; takes about an hour, and fills docs/matrix.md'
	@echo 'make docs       build the documentation site in .nox/site'
	@echo 'make benchmark  measure what a query and a wait cost, against the emulator, and write docs/benchmark.md'
	@echo 'make format     format the Python files'
	@echo 'make picture    redraw the picture of a wait'
	@echo 'make build      build the tarball of a release'
	@echo 'make clean      remove the files of these commands ($(VENVS), .nox)'

# An environment is kept until its requirements, the interpreter or the place of the checkout change.
define environment
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo 'Python 3.11 or newer is needed, and $(PYTHON) is not: name one, as in "make $@ PYTHON=python3.12".' >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' || { \
	  echo '$(PYTHON) comes without venv or ensurepip; on Debian and Ubuntu the package python3-venv has them.' >&2; exit 1; }
	@wanted="$$($(PYTHON) -VV; pwd; cat $(2))"; made=$(VENVS)/$(1)/made-from; \
	if [ "$$wanted" != "$$(cat $$made 2>/dev/null)" ] || ! $(VENVS)/$(1)/bin/python -c ''; then \
	  echo 'Making the environment $(VENVS)/$(1) from $(2) ...'; \
	  rm -rf $(VENVS)/$(1) && $(PYTHON) -m venv $(VENVS)/$(1) && \
	  $(VENVS)/$(1)/bin/python -m pip install --quiet --disable-pip-version-check -r $(2) && \
	  echo "$$wanted" > $$made; \
	else \
	  echo 'Using the environment $(VENVS)/$(1).'; \
	fi
endef

.PHONY: demo
demo:
	$(call environment,demo,tools/demo/requirements.txt)
	@$(VENVS)/demo/bin/python -m tools.demo

.PHONY: demo-events
demo-events:
	$(call environment,demo-events,tools/demo/events_requirements.txt)
	@$(VENVS)/demo-events/bin/python -m tools.demo.events

.PHONY: picture
picture:
	$(call environment,picture,tools/picture/requirements.txt)
	@$(VENVS)/picture/bin/python -m tools.picture

.PHONY: benchmark
benchmark:
	$(call environment,benchmark,tools/benchmark/requirements.txt)
	@$(VENVS)/benchmark/bin/python -m tools.benchmark $(BENCHMARK_ARGS)

# CI=true makes the formatters check and leave the files alone. The summary decides, even if a session failed.
.PHONY: test
test:
	$(call environment,nox,.ci/requirements.txt)
	@rm -rf $(REPORT) .nox/results
	@mkdir -p .nox
	@CI=true NO_COLOR=1 $(NOX) --reuse-venv=yes --parallel=$(JOBS) $(NOX_MISSING) --report=$(REPORT) $(NOX_ARGS) || true
	@$(NOX) --session summary -- $(REPORT)

# What `make test` leaves out, or the sessions that NOX_ARGS names.
.PHONY: test-all
test-all:
	$(call environment,nox,.ci/requirements.txt)
	@rm -rf $(REPORT) .nox/results
	@mkdir -p .nox
	@CI=true NO_COLOR=1 $(NOX) --reuse-venv=yes --parallel=$(JOBS) $(NOX_MISSING) --report=$(REPORT) \
	  $(if $(NOX_ARGS),$(NOX_ARGS),--tags all) || true
	@$(NOX) --session summary -- $(REPORT)

.PHONY: docs
docs:
	$(call environment,site,tools/site/requirements.txt)
	@$(VENVS)/site/bin/python -m tools.site .nox/site

.PHONY: build
build:
	$(call environment,demo,tools/demo/requirements.txt)
	@$(VENVS)/demo/bin/python -m ansible galaxy collection build --force

.PHONY: format
format:
	$(call environment,nox,.ci/requirements.txt)
	@CI=false $(NOX) --reuse-venv=yes --session formatters

.PHONY: clean
clean:
	rm -rf $(VENVS) .nox

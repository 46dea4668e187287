# The commands of the project. `make` alone lists them.
# PYTHON chooses the interpreter, LAB_ARGS goes to JupyterLab, URL is the repository's address.

PYTHON ?= python3
PS ?= ps1
ifeq ($(OS),Windows_NT)
BIN := .venv/Scripts
else
BIN := .venv/bin
endif
COLAB := $(subst .venv,.venv-colab,$(BIN))
LAB := .venv/lab
INSTALLED := .venv/installed
# A seed may be any text: it goes to the program as it was typed.
SEEDED = $(if $(value SEED),--seed='$(subst ','\'',$(value SEED))')
PARALLEL := --numprocesses=auto
NBVAL := --nbval --nbval-current-env --nbval-cell-timeout=60 --nbval-sanitize-with tests/helpers/nbval_sanitize.cfg

.PHONY: help lab test test-colab test-browser notebooks book wheel assignments grade address bench load mutants lint \
	format clean

help: ## list these commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-12s %s\n", $$1, $$2 }' Makefile

lab: $(LAB) ## open JupyterLab on your own copies of the notebooks
	$(BIN)/python -m tools.lab $(LAB_ARGS)

test: $(INSTALLED) ## run every test and re-execute every notebook
	$(BIN)/python -m pytest $(PARALLEL)
	$(BIN)/python -m pytest $(PARALLEL) --dist=loadfile $(NBVAL) notebooks --ignore=notebooks/assignments

test-colab: .venv-colab/installed ## re-execute every notebook alone in Colab's package set, and try it in the classic notebook
	$(COLAB)/python -m tools.colab

test-browser: $(INSTALLED) .venv-colab/installed ## in JupyterLab and the classic notebook, type every known mistake
	$(BIN)/python -m pytest $(PARALLEL) --long tests/browser/test_browser.py tests/browser/test_hub.py
	$(COLAB)/python -m tools.colab --long

notebooks: $(INSTALLED) ## execute and normalise every notebook, and write its generated parts
	$(BIN)/python -m tools.map
	$(BIN)/python -m tools.notebooks
	$(BIN)/python -m course.problems.notebook

book: $(INSTALLED) ## build a site of the notebooks, to be read without a kernel, into build/book
	$(BIN)/python -m tools.book

wheel: $(LAB) ## build quantlib's wheel into dist/, for notebooks that are run without the project
	$(BIN)/python -m tools.wheel

assignments: $(INSTALLED) ## write the problem sets and what students get of them (SEED=1234 for your own course)
	$(BIN)/python -m course.problems.notebook $(SEEDED)

grade: $(INSTALLED) ## grade a folder or zip of an LMS (PS=ps1 SUBMISSIONS=downloads.zip ROSTER=roster.csv SEED=1234)
	$(BIN)/python -m course.grade $(PS) "$(SUBMISSIONS)" $(if $(ROSTER),--roster "$(ROSTER)") $(SEEDED) $(GRADE_ARGS)

address: $(INSTALLED) ## write the repository's address everywhere (from git, or URL=https://github.com/me/repo)
	$(BIN)/python -m tools.address $(URL)
	$(BIN)/python -m course.problems.notebook

bench: $(INSTALLED) ## measure on a quiet machine, and write BENCHMARKS.md (PARTS="core memory" for some parts)
	$(BIN)/python -m benchmarks $(PARTS)

load: $(INSTALLED) ## measure how many learners this machine bears at once (LEARNERS="6 12" for so many)
	$(BIN)/python -m benchmarks.load $(LEARNERS)

mutants: $(INSTALLED) ## change the maths a little, often: a test must fail each time (MODULE=affine for one module)
	$(BIN)/python -m pip install --quiet mutmut==3.8.1
	$(BIN)/python -m tools.mutants $(MODULE)

lint: $(INSTALLED) ## check format, style, types and generated parts
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/mypy quantlib course tools
	$(BIN)/python -m tools.map --check
	$(BIN)/python -m tools.notebooks --check
	$(BIN)/python -m course.problems.notebook --check

format: $(INSTALLED) ## format the code and the notebooks
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

clean: ## remove the environment and the caches, but never your notebooks
	rm -rf .venv .venv-colab build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis

# A stamp is newer than its requirements exactly when what they ask for is installed. Whatever is more than opening
# notebooks needs the second one, which stands on the first.
$(LAB): requirements.txt
.venv-colab/installed: requirements-colab.txt
$(LAB) .venv-colab/installed:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed, this is " + sys.version.split()[0] + ": try make PYTHON=python3.11")'
	@echo "Installing into $(@D), the first time only: this takes some minutes."
	$(PYTHON) -m venv $(@D)
	$(@D)/$(notdir $(BIN))/python -m pip install --quiet -r $<
	touch $@
$(INSTALLED): requirements-dev.txt $(LAB)
	$(BIN)/python -m pip install --quiet -r $<
	touch $@

# Two commands are all a newcomer needs: `make run` and `make test`. Both prepare .venv themselves.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: run test lint types unit bench lock clean

run: $(VENV)/.installed
	$(BIN)/pushserver demo

test: lint types unit

lint: $(VENV)/.installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/.installed
	$(BIN)/mypy

# Most tests wait for processes, so two files at a time take half as long; what measures runs alone.
unit: $(VENV)/.installed
	$(BIN)/pytest -m "not alone" --numprocesses 2 --dist loadfile --no-loadscope-reorder
	$(BIN)/pytest -m alone

bench: $(VENV)/.installed
	$(BIN)/python -m tests.bench

# Installs exactly what constraints.txt names; `make lock` renews that file.
$(VENV)/.installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	@touch $@

lock:
	rm -rf $(VENV)/lock && $(PYTHON) -m venv $(VENV)/lock
	$(VENV)/lock/bin/pip install --quiet --disable-pip-version-check '.[dev]'
	$(VENV)/lock/bin/pip freeze --exclude pushserver > constraints.txt
	rm -rf $(VENV)/lock

clean:
	rm -rf $(VENV) build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis

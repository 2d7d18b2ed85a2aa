# Every target works from a fresh clone: it makes .venv when missing, and doing it twice changes nothing.
SHELL := /bin/bash
PYTHON ?= python3
BIN := .venv/bin
RUN := runs/demo

.PHONY: setup demo test test-full lint format docs bench nano-study nano-study-full clean

setup: .venv/.ready

.venv/.ready: pyproject.toml scripts/constraints.txt scripts/overrides.txt scripts/setup.sh
	bash scripts/setup.sh $(PYTHON)

demo: setup
	$(BIN)/pairforge demo --run $(RUN)

test: setup
	$(BIN)/python -m pytest -m "not full" --durations=15

test-full: setup
	HYPOTHESIS_PROFILE=explore $(BIN)/python -m pytest --durations=30

lint: setup
	$(BIN)/python -m ruff check .
	$(BIN)/python -m ruff format --check .
	$(BIN)/python -m mypy

format: setup
	$(BIN)/python -m ruff check --fix .
	$(BIN)/python -m ruff format .

docs: setup
	$(BIN)/python scripts/reference.py
	$(BIN)/python -m mkdocs build

bench: setup
	for file in benchmarks/[a-z]*.py; do $(BIN)/python -m benchmarks.$$(basename $$file .py) || exit 1; done

nano-study: setup
	OMP_NUM_THREADS=1 $(BIN)/python recipes/nano/study.py --out runs/nano-study --jobs 2

nano-study-full: setup
	OMP_NUM_THREADS=1 $(BIN)/python recipes/nano/study.py --out runs/nano-study --jobs 2 --full

clean:
	rm -rf .venv build dist *.egg-info

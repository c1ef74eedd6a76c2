# Two commands matter: `make demo` and `make test`. Arguments: make demo ARGS=--once
.PHONY: demo test setup lint check clean

demo: setup
	.venv/bin/tingban demo $(ARGS)

test:
	./install.sh --test
	.venv/bin/python -m pytest $(ARGS)

setup:
	./install.sh

lint:
	./install.sh --test
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy
	.venv/bin/lint-imports

check: lint test

clean:
	rm -rf .venv build *.egg-info web_widget/node_modules

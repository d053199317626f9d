.PHONY: view check test

# Editors and mypy cannot follow the editable import mapping; links under .view/ show them the package as it is imported.
view:
	mkdir -p .view/splitsearch
	for folder in configs profilers searcher spaces; do ln -sfn ../../$$folder .view/splitsearch/$$folder; done
	for file in __init__.py __main__.py py.typed; do ln -sfn ../../searcher/_root/$$file .view/splitsearch/$$file; done

check: view
	ruff check .
	ruff format --check .
	MYPYPATH=.view mypy --strict -p splitsearch

test:
	pytest

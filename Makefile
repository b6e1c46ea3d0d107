# `make help` lists the commands. They install into .venv first, where that is missing or out of date.
PYTHON ?= python3
venv := .venv/made_in
# What each command needs is an extra of settings.ini; `.venv/has_dev` says that `dev` is there
kernel_tests := tests/test_kernel.py tests/test_colab.py -m ''
# Python can speak to its own machine only, and finds no data set that fastai has kept
no_network := PYTHONPATH='$(CURDIR)/tests/no_network' FASTAI_HOME='$(CURDIR)/.venv/no_data_sets'

help: ## List the commands
	@sed -n 's/^\([a-z-]*\):[^#]*## /\1	/p' Makefile | expand -t 14

lab: .venv/has_lab ## Open JupyterLab on the first notebook
	.venv/bin/jupyter-lab $(if $(filter 0,$(shell id -u)),--allow-root) $(ARGS) nbs/00_pixels.ipynb

test: .venv/has_dev ## Test everything: the notebooks, then the package and the files around it
	.venv/bin/ruff check
	$(no_network) OMP_NUM_THREADS=1 .venv/bin/nbdev-test --n-workers 2 --timing
	OMP_NUM_THREADS=1 .venv/bin/python -m pytest -n 2

test-slow: .venv/has_dev ## Test what `make test` leaves out because it takes minutes
	OMP_NUM_THREADS=1 .venv/bin/python -m pytest -n 2 -m 'slow and not browser'

test-kernel: .venv/has_dev ## Run every notebook, the slow ones too, in a Jupyter kernel with no network
	.venv/bin/python -m pytest $(kernel_tests)

test-wheel: .venv/has_dev ## The same in a new environment that has only the wheel
	rm -rf .venv-wheel dist
	.venv/bin/python -m pip wheel -q --no-deps --no-build-isolation -w dist .
	$(PYTHON) -m venv .venv-wheel
	.venv-wheel/bin/python -m pip install "$$(echo dist/*.whl)[lab]" $(floors) nbclient pytest 'setuptools>=77'
	.venv-wheel/bin/python -m pytest $(kernel_tests)
	rm -rf .venv-wheel

test-floors: ## The same with the lowest versions that settings.ini allows; PYTHON=python3.10 has them all
	$(MAKE) test-wheel floors="$$($(PYTHON) tools/settings.py floors)"

test-browser: .venv/has_browser ## Read the web page, and run the notebooks in JupyterLab, in Chromium
	.venv/bin/python -m pytest -m 'browser and not slow' $(ARGS)

lint-js: ## Check the JavaScript in chapter4_helpers/interactive/js; needs Node 20 or newer
	npx --yes eslint@$$(node -p 'require("./tools/package.json").devDependencies.eslint') --config tools/eslint.config.js chapter4_helpers/interactive/js

test-js: ## Test the JavaScript that needs no page; needs Node 20.19 or newer
	node --test tests/js/*.mjs

docs: .venv/has_docs ## Build the web page from the notebooks as they are saved, into _docs
	rm -rf _docs
	.venv/bin/python docs/build.py

linkcheck: .venv/has_docs ## Ask the web whether the links of the notebooks still lead somewhere
	.venv/bin/python docs/build.py --linkcheck

bench: .venv/has_dev ## Measure speed, and write benchmarks/RESULTS.md
	.venv/bin/python benchmarks/run.py $(ARGS)

ladder: .venv/has_lab ## Train every model of the series, five times, for the table of the first page; ARGS=--quick only prints one
	.venv/bin/python -m chapter4_helpers $(or $(ARGS),--seeds 5 --out chapter4_helpers/ladder.json)

opening: .venv/has_lab ## Draw the film that the first page opens with
	.venv/bin/python tools/opening.py

notebooks: .venv/has_dev ## Run every notebook, save its outputs, write what is made from them, and list the checks that fail
	.venv/bin/nbdev-clean
	.venv/bin/nbdev-export
	.venv/bin/python tools/run.py $(ARGS); failed=$$?; \
	.venv/bin/nbdev-clean && .venv/bin/python tools/readme.py && exit $$failed

report: .venv/has_dev ## Print how long each notebook is, and how much of it folds
	.venv/bin/python tools/report.py

readme: .venv/has_dev ## Write README.md from nbs/index.ipynb
	.venv/bin/python tools/readme.py

links: .venv/has_dev ## Write every link that holds the GitHub user, repo or branch of settings.ini
	.venv/bin/python tools/links.py
	.venv/bin/nbdev-export
	.venv/bin/python tools/readme.py

# made_in names the folder that .venv was made in: it does not work from another
ifneq ($(shell cat $(venv) 2>/dev/null),$(CURDIR))
$(venv): new
endif
$(venv):
	@$(PYTHON) -c 'import sys; sys.version_info >= (3,10) or sys.exit("Python 3.10 or newer is needed, and $(PYTHON) is %s.%s. Name another: make test PYTHON=python3.12" % sys.version_info[:2])'
	$(PYTHON) -m venv --clear .venv
	@echo "$(CURDIR)" > $@
.venv/has_%: $(venv) settings.ini setup.py pyproject.toml
	.venv/bin/python -m pip install -e '.[$*]'
	@touch $@

.PHONY: help lab test test-slow test-kernel test-wheel test-floors test-browser lint-js test-js docs linkcheck bench ladder opening notebooks report readme links new

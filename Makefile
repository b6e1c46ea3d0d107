# `make help` lists the commands. They install into .venv first, where that is missing or out of date.
PYTHON ?= python3
venv := .venv/made_in
docs := .venv/has_docs
kernel_tests := tests/test_kernel.py tests/test_colab.py -m ''
kernel_needs := 'accelerate>=1.1' ipykernel ipywidgets nbclient pytest 'setuptools>=77'

help: ## List the commands
	@sed -n 's/^\([a-z-]*\):[^#]*## /\1	/p' Makefile | expand -t 14

lab: $(venv) ## Open JupyterLab on the first notebook
	.venv/bin/jupyter-lab $(if $(filter 0,$(shell id -u)),--allow-root) $(ARGS) nbs/00_pixels.ipynb

test: $(venv) ## Test everything: the notebooks, then the package and the files around it
	OMP_NUM_THREADS=1 .venv/bin/nbdev-test --n-workers 2 --timing
	OMP_NUM_THREADS=1 .venv/bin/python -m pytest -n 2

test-slow: $(venv) ## Test what `make test` leaves out because it takes minutes
	OMP_NUM_THREADS=1 .venv/bin/python -m pytest -n 2 -m 'slow and not browser'

test-kernel: $(venv) ## Run every notebook, the slow ones too, in a Jupyter kernel with no network
	.venv/bin/python -m pytest $(kernel_tests)

test-wheel: $(venv) ## The same in a new environment that has only the wheel
	rm -rf .venv-wheel dist
	.venv/bin/python -m pip wheel -q --no-deps --no-build-isolation -w dist .
	$(PYTHON) -m venv .venv-wheel
	.venv-wheel/bin/python -m pip install dist/*.whl $(floors) $(kernel_needs)
	.venv-wheel/bin/python -m pytest $(kernel_tests)
	rm -rf .venv-wheel

test-floors: ## The same with the lowest versions that settings.ini allows; PYTHON=python3.10 has them all
	$(MAKE) test-wheel floors="$$(sed -n '/^requirements = /{s///;s/>=/==/gp}' settings.ini)"

test-browser: $(docs) ## Read the web page, and run the notebooks in JupyterLab, in Chromium
	.venv/bin/python -m pytest -m 'browser and not slow' $(ARGS)

docs: $(docs) ## Build the web page from the notebooks as they are saved, into _docs
	rm -rf _docs
	.venv/bin/python docs/build.py

bench: $(venv) ## Measure speed, and write benchmarks/RESULTS.md
	.venv/bin/python benchmarks/run.py $(ARGS)

ladder: $(venv) ## Train every model of the series, five times, for the table of the first page; ARGS=--quick only prints one
	.venv/bin/python -m chapter4_helpers $(or $(ARGS),--seeds 5 --out chapter4_helpers/ladder.json)

notebooks: $(venv) ## Run every notebook, save its outputs, and write what is made from them
	.venv/bin/nbdev-clean
	.venv/bin/nbdev-export
	.venv/bin/python tools/run.py $(ARGS)
	.venv/bin/nbdev-clean
	.venv/bin/python tools/readme.py

readme: $(venv) ## Write README.md from nbs/index.ipynb
	.venv/bin/python tools/readme.py

links: $(venv) ## Write every link that holds the GitHub user, repo or branch of settings.ini
	.venv/bin/python tools/links.py
	.venv/bin/nbdev-export
	.venv/bin/python tools/readme.py

# made_in names the folder that .venv was made in: it does not work from another
ifneq ($(shell cat $(venv) 2>/dev/null),$(CURDIR))
$(venv): new
endif
$(venv): settings.ini setup.py pyproject.toml
	@$(PYTHON) -c 'import sys; sys.version_info >= (3,10) or sys.exit("Python 3.10 or newer is needed, and $(PYTHON) is %s.%s. Name another: make test PYTHON=python3.12" % sys.version_info[:2])'
	@[ "$$(cat $@ 2>/dev/null)" = "$(CURDIR)" ] || $(PYTHON) -m venv --clear .venv
	.venv/bin/python -m pip install -e '.[dev]'
	@echo "$(CURDIR)" > $@
$(docs): $(venv)
	.venv/bin/python -m pip install -e '.[dev,docs]'
	@touch $@

.PHONY: help lab test test-kernel test-wheel test-floors test-browser docs bench ladder notebooks readme links new

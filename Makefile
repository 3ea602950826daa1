# Each goal first sets up what it needs, in .venv, from python3 (3.11 or newer), make and a C compiler; uv is used when there.
# An active virtual or conda environment and exported settings have no say.

unexport CFLAGS CMPX_LANGUAGE CONDA_PREFIX CPPFLAGS JUPYTER_PATH LDFLAGS LDSHARED MPLBACKEND PIP_PREFIX PIP_TARGET PIP_USER \
	PYTEST_ADDOPTS PYTHONHOME PYTHONOPTIMIZE PYTHONPATH VIRTUAL_ENV

help:
	@echo "make lab          open the book in JupyterLab; LAB_ARGS=... go to jupyter lab    在 JupyterLab 中打开本书"
	@echo "make test         run every test                                                 运行全部测试"
	@echo "make test-course  run those of a whole class: grading, JupyterHub                运行整班的测试：评分、JupyterHub"
	@echo "make bench        measure the speed of words and races                           测量速度"
	@echo "make notebooks    run every chapter and store what it shows                      重跑全部章节，存下输出"
	@echo "make site         the book as pages without kernel or network, in build/site     把本书做成离线网页"
	@echo "make lint         check style and types                                          检查风格与类型"
	@echo "make clean        remove all that these made                                     删除以上生成的文件"

suits := import sys, sysconfig; sys.exit(sys.version_info < (3, 11) or bool(sysconfig.get_config_var("Py_GIL_DISABLED")))
python = $(shell for p in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$p -c '$(suits)' 2>/dev/null && command -v $$p && break; done)
has = $(shell "$(python)" -c '$1' 2>/dev/null && echo yes)
uv := $(shell command -v uv)
compiler = $(if $(filter default,$(origin CC)),$(shell command -v cc || command -v gcc || command -v clang),$(CC))

# A folder that was moved, or whose Python is gone, is set up again.
$(foreach folder,.venv .venv-hub,$(shell \
	[ "$$(cat $(folder)/made 2>/dev/null)" = "$$(pwd -P)" ] && $(folder)/bin/python -c "" || rm -f $(folder)/made))

.venv/made .venv-hub/made:
	$(if $(python),,$(error cmpx needs Python 3.11 or newer, with the GIL: install python3 (缺 Python 3.11 或更新版本)))
	$(if $(shell command -v $(firstword $(compiler))),,$(error cmpx needs a C compiler: install gcc or clang (缺 C 编译器)))
	$(if $(call has,import sysconfig; open(sysconfig.get_path("include") + "/Python.h")),,$(error \
		cmpx needs the C headers of $(python): install python3-dev (缺 Python 的 C 头文件)))
	$(if $(or $(uv),$(call has,import ensurepip; import venv)),,$(error \
		cmpx needs the venv module of $(python): install python3-venv (缺 Python 的 venv 模块)))
	@$(@D)/bin/python -c '$(suits)' 2>/dev/null || { rm -rf $(@D) && \
		$(if $(uv),"$(uv)" venv --quiet --python "$(python)" $(@D),"$(python)" -m venv $(@D)); }
	@pwd -P > $@

install = $(if $(uv),"$(uv)" pip install --quiet --python $(@D)/bin/python,$(@D)/bin/python -m pip install --quiet --no-compile) \
	-c constraints.txt
sources := $(filter-out csrc/include/generated/%,$(wildcard csrc/*.[ch] csrc/*.py csrc/*/*.h csrc/include/*/*.h))

.venv/test: extras = [test]
.venv/bench: extras = [bench]
.venv/site: extras = [site]
.venv/zig: extras = [zig]
.venv-hub/hub: extras = [course,hub]
.venv-hub/hub: | .venv/test # one after the other: both build the C here
.SECONDEXPANSION:
.venv/lab .venv/test .venv/bench .venv/site .venv/zig .venv-hub/hub: $$(@D)/made constraints.txt pyproject.toml setup.py \
		cmpx/fields.py $(wildcard cmpx/locale/*/LC_MESSAGES/*.po) $(sources)
	@echo "Setting up; the first time takes a minute. 正在准备环境，首次约需一分钟。"
	@$(install) setuptools cffi babel
	@CC="$(compiler)" $(install) --no-build-isolation $(if $(uv),--reinstall-package cmpx) -e ".$(extras)"
	@$(@D)/bin/python -c "import matplotlib.font_manager" # builds the list of fonts, which else delays the first plot
	@touch $@

lab: .venv/lab
	@CMPX_LANGUAGE="$(CMPX_LANGUAGE)" .venv/bin/python tools/lab.py $(LAB_ARGS)

# One more than processors, since a browser keeps its worker waiting.
workers = $$(($$(nproc 2>/dev/null || echo 1) + 1))

# A file stays with one worker; the longest, those with a browser, come first. What needs the cores for itself runs after the rest.
test: .venv/test
	.venv/bin/python -m pytest --nbval -n $(workers) --dist loadfile --no-loadscope-reorder -m "not alone" \
		--ignore tests/course --ignore-glob "*/assignments" tests notebooks
	.venv/bin/python -m pytest -m alone --ignore tests/course tests

# JupyterHub, in an environment of its own: in the book's it would make JupyterLab slow to start.
test-course: .venv/test .venv-hub/hub
	.venv/bin/python -m pytest --nbval -n $(workers) --dist loadfile --no-loadscope-reorder tests/course notebooks/en/assignments notebooks/zh/assignments

bench: .venv/bench
	.venv/bin/python -m benchmarks

# What differs from run to run is kept while the code of the chapter stays the same: a second run changes nothing.
notebooks: .venv/test
	.venv/bin/python tools/book.py run

# Needs Chromium, to draw the diagrams as JupyterLab does.
site: .venv/site
	.venv/bin/python -m tools.pages build/site
	@echo "build/site/index.html"

lint: .venv/test .venv/bench
	.venv/bin/python -m ruff check .
	.venv/bin/python -m ruff format --check .
	.venv/bin/python -m mypy
	.venv/bin/clang-format --dry-run -Werror $(wildcard benchmarks/*.c tests/csrc/*.c csrc/questions/*.c csrc/questions/*/*.c) $(filter %.c %.h,$(sources))

clean:
	rm -rf .venv .venv-hub build dist *.egg-info .hypothesis .mypy_cache .pytest_cache .ruff_cache
	rm -rf cmpx/*.so cmpx/_engine.c cmpx/locale/*/LC_MESSAGES/*.mo csrc/include/generated
	find . -name __pycache__ -o -name .ipynb_checkpoints | xargs rm -rf

.PHONY: help lab test test-course bench notebooks site lint clean

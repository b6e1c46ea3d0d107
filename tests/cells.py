"""The cells of the workshop that test a module, run on the module as it was exported.

`nbdev-test` runs them on the functions of the notebook; `make mutants`, which changes the module,
runs them from here. pytest finds this file only where it is named."""
import importlib.util, sys
import nbformat, pytest
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config
import fastai.vision.all, torch._dynamo  # noqa: F401  slow; here they come once for all mutants
from conftest import top

quiet = Config(HistoryManager=dict(enabled=False))

@pytest.mark.parametrize('name', ['pictures', 'play', 'quiz'])
def test_cells(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    spec = importlib.util.find_spec(f'chapter4_helpers.{name}')
    module = importlib.util.module_from_spec(spec)  # a copy, for cells to change
    spec.loader.exec_module(module)
    monkeypatch.setitem(sys.modules, spec.name, module)  # IPython does; here it ends with the test
    shell = InteractiveShell.instance(user_module=module, user_ns=vars(module), config=quiet)
    try:
        for c in nbformat.read(top/'nbs'/'workshop'/f'{name}.ipynb', 4).cells:
            if c.cell_type=='code' and '#| export' not in c.source:
                shell.run_cell(c.source, silent=True).raise_error()
    finally: InteractiveShell.clear_instance()

"""Run notebooks in a Jupyter kernel and save their outputs: part of `make notebooks`.

    python tools/run.py [NOTEBOOK ...]

By default all of them. If a cell fails, its notebook stays as it is."""
import sys
from pathlib import Path
import nbformat
from nbclient import NotebookClient

for path in map(Path, sys.argv[1:] or sorted((Path(__file__).parents[1]/'nbs').rglob('*.ipynb'))):
    print(path.name, flush=True)
    nb = nbformat.read(path, 4)
    where = dict(metadata=dict(path=str(path.parent)))
    NotebookClient(nb, kernel_name='python3', coalesce_streams=True, resources=where).execute()
    nb.metadata.language_info = dict(name='python')  # its version is each person's own
    nbformat.write(nb, path)

"""Run notebooks in a Jupyter kernel and save their outputs: part of `make notebooks`.

    python tools/run.py [NOTEBOOK ...]

By default all of them. A cell with `#| hide` checks what the others made: if a line of it fails,
the rest runs all the same, the notebook is saved, and the line is listed at the end with the
numbers that came. If any other cell fails, its notebook stays as it is."""
import ast, re, sys
from functools import partial
from pathlib import Path
import nbformat
from IPython.core.inputtransformer2 import TransformerManager
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

def statements(source):
    "Each for itself, to run and as it is written; `;` keeps all but the last from showing a value"
    code = TransformerManager().transform_cell(source)  # it makes Python of `%pip install`
    nodes = ast.parse(code).body
    ends = [';'*isinstance(node, ast.Expr) for node in nodes[:-1]] + ['']
    return [(ast.unparse(node)+end, ast.get_source_segment(code, node))
            for node,end in zip(nodes, ends)]

def compared(statement):
    "What an `assert` compares, as an expression to evaluate: `a<b and c>d` gives `(a, b, c, d)`"
    node = ast.parse(statement).body[0]
    if not isinstance(node, ast.Assert): return ''
    parts = node.test.values if isinstance(node.test, ast.BoolOp) else [node.test]
    sides = [side for p in parts if isinstance(p, ast.Compare) for side in (p.left, *p.comparators)]
    return f'({", ".join(map(ast.unparse, sides))},)' if sides else ''

class Runner(NotebookClient):
    "Runs checks line by line, and keeps what `failed`: (number of the cell, line, what it said)"
    def __init__(self, nb, **kwargs):
        super().__init__(nb, kernel_name='python3', coalesce_streams=True, **kwargs)
        self.failed = []

    async def async_execute_cell(self, cell, cell_index, **kwargs):
        run = partial(super().async_execute_cell, cell, cell_index, **kwargs)
        if cell.cell_type != 'code' or not re.search(r'(?m)^#\| *hide\b', cell.source):
            return await run()
        source,self.allow_errors = cell.source,True
        for cell.source,line in statements(source):
            await run()
            for e in [o for o in cell.outputs if o.output_type == 'error']:
                self.failed.append((cell_index, line, await self.said(e, line, cell, run)))
        cell.source,cell.outputs,self.allow_errors = source,[],False  # it checks, and shows nothing
        return cell

    async def said(self, error, line, cell, run):
        "What came in place of what"
        if error.ename != 'AssertionError': return f'{error.ename}: {error.evalue}'
        if not error.evalue and (sides := compared(line)):
            cell.source = sides
            await run()
            return ''.join(o.data['text/plain'] for o in cell.outputs if 'data' in o)
        kind,_,values = error.evalue.partition(':\n')  # as fastcore's tests say it
        return values.replace('\n', ' is not ' if kind=='==' else ' is not near ', 1) or kind

if __name__ == '__main__':
    everything = sorted((Path(__file__).parents[1]/'nbs').rglob('*.ipynb'))
    failed = []
    for path in map(Path, sys.argv[1:] or everything):
        print(path.name, flush=True)
        nb = nbformat.read(path, 4)
        runner = Runner(nb, resources=dict(metadata=dict(path=str(path.parent))))
        try: runner.execute()
        except CellExecutionError as e: failed.append(f'{path.stem} is not saved: {e}')
        else:
            nb.metadata.language_info = dict(name='python')  # its version is each person's own
            nbformat.write(nb, path)
        failed += [f'{path.stem}, cell {i}: {line}\n    {said}' for i,line,said in runner.failed]
    if failed: sys.exit('\n'.join(['', 'These checks failed:', *failed]))

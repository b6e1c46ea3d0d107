"""Print what a reader meets in each notebook, for people to judge: `make report`.

Words of text, and how many minutes text and code take to read; lines of code in view, and the
longest body of an exported function among them; lines that are folded."""
import ast, re
from pathlib import Path
import nbformat

def lines(cells):
    return [l for c in cells for l in c.source.splitlines() if l.strip() and not l.startswith('#|')]

def longest_body(cells):
    "The most lines of a function, without its docstring"
    functions = [f for c in cells if re.search(r'(?m)^#\| *export', c.source)
                 for f in ast.walk(ast.parse(c.source)) if isinstance(f, ast.FunctionDef)]
    bodies = [f.body[ast.get_docstring(f) is not None:] for f in functions]
    return max((b[-1].end_lineno - b[0].lineno + 1 for b in bodies if b), default=0)

if __name__ == '__main__':
    row = '{:<24} {:>6} {:>8} {:>8} {:>8} {:>7}'.format
    print(row('', 'words', 'minutes', 'in view', 'longest', 'folded'))
    for path in sorted((Path(__file__).parents[1]/'nbs').rglob('*.ipynb')):
        cells = nbformat.read(path, 4).cells
        words = sum(len(c.source.split()) for c in cells if c.cell_type=='markdown')
        code = [c for c in cells if c.cell_type=='code']
        folded = [c for c in code if c.metadata.get('jupyter', {}).get('source_hidden')]
        seen = [c for c in code if c not in folded]
        minutes = words/200 + len(lines(seen))/25
        print(row(path.stem, words, f'{minutes:.0f}', len(lines(seen)), longest_body(code),
                  len(lines(folded))))

"""How many mutants the tests caught, and which survived without a reason (`make mutants`).

A mutant is a module with one small change. Whoever reads of a survivor writes a test that catches
it, or puts the line that is printed here into tests/MUTANTS.md, under the reason why it may."""
import ast, json, sys
from collections import Counter
from difflib import ndiff
from pathlib import Path

top = Path(__file__).parents[1]
known = Counter((top/'tests'/'MUTANTS.md').read_text('utf-8').splitlines())

def functions(path):
    "The lines of each function of the file that holds all mutants, by name"
    text = path.read_text('utf-8')
    lines = text.splitlines()
    return {f.name: lines[f.lineno-1:f.end_lineno] for f in ast.walk(ast.parse(text))
            if isinstance(f, ast.FunctionDef)}

def as_line(module, name, code):
    "The mutant as a line: where it is, the code before, and after"
    function,_ = name.split('__mutmut_')
    names = f'{function}__mutmut_orig',name
    changes = [*ndiff(*([line.replace(n, function) for line in code[n]] for n in names))]
    before,after = (' '.join(c[2:].strip() for c in changes if c[0]==sign) for sign in '-+')
    where = '.'.join([module, *function.removeprefix('x_').removeprefix('xǁ').split('ǁ')])
    return f'- {where}: `` {before} `` becomes `` {after} ``'

# The exit codes: 0 if all tests passed, 1 if one failed, 33 if none comes that way
meaning = {None: 'not tried', 0: 'survived', 33: 'survived', 1: 'caught'}
outcomes,survivors = Counter(),[]
for path in sorted((top/'mutants'/'chapter4_helpers').glob('*.py.meta')):
    code = functions(path.with_suffix(''))
    for key,exit_code in json.loads(path.read_text('utf-8'))['exit_code_by_key'].items():
        outcome = meaning.get(exit_code, 'halted')
        outcomes[outcome] += 1
        name = key.rpartition('.')[2]
        if outcome=='survived': survivors.append(as_line(path.name[:-8], name, code))
new = Counter(survivors)-known
print(*new.elements(), sep='\n')
caught,n_new = outcomes['caught']+outcomes['halted'],new.total()
print(f'{caught+len(survivors):,} mutants of {outcomes.total():,} were tried. The tests caught '
      f'{caught:,}, {outcomes["halted"]:,} of them because they ran for too long or crashed; '
      f'{len(survivors)-n_new:,} survived with a reason, {n_new:,} without.')
print(f'Caught, of all but those with a reason: {caught/max(1, caught+n_new):.1%}')
sys.exit(n_new > 0)

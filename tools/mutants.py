"""Which mutants to try, and how many of them the tests caught (`make mutants`).

A mutant is a module with one small change. Whoever reads of a survivor writes a test that catches
it, or puts the line that is printed here into tests/MUTANTS.md, under the reason why it may."""
import ast, json, sys
from collections import Counter
from difflib import ndiff
from hashlib import sha256
from pathlib import Path

top,n_sample = Path(__file__).parents[1],1000
codes = {path: json.loads(path.read_text('utf-8'))['exit_code_by_key']
         for path in sorted((top/'mutants'/'chapter4_helpers').glob('*.py.meta'))}

if sys.argv[1:] == ['--all']: sys.exit()  # without names mutmut tries them all
if sys.argv[1:] == ['--sample']:
    # By a hash of the name, so that a change of one function leaves the lot of the others
    names = (key for keys in codes.values() for key in keys)
    print(*sorted(names, key=lambda key: sha256(key.encode()).digest())[:n_sample])
    sys.exit()

# The page has the equivalent ones first
listed = (top/'tests'/'MUTANTS.md').read_text('utf-8').partition('\n## Changes that no test sees\n')
equivalent,unseen = (Counter(listed[i].splitlines()) for i in (0,2))

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

# The exit codes: 0 if all tests passed, 1 if one failed, 33 if none comes that way; 255 if pytest
# could not begin: where the id of a test holds a backslash, it finds it the first time only
meaning = {0: 'survived', 33: 'survived', 1: 'caught'}
survivors,total = Counter(),Counter()
columns = 'mutants', 'tried', 'caught', 'halted', 'equivalent', 'survived'

def row(name, counts): print('|', name, *(f'| {counts[c]:,}' for c in columns), '|')

print('| module |', ' | '.join(columns), '|\n| ---', '| ---: '*6 + '|')
for path,keys in codes.items():
    code,module = functions(path.with_suffix('')),path.name[:-8]
    tried = {key: meaning.get(c, 'halted') for key,c in keys.items() if c not in (None, 255)}
    lines = Counter(as_line(module, key.rpartition('.')[2], code)
                    for key,outcome in tried.items() if outcome=='survived')
    counts = Counter(tried.values(), mutants=len(keys), tried=len(tried))
    counts['equivalent'] = (lines & equivalent).total()
    counts['survived'] -= counts['equivalent']
    survivors += lines
    total += counts
    if keys: row(module, counts)
row('all', total)
new = survivors - equivalent - unseen
stuck = sum(c==255 for keys in codes.values() for c in keys.values())
print('', *new.elements(), sep='\n')
print('Caught, or halted since they ran for too long, of all that are not equivalent: '
      f'{(total["caught"]+total["halted"])/max(1, total["tried"]-total["equivalent"]):.1%}')
if stuck: print(f'Pytest could not begin with {stuck}: has the id of a test a backslash?')
sys.exit(bool(new) or bool(stuck))

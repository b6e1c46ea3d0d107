"""How many mutants the tests caught (`make mutants`), and the survivors without a reason in tests/MUTANTS.md.

A mutant is a module with one small change. Whoever reads a survivor writes a test that catches it,
or gives the reason why none can: in tests/MUTANTS.md, with the line that is printed here under it."""
import sys
from collections import Counter
from pathlib import Path
from mutmut.mutation.data import SourceFileMutationData
from mutmut.mutation.diff_apply import get_diff_for_mutant
from mutmut.stats import status_by_exit_code
from mutmut.utils.file_utils import walk_mutatable_files
from mutmut.utils.format_utils import orig_function_and_class_names_from_key as names_of

known = (Path(__file__).parents[1]/'tests'/'MUTANTS.md').read_text('utf-8').splitlines()

def line_of(name, path):
    "The mutant as a line: module and function, the code before, and after"
    function,of = names_of(name)
    where = '.'.join([path.stem, *([of] if of else []), function.rpartition('.')[2]])
    changed = get_diff_for_mutant(name, path=path).split('\n')[2:]
    before,after = (' '.join(l[1:].strip() for l in changed if l[0]==sign) for sign in '-+')
    return f'- {where}: `` {before} `` → `` {after} ``'

counts,survivors = Counter(),[]
for path in walk_mutatable_files():
    data = SourceFileMutationData(path=path)
    data.load()
    for name,code in data.exit_code_by_key.items():
        status = status_by_exit_code[code]
        counts[status] += 1
        if status not in ('killed', 'timeout', 'not checked'): survivors.append((name, path))
lines = [line_of(*survivor) for survivor in survivors]
new = [line for line in lines if line not in known]
print(*new, sep='\n')
caught = counts['killed'] + counts['timeout']
tried,equal = caught+len(lines), len(lines)-len(new)
print(f'{tried:,} mutants of {counts.total():,} tried: {caught:,} caught, {equal:,} survived with a '
      f'reason, {len(new):,} without. Caught, of those without a reason: {caught/max(1, caught+len(new)):.1%}')
sys.exit(bool(new))

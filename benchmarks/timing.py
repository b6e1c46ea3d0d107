"Time alternatives in turn, describe the machine, and write tables."
import gc, os, platform, re, time
from pathlib import Path
from statistics import median, quantiles
from typing import Any, NamedTuple

import torch
from fastprogress import progress_bar

class Run(NamedTuple):
    "One call of an alternative."
    seconds: float
    result: Any    # What it returned

def in_turn(
    alternatives,  # Dict from name to a function without arguments
    repeats=7,     # How often each is called
    warm_up=1,     # Rounds before that, which do not count
) -> dict:         # The same names, each with a list of `repeats` runs
    "Call the alternatives in turn (A B C A B C ...), so that a busy moment hits them all."
    runs = {name: [] for name in alternatives}
    gc.collect()
    gc.freeze()  # what is there already is not searched for garbage in the middle of one of them
    for _ in progress_bar(range(warm_up+repeats), leave=False):
        for name,f in alternatives.items():
            start = time.perf_counter()
            result = f()
            runs[name].append(Run(time.perf_counter()-start, result))
    gc.unfreeze()
    return {name: r[warm_up:] for name,r in runs.items()}

def middle(runs): return median(r.seconds for r in runs)

def spread(runs, scale=1.):
    "From the first to the third quartile, as text"
    seconds = [r.seconds*scale for r in runs]
    low,_,high = quantiles(seconds, n=4, method='inclusive') if len(seconds) > 1 else seconds*3
    return f'{digits(low)} to {digits(high)}'

def digits(x):
    "`x` as text, with three digits that mean something"
    places = 0 if abs(x) >= 100 else 1 if abs(x) >= 10 else 2 if abs(x) >= .1 else 3
    return f'{x:,.{places}f}'

def table(columns, rows):
    "A Markdown table; `rows` are lists of texts and numbers"
    lines = [[c if isinstance(c, str) else digits(c) for c in row] for row in rows]
    lines = [columns, ['---']*len(columns), *lines]
    return '\n'.join(f'| {" | ".join(line)} |' for line in lines)

def read_table(text):
    "The rows of the first table in `text`, each a dict from column to text"
    found = re.search(r'(?m)(^\|.*\n)+', text + '\n')
    if not found: return []
    lines = found[0].splitlines()
    head,_,*rows = [[c.strip() for c in line.strip('|').split('|')] for line in lines]
    return [dict(zip(head, row)) for row in rows]

def memory():
    "Memory of the machine: total and available, in bytes; infinite where there is no /proc/meminfo"
    path = Path('/proc/meminfo')
    kib = dict(re.findall(r'(\w+):\s+(\d+) kB', path.read_text())) if path.exists() else {}
    return [int(kib[k])*1024 if k in kib else float('inf') for k in ('MemTotal', 'MemAvailable')]

def machine():
    "The processor, its cores, the memory and the versions, in one line"
    from importlib.metadata import version
    cpuinfo = Path('/proc/cpuinfo')
    model = re.search(r'model name\s*: (.+)', cpuinfo.read_text()) if cpuinfo.exists() else None
    cores = len(os.sched_getaffinity(0)) if hasattr(os, 'sched_getaffinity') else os.cpu_count()
    return (f'{model[1] if model else platform.machine()}, {cores} cores, PyTorch threads: '
            f'{torch.get_num_threads()}, {memory()[0]/2**30:.0f} GiB of memory; '
            f'{platform.system()}, Python {platform.python_version()}, '
            f'PyTorch {torch.__version__}, fastai {version("fastai")}')

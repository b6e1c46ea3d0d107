"""Measure, and write RESULTS.md and results.png: `make bench`.

    python benchmarks/run.py [SECTION ...] [--quick] [--out FOLDER]

Without a section, all of them are measured. A section that is not measured stays as it is in
RESULTS.md."""
import argparse, sys
from contextlib import redirect_stdout
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory

from timing import machine, read_table

here = Path(__file__).parent
sections = {  # argument: title, module and function
    'epoch':  ('An epoch over threes and sevens', 'training', 'epoch'),
    'growth': ('The same at growing sizes', 'training', 'growth'),
    'start':  ('From nothing to tensors', 'loading', 'start'),
    'import': ('The time to import', 'loading', 'imports'),
    'race':   ('The race of ten digits', 'race', 'race'),
    'memory': ('A file larger than memory', 'loading', 'large'),
    'gpu':    ('On a graphics card', 'gpu', 'gpu'),
}
intro = '''<!-- Written by `make bench`. Change benchmarks/, not this. -->

# What was measured

Alternatives run in one process (or each in a new one, where the text says so), in turn: A B C A B C and so on. The first round is a warm-up and does not count. There are at least 7 rounds, unless the table says otherwise; given are the median and the first and third quartile. Each section says on which machine it was measured. `make bench` measures all again, and `make bench ARGS='epoch race'` only these two.

![The epoch, its growth and the race](results.png)'''  # noqa: E501
no_run = {name: 'No run has been made yet.' for name in sections}
no_run['gpu'] = ('No run on a graphics card has been made yet. `make bench ARGS=gpu` on a machine '
                 'with one fills this section.')

def read(path):
    "The sections of RESULTS.md, by argument; those that are not there say that no run was made"
    parts = path.read_text('utf-8').split('\n## ')[1:] if path.exists() else []
    found = dict(part.split('\n', 1) for part in parts)
    return {name: found.get(title, no_run[name]).strip() for name,(title,_,_) in sections.items()}

def number(text): return float(text.rstrip('%').replace(',', ''))

def draw(texts, path):
    "Draw the epoch, the growth and the race from their tables"
    import matplotlib
    matplotlib.use('agg')
    import matplotlib.pyplot as plt
    from matplotlib.ticker import LogLocator, NullFormatter
    fig,(a,b,c) = plt.subplots(1, 3, figsize=(13,5), layout='constrained')
    rows = [r for r in read_table(texts['epoch']) if r['validation']=='without']
    names = list(dict.fromkeys(r['way'] for r in rows))
    for i,model in enumerate(dict.fromkeys(r['model'] for r in rows)):
        bars = a.barh([names.index(r['way'])+.4*i-.2 for r in rows if r['model']==model],
                      [number(r['ms, median']) for r in rows if r['model']==model], .4, label=model)
        medians = [r['ms, median'] for r in rows if r['model']==model]
        a.bar_label(bars, medians, padding=3, fontsize=8)
    a.set_yticks(range(len(names)), names)
    a.invert_yaxis()
    a.margins(x=.12)
    a.set(title='an epoch over threes and sevens', xlabel='milliseconds')
    for r in (r for r in read_table(texts['growth']) if r['model']=='linear'):
        columns = [k for k in r if k.startswith('µs')]
        n = [number(k.split(', ')[1].split()[0]) for k in columns]
        seconds = [number(r[k])*images/1e6 for k,images in zip(columns, n)]
        b.loglog(n, seconds, 'o-', label=f'batches of {r["batch"]}')
    b.set(title='an epoch of the linear model', xlabel='images', ylabel='seconds')
    for r in read_table(texts['race']):
        epochs = f'{r["epochs"]} epoch{"s"*(r["epochs"]!="1")}'
        label = f'{r["network"]}, {r.get("memory", "")}, {epochs}'.replace(', ,', ',')
        c.errorbar(number(r['s, median']), 100*number(r['test accuracy']),
                   100*number(r['± (images)']), fmt='o', capsize=3, label=label)
    c.set(title='the race of ten digits', xscale='log', ylabel='accuracy on the test set (%)',
          xlabel='seconds of training (logarithmic)\nbars: the luck of the test images, 95%')
    c.xaxis.set(major_locator=LogLocator(subs=(1,2,5)), major_formatter='{x:g}',
                minor_formatter=NullFormatter())
    for ax in (a,b,c):
        ax.grid(alpha=.3)
        if ax.get_legend_handles_labels()[0]: ax.legend(fontsize=8)
    c.legend(fontsize=8, loc='lower left', bbox_to_anchor=(0,1.1))  # no corner is free
    fig.savefig(path, dpi=90)
    plt.close(fig)

def write(folder, texts):
    "Write RESULTS.md and results.png whole, or leave both as they are"
    with TemporaryDirectory(prefix='.new-', dir=folder) as new:
        new = Path(new)
        draw(texts, new/'results.png')
        parts = [intro, *[f'## {sections[name][0]}\n\n{text}' for name,text in texts.items()]]
        text = '\n\n'.join(parts) + '\n'
        (new/'RESULTS.md').write_text(text, 'utf-8')
        for name in ('results.png', 'RESULTS.md'): (new/name).replace(folder/name)

def main():
    parser = argparse.ArgumentParser(prog='benchmarks/run.py', description=__doc__.split('\n\n')[0])
    known = ', '.join(sections)
    parser.add_argument('sections', nargs='*', metavar='SECTION',
                        help=f'one of {known}; by default all')
    parser.add_argument('--quick', action='store_true', help='small settings, to see that all '
                        'runs; nothing is written without --out')
    parser.add_argument('--out', type=Path, metavar='FOLDER',
                        help='where RESULTS.md is; by default here')
    args = parser.parse_args()
    if unknown := set(args.sections)-set(sections):
        parser.error(f'no section {", ".join(sorted(unknown))}; they are {known}')
    out = args.out or (None if args.quick else here)
    failed = False
    for name in args.sections or sections:
        title,module,function = sections[name]
        try:
            with redirect_stdout(sys.stderr):  # the progress bar
                text = getattr(import_module(module), function)(args.quick).strip()
        except OSError as e:  # no graphics card, no room on the disk
            print(f'## {title}\n\nNot measured: {e}\n', flush=True)
            failed |= name in args.sections
            continue
        text = f'*{machine()}*\n\n{text}'
        print(f'## {title}\n\n{text}\n', flush=True)
        if out: write(out, read(out/'RESULTS.md') | {name: text})
    sys.exit(failed)

if __name__ == '__main__':
    try: main()
    except KeyboardInterrupt:
        sys.exit('\nInterrupted: the sections that were finished are written, '
                 'the others are as before.')

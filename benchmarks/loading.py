"From nothing to tensors, the time to import, and a file larger than we want in memory."
import json, os, re, shutil, subprocess, sys, tempfile, time
from pathlib import Path
from statistics import median

import numpy as np, torch
from fastprogress import progress_bar
from PIL import Image

from chapter4_helpers.data import mnist, mnist_folder, mnist_sample
from chapter4_helpers.minibatches import TensorDataLoader
from timing import digits, in_turn, middle, spread, table

def python(*args):
    command = [sys.executable, *args]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout

def from_png(folder):
    "The threes, then the sevens, as the book reads them: file by file"
    def part(name):
        files = [sorted((folder/name/digit).iterdir()) for digit in '37']
        x = torch.stack([torch.tensor(np.array(Image.open(f))) for f in [*files[0], *files[1]]])
        y = torch.tensor([1]*len(files[0]) + [0]*len(files[1])).unsqueeze(1)
        return x.view(-1, 28*28).float()/255, y
    return *part('train'),*part('valid')

def start(quick=False):
    "From nothing to tensors"
    with tempfile.TemporaryDirectory() as folder:
        png = mnist_folder(dest=Path(folder)/'mnist')
        ways = {'our packaged data': mnist_sample, '14,434 PNG files': lambda: from_png(png)}
        runs = in_turn(ways, 1 if quick else 7, 0 if quick else 1)
    ours,theirs = [r[-1].result for r in runs.values()]
    if not all(torch.equal(a, b) for a,b in zip(ours, theirs)):
        raise ValueError('the two ways do not give the same tensors')
    rows = [[name, middle(r), spread(r), middle(r)/middle(runs['our packaged data'])]
            for name,r in runs.items()]
    return f'''
To the same four tensors of threes and sevens, ready for training: `mnist_sample()`, which reads all of MNIST from the package, checks its sum and picks two digits; and the files of the book, read one by one. Both read from the page cache, and the files are there already.

{table(['way', 's, median', 'quartiles', 'times ours'], rows)}
'''  # noqa: E501

def imports(quick=False):
    "The time to import"
    what = ['pass', 'import torch', 'import chapter4_helpers.all', 'import fastai.vision.all']
    if quick: what = what[:2]
    runs = in_turn({code: lambda code=code: python('-W', 'ignore', '-c', code) for code in what},
                   1 if quick else 7, 0 if quick else 1)
    rows = [[f'`{code}`', middle(r), spread(r), middle(r)/middle(runs['import torch'])]
            for code,r in runs.items()]
    return f'''
A new Python process that does nothing else, with the files in the page cache.

{table(['process', 's, median', 'quartiles', 'times torch'], rows)}
'''

# A file larger than memory: each epoch is a process of its own, so that its memory can be read off

def write_large(folder, gigabytes):
    "MNIST over and over as uint8 rows in x.npy, each copy moved by up to two pixels, and y.npy"
    d,n = mnist(),int(gigabytes*1e9)//784
    x,rng = d.train_x.numpy(),np.random.default_rng(0)
    with open(folder/'x.npy', 'wb') as f:
        header = dict(descr='|u1', fortran_order=False, shape=(n,784))
        np.lib.format.write_array_header_1_0(f, header)
        for i in progress_bar(range(0, n, len(x)), leave=False):
            f.write(np.roll(x, rng.integers(-2, 3, 2), (1,2))[:n-i].tobytes())
        f.flush()
        os.fsync(f.fileno())
    np.save(folder/'y.npy', np.resize(d.train_y.numpy().astype(np.uint8), n))

def resident():
    "Memory of this process in MB: its own, what it has mapped of files, and the peak of both"
    kb = dict(re.findall(r'(\w+):\s+(\d+) kB', Path('/proc/self/status').read_text()))
    return [int(kb[k])/1e3 for k in ('RssAnon', 'RssFile', 'VmHWM')]

def through(batches, limit):
    "Go through `batches` for at most `limit` seconds; rows, and the largest of each of `resident`"
    rows,most,end = 0,resident(),time.perf_counter()+limit
    for i,(xb,_) in enumerate(batches):
        rows += len(xb)
        if i%256 == 0: most = list(map(max, most, resident()))
        if time.perf_counter() > end: break
    return rows,list(map(max, most, resident()))

# Ways to go through the file, as batches

def one_read(x, y, bs):
    "The floor: read the file from one end to the other into one buffer"
    with open(x, 'rb') as f:
        f.seek(np.load(x, mmap_mode='r').offset)
        buffer = np.empty((bs,784), np.uint8)
        while got := f.readinto(buffer): yield buffer[:got//784],None

def in_order(x, y, bs): return TensorDataLoader(np.load(x, mmap_mode='r'), y, bs)
def by_rows(x, y, bs): return TensorDataLoader(np.load(x, mmap_mode='r'), y, bs, shuffle=True)

def by_blocks(x, y, bs, block=2**14):
    """Blocks of rows in random order, each shuffled; every block maps the file anew, which gives
    back the memory of the last"""
    for i in (torch.randperm(-(-len(y)//block))*block).tolist():
        part = np.load(x, mmap_mode='r')[i:i+block]
        yield from TensorDataLoader(part, y[i:i+block], bs, shuffle=True)

ways = {'one plain read of the file': one_read, 'in order': in_order,
        'shuffled by blocks': by_blocks, 'shuffled by rows': by_rows}

def epoch_of_file(folder, way, bs, cold, limit=20):
    "Go through the file in this process; rows, seconds and memory as JSON"
    x,y = folder/'x.npy',np.load(folder/'y.npy')
    if cold:
        with open(x) as f: os.posix_fadvise(f.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
    start = time.perf_counter()
    rows,most = through(ways[way](x, y, bs), limit)
    mb_per_s = rows*784/1e6/(time.perf_counter()-start)
    return json.dumps(dict(share=rows/len(y), mb_per_s=mb_per_s, memory=most))

def large(quick=False):
    "A file larger than we want in memory"
    gigabytes,bs = (.02 if quick else 10),256
    if sys.platform != 'linux':
        raise OSError('the memory of a process is read from /proc, which only Linux has')
    with tempfile.TemporaryDirectory() as folder:
        free = shutil.disk_usage(folder).free/1e9
        if free < gigabytes+2:
            raise OSError(f'{gigabytes+2:.0f} GB are needed in {folder}, and {free:.0f} are free. '
                          'TMPDIR names another folder')
        write_large(Path(folder), gigabytes)
        def run(way, cold=''): return json.loads(python(__file__, folder, way, str(bs), cold))
        cold = {(way, 'the disk'): lambda way=way: run(way, 'cold')
                for way in ways if 'blocks' in way or 'read' in way}
        warm = {(way, 'the page cache'): lambda way=way: run(way) for way in ways}
        runs = in_turn(cold, 1, 0) | ({} if quick else in_turn(warm))
    def row(way, where, runs):
        results = [r.result for r in runs]
        rate = [r['mb_per_s'] for r in results]
        own,mapped,peak = [max(m) for m in zip(*(r['memory'] for r in results))]
        share = f'{100*min(r["share"] for r in results):.0f}%'
        return [way, where, f'{len(runs)}', median(rate),
                f'{digits(min(rate))} to {digits(max(rate))}', share, own, mapped, peak]
    columns = ['order', 'from', 'runs', 'MB/s, median', 'least and most', 'share', 'own, MB',
               'mapped, MB', 'peak, MB']
    return f'''
A file of {gigabytes} GB: MNIST over and over, each copy moved a little, uint8. `TensorDataLoader` goes through it in batches of {bs}, in a process of its own; nothing is trained. *By blocks*: blocks of 16,384 rows in random order, each a memory map of its own, with its rows shuffled. *By rows*: `shuffle=True` over one map of the whole file. *One plain read* is the floor: the file read from end to end into one buffer. A pass is cut off after 20 seconds; the column *share* says how far it came.

Memory is what the process has resident: *own*, and *mapped*, the pages of the file that it has touched and still maps. The system takes those back when it needs them, but they count. *Peak* is the most of both together.

{table(columns, [row(*k, r) for k,r in runs.items()])}
'''  # noqa: E501

if __name__ == '__main__':
    _,folder,way,bs,cold = sys.argv
    print(epoch_of_file(Path(folder), way, int(bs), cold))

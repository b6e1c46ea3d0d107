"The film of the first page: it moves, and shows what the text under it says."
import re
from pathlib import Path
import nbformat
from PIL import Image
from opening import shown, train

nbs = Path(__file__).parents[1]/'nbs'
cell = next(c for c in nbformat.read(nbs/'index.ipynb', 4).cells if 'fig-alt: A film.' in c.source)

def test_it_moves():
    with Image.open(nbs/'opening.png') as im: assert im.n_frames == len(shown)+1

def test_with_and_without_the_file(tmp_path, monkeypatch):
    displayed = []
    monkeypatch.setattr('IPython.display.display', displayed.append)
    for folder in nbs,tmp_path:
        monkeypatch.chdir(folder)
        exec(cell.source, {})
    here,elsewhere = displayed
    assert here.data == (nbs/'opening.png').read_bytes()
    path = re.search(r'src="https://[^"]+/blob/[^/]+/(.+)\?raw=true"', elsewhere._repr_html_())[1]
    assert (nbs.parent/path).is_file()

def test_what_the_text_says_of_it():
    _,notes = train()
    (_,first,before),(_,last,after) = notes[0],notes[shown[-1]]
    assert max(first) < 0 and shown[-1] == max(notes)
    numbers = re.search(r'in (\d+) steps .*3 add up to (\S+), a three, those of the 7 to (\S+), '
                        r'a seven.* from (\d+) to (\d+) of 100', cell.source)
    steps,*scores,low,high = map(float, numbers.groups())
    assert (steps, low, high) == (max(notes), round(100*before), round(100*after))
    assert all(abs(n-s) < .1 for n,s in zip(scores, last))

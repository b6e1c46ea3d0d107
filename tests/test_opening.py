"The film of the first page: it moves, is small, and shows what the text under it says."
import re
from pathlib import Path
import nbformat
from PIL import Image
from opening import draw, shown, train

top = Path(__file__).parents[1]
film = top/'chapter4_helpers'/'opening.png'

def test_it_moves_and_is_small():
    with Image.open(film) as im: assert im.n_frames == len(shown)+1 and im.info['loop'] == 0
    assert film.stat().st_size < 1_500_000

def test_what_the_text_says_of_it():
    cells = nbformat.read(top/'nbs'/'index.ipynb', 4).cells
    alt = next(c.source for c in cells if 'fig-alt: A film.' in c.source)
    digits,notes = train()
    (_,first,before),(_,last,after) = notes[0],notes[shown[-1]]
    assert max(first) < 0 and shown[-1] == 980 == max(notes)
    assert abs(before-.55) < .006 and abs(after-.98) < .006
    numbers = re.search(r'add up to (\S+), a three, those of the 7 to (\S+), a seven', alt)
    assert all(abs(float(n)-s) < .1 for n,s in zip(numbers.groups(), last))
    assert 'rises from 55 to 98 of 100' in alt and 'in 980 steps' in alt
    assert draw(digits, notes, shown[-1], 1.).size == (840,272)

"""Write every link that holds the GitHub user, repo or branch of settings.ini: `make links`, after
a change there. It also writes each notebook's badges and its first code cell, which installs.

    python tools/links.py [--check]

The links to replace are known by those in pyproject.toml. With --check nothing is written; the
files that would change are named, and the exit status is 1 if there are any."""
import json, re, sys
from pathlib import Path
from settings import settings

top = Path(__file__).parents[1]
pyproject = top/'pyproject.toml'
old = re.search(r'github\.com/([^/"]+/[^/"]+)/tree/(.+)/nbs"', pyproject.read_text('utf-8'))
links = re.compile(rf'(\bgithub(?:\.com)?/){re.escape(old[1])}(?![\w-])'
                   rf'(?:(@|/blob/|/tree/){re.escape(old[2])}(?![\w-]))?')
site = re.compile(r'\b{}\.github\.io/{}(?![\w-])'.format(*map(re.escape, old[1].split('/'))))

def with_links(path):
    "The text of the file at `path` with the links of settings.ini"
    def link(m): return f'{m[1]}{settings.slug}' + (m[2]+settings.branch if m[2] else '')
    text = links.sub(link, path.read_bytes().decode())
    text = site.sub(settings.site.removeprefix('https://').rstrip('/'), text)
    return with_first_cells(text, path) if path.suffix=='.ipynb' else text

install = f"""# On Colab and Kaggle this installs the helpers; elsewhere it says how
import importlib.util, os, sys
helpers = '{settings.pip}'
def missing(): return not importlib.util.find_spec('chapter4_helpers')
if missing() and ('google.colab' in sys.modules or 'KAGGLE_KERNEL_RUN_TYPE' in os.environ):
    %pip install -q {{helpers}}
if missing():
    raise ImportError('the helpers are missing. Run this line in a cell (on Kaggle, first switch '
        f'on in the panel on the right: Settings, Internet on):\\n\\n%pip install {{helpers}}')"""

def badges(path):
    "What opens the notebook at `path` in Colab and in Kaggle"
    name = path.relative_to(top).as_posix()
    return ' '.join(f'[![{alt}]({image})]({host}/{name})' for alt,image,host in [
        ('Open In Colab', 'https://colab.research.google.com/assets/colab-badge.svg',
         settings.colab),
        ('Open In Kaggle', 'https://kaggle.com/static/images/open-in-kaggle.svg',
         settings.kaggle)])

def with_first_cells(text, path):
    "The notebook `text` with its own badges (it may be a copy), and the cell that installs"
    nb = json.loads(text)
    title,first = nb['cells'][:2]
    title['source'] = [l for l in title['source'] if '![Open In' not in l] + [badges(path)]
    directives = [line for line in first['source'] if line.startswith('#|')]
    first['source'] = directives + install.splitlines(keepends=True)
    return json.dumps(nb, sort_keys=True, indent=1, ensure_ascii=False) + '\n'

# pyproject.toml comes last, since it knows the old links
paths = [*sorted(top.glob('nbs/**/*.ipynb')), *sorted(top.glob('*.md')), pyproject]
changed = [p for p in paths if p.read_bytes() != with_links(p).encode()]
for p in changed:
    print(p.relative_to(top))
    if '--check' not in sys.argv: p.write_bytes(with_links(p).encode())
sys.exit('--check' in sys.argv and bool(changed))

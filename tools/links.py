"""Write every link that holds the GitHub user, repo or branch of settings.ini: `make links`, after
a change there.

    python tools/links.py [--check]

The links to replace are known by those in pyproject.toml. With --check nothing is written; the
files that would change are named, and the exit status is 1 if there are any."""
import re, sys
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
    if path.suffix=='.ipynb':  # its own badge and Colab cell: it may be a copy of another notebook
        image = 'https://colab.research.google.com/assets/colab-badge.svg'
        badge = f'[![Open In Colab]({image})]({settings.colab}/{path.relative_to(top).as_posix()})'
        old_badge = r'(?m)^( *")\[!\[Open In Colab\].*?(?=(\\n)?",?$)'
        text = re.sub(old_badge, rf'\g<1>{badge}', text, count=1)
        install = r'(%pip install -q )git\+[^\s"\\]+'
        text = re.sub(install, rf'\g<1>{settings.pip}', text, count=1)
    return text

# pyproject.toml comes last, since it knows the old links
paths = [*sorted(top.glob('nbs/**/*.ipynb')), *sorted(top.glob('*.md')), pyproject]
changed = [p for p in paths if p.read_bytes() != with_links(p).encode()]
for p in changed:
    print(p.relative_to(top))
    if '--check' not in sys.argv: p.write_bytes(with_links(p).encode())
sys.exit('--check' in sys.argv and bool(changed))

"""Write README.md from nbs/index.ipynb: `make readme`.

    python tools/readme.py [--check]

Cells with `#| hide` are left out, and the code of cells with `#| echo: false`. Of the outputs,
Markdown and text are kept, and of the film a link. With --check nothing is written; the exit status
is 1 if README.md would change."""
import re, sys
from pathlib import Path, PurePosixPath
from posixpath import normpath
from nbconvert import MarkdownExporter
from nbconvert.preprocessors import Preprocessor, TagRemovePreprocessor
from traitlets.config import Config
from settings import settings

class Directives(Preprocessor):
    "Make tags of nbdev's directives, and of `fig-alt` the alternative text of the figures."
    def preprocess_cell(self, cell, resources, index):
        if cell.cell_type=='code':
            directives = re.findall(r'^#\|\s*(.*?)\s*$', cell.source, re.M)
            cell.metadata.tags = [d for d in directives if not d.startswith('fig-alt:')]
            alt = [d.removeprefix('fig-alt:') for d in directives if d.startswith('fig-alt:')]
            cell.metadata.alt = ''.join(a.strip() for a in alt)
            cell.source = re.sub(r'^#\|.*\n?', '', cell.source, flags=re.M)
        return cell,resources

class Picture(Preprocessor):
    "Put a link in the place of the picture, which `make opening` has made"
    def preprocess_cell(self, cell, resources, index):
        for o in cell.get('outputs', []):
            if 'image/png' in o.get('data', {}):
                link = f'{settings.raw}/nbs/opening.png'
                o.data = {'text/markdown': f'![{cell.metadata.alt}]({link})'}
        return cell,resources

def whole(link):
    "A link of the notebook as one that works wherever README.md is read, such as a release's page"
    if re.match(r'[a-z]+:|#', link): return link
    return f'{settings.blob}/{normpath(PurePosixPath("nbs", link))}'

if __name__ == '__main__':
    top = Path(__file__).parents[1]
    config = Config(
        MarkdownExporter=dict(preprocessors=[Directives, Picture, TagRemovePreprocessor]),
        TagRemovePreprocessor=dict(
            enabled=True, remove_cell_tags=['hide'], remove_input_tags=['echo: false']),
        NbConvertBase=dict(display_data_priority=['text/markdown', 'text/plain']))
    text,_ = MarkdownExporter(config=config).from_filename(top/'nbs'/'index.ipynb')
    text = re.sub(r'(?<=\]\()[^)\s]+', lambda m: whole(m[0]), text)
    note = '<!-- Made from nbs/index.ipynb by `make readme`. Change that, not this. -->'
    text = f'{note}\n\n' + re.sub(r'\n{3,}', '\n\n', text).strip() + '\n'
    readme = top/'README.md'
    changed = not readme.exists() or readme.read_text('utf-8') != text
    if changed:
        print(readme.name)
        if '--check' not in sys.argv: readme.write_text(text, 'utf-8')
    sys.exit('--check' in sys.argv and changed)

"""Write README.md from nbs/index.ipynb: `make readme`.

    python tools/readme.py [--check]

Cells with `#| hide` are left out, and the code of cells with `#| echo: false`. Of the outputs, Markdown and text
are kept. With --check nothing is written; the exit status is 1 if README.md would change."""
import re, sys
from pathlib import Path, PurePosixPath
from posixpath import normpath
from nbconvert import MarkdownExporter
from nbconvert.preprocessors import Preprocessor, TagRemovePreprocessor
from traitlets.config import Config

class Directives(Preprocessor):
    "Make tags of nbdev's directives."
    def preprocess_cell(self, cell, resources, index):
        if cell.cell_type=='code':
            cell.metadata.tags = re.findall(r'^#\|\s*(.*?)\s*$', cell.source, re.M)
            cell.source = re.sub(r'^#\|.*\n?', '', cell.source, flags=re.M)
        return cell,resources

def from_root(link): return normpath(PurePosixPath('nbs', link)) if not re.match(r'[a-z]+:|[#/]', link) else link

if __name__ == '__main__':
    top = Path(__file__).parents[1]
    config = Config(
        MarkdownExporter=dict(preprocessors=[Directives, TagRemovePreprocessor]),
        TagRemovePreprocessor=dict(enabled=True, remove_cell_tags=['hide'], remove_input_tags=['echo: false']),
        NbConvertBase=dict(display_data_priority=['text/markdown', 'text/plain']))
    text,_ = MarkdownExporter(config=config).from_filename(top/'nbs'/'index.ipynb')
    text = re.sub(r'(?<=\]\()[^)\s]+', lambda m: from_root(m[0]), text)
    text = '<!-- Made from nbs/index.ipynb by `make readme`. Change that, not this. -->\n\n' + re.sub(r'\n{3,}', '\n\n', text).strip() + '\n'
    readme = top/'README.md'
    if not readme.exists() or readme.read_text('utf-8') != text:
        print(readme.name)
        if '--check' in sys.argv: sys.exit(1)
        readme.write_text(text, 'utf-8')

"""Build the site from the notebooks as they are saved: `make docs`.

    python docs/build.py [FOLDER]
    python docs/build.py --linkcheck

The folder is _docs by default. The second asks the web whether every link to it still leads
somewhere. Cells with `#| hide` are left out, and the source of cells with `#| export` folds. A
figure's alternative text is its cell's `#| fig-alt: ...`; without one, nothing is built. Beside
each page lies its Markdown, and llms.txt lists them."""
import ast, inspect, re, shutil, sys
from base64 import b64decode
from copy import deepcopy
from html import escape, unescape
from importlib import import_module
from pathlib import Path
from posixpath import normpath
from tempfile import TemporaryDirectory
from textwrap import dedent, indent
from typing import NamedTuple

import nbformat
from bs4 import BeautifulSoup
from nbconvert import MarkdownExporter
from sphinx.cmd.build import build_main
from traitlets.config import Config

docs = Path(__file__).parent
top = docs.parent
sys.path[:0] = [str(top), str(top/'tools')]
from readme import Directives
from settings import settings

package = 'chapter4_helpers'

class Page(NamedTuple):
    name: str     # Of its file in nbs, without the ending, such as `workshop/data`
    title: str
    summary: str  # The line under the title
    nb: nbformat.NotebookNode
    module: str = ''  # The one that the notebook exports to

# Text

def slug(heading): return re.sub(r'[^\w\- ]', '', heading.strip().lower()).replace(' ', '-')

def site_link(link, folder):
    "The `link` of a notebook in `folder` to a page and section of the site, or else to GitHub"
    to,_,section = link.partition('#')
    if re.match(r'[a-z]+:', to): return link
    path = normpath(f'{folder}/{to}')
    if not path.startswith('nbs'): to = f'{settings.blob}/{path}'
    return f'{to}#{slug(section.replace("-", " "))}' if section else to

def with_site_links(text, folder):
    "Markdown of `folder` with the links of the site"
    # The badges are images on other hosts
    text = re.sub(r'\[!\[Open In (Colab|Kaggle)\]\([^)]*\)\]', r'[Open in \1]', text)
    return re.sub(r'\]\(([^)\s]+)\)', lambda m: f']({site_link(m[1], folder)})', text)

def html_with_site_links(html, folder):
    "The same for HTML, where Sphinx makes nothing of the names of notebooks"
    def link(m): return m[1] + escape(site_link(unescape(m[2]), folder).replace('.ipynb', '.html'))
    return re.sub(r'(<a [^>]*\bhref=")([^"]+)', link, html)

def is_figure(output):
    data = output.get('data', {})
    return any(k.startswith('image/') for k in data) or '<img' in data.get('text/html', '')

def alt_text(cell, where):
    "The cell's `#| fig-alt`, which each cell with a figure has"
    if not cell.metadata.alt and any(map(is_figure, cell.outputs)):
        sys.exit(f'{where}: the figure of the cell below has no description. Say what is to be '
                 f'seen in its first line, as `#| fig-alt: ...`\n\n{cell.source}')
    return cell.metadata.alt

# Pages

def is_seen(output):
    "Is it more than the style sheet that a finished progress bar leaves?"
    html = output.get('data', {}).get('text/html')
    return html is None or re.sub(r'(?s)<style>.*?</style>', '', html).strip()

def prepare(cell, alt, module, folder):
    "Fold what is exported or hidden in Jupyter, and give the figures their alternative text"
    exported,folded = 'export' in cell.metadata.tags, 'jupyter' in cell.metadata
    fold = f'Ours, exported to {package}.{module}' if exported and folded else 'Code' if folded \
        else f'Exported to {package}.{module}'
    if title := re.match(r'#@title (.+)\n', cell.source):  # Colab shows it, too
        fold,cell.source = title[1],cell.source[title.end():]
    kept = {'export': exported, 'remove-input': 'echo: false' in cell.metadata.tags,
            'hide-input': exported or folded}
    cell.metadata.tags = [tag for tag,is_so in kept.items() if is_so]
    cell.metadata.mystnb = dict(code_prompt_show=fold, code_prompt_hide=fold, image=dict(alt=alt))
    cell.outputs = [o for o in cell.outputs if is_seen(o)]
    for data in [o.data for o in cell.outputs if 'data' in o]:
        if md := data.get('text/markdown'): data['text/markdown'] = with_site_links(md, folder)
        if html := data.get('text/html'):
            html = re.sub(r'<img (?![^>]*\balt=)', f'<img alt="{escape(alt)}" ', html)
            data['text/html'] = html_with_site_links(html, folder)

def read(path):
    "The notebook at `path` as a page"
    nb,_ = Directives().preprocess(nbformat.read(path, 4), {})
    folder = path.parent.relative_to(top).as_posix()
    tags = [t for c in nb.cells for t in c.metadata.get('tags', [])]
    module = ''.join(t.removeprefix('default_exp ') for t in tags if t.startswith('default_exp '))
    nb.metadata.language_info.pygments_lexer = 'ipython3'  # it knows `!torchrun` and `%%writefile`
    title,summary = re.match(r'# (.+)\n\n> (.+)', nb.cells[0].source).groups()
    nb.cells = [c for c in nb.cells
                if c.source.strip() and 'hide' not in c.metadata.get('tags', [])]
    for c in nb.cells:
        if c.cell_type=='code': prepare(c, alt_text(c, path.name), module, folder)
        else: c.source = with_site_links(c.source, folder)
    return Page(path.relative_to(top/'nbs').with_suffix('').as_posix(), title, summary, nb, module)

def as_markdown(nb):
    "The notebook as Markdown, with tables as text, and alternative texts in place of the figures"
    def text(output, alt):
        data = output.get('data', {})
        html = BeautifulSoup(data.get('text/html', ''), 'html.parser')
        if html.table:
            cells = [row(['th', 'td']) for row in html('tr')]
            head,*rows = [[cell.get_text(strip=True) for cell in row] for row in cells]
            new = '\n'.join(f'| {" | ".join(row)} |' for row in [head, ['---']*len(head), *rows])
        elif is_figure(output): new = f'[Figure: {alt}]'
        else: return output
        return nbformat.v4.new_output('display_data', {'text/markdown': new})
    nb = nbformat.from_dict(nb)
    for c in nb.cells:
        if c.cell_type=='code':
            c.outputs = [text(o, c.metadata.mystnb.image.alt) for o in c.outputs]
    config = Config(
        TagRemovePreprocessor=dict(enabled=True, remove_input_tags=['remove-input']),
        NbConvertBase=dict(display_data_priority=['text/markdown', 'text/plain']))
    md,_ = MarkdownExporter(config=config).from_notebook_node(nb)
    md = re.sub(r'(\]\((?:\.\./)?[\w/-]+)\.ipynb(?=[#)])', r'\1.html.md', md)
    return re.sub(r'\n{3,}', '\n\n', md).strip() + '\n'

# The page to play on

def play(lessons):
    "docs/play.md with what the lessons show in place of each line `lesson: function`; its picture"
    shown = {(p.name, re.match(r'\w*', c.source)[0]): c for p in lessons for c in p.nb.cells}
    cells,pictures = [],[]
    for part in re.split(r'(?m)^(\w+: \w+)$', (docs/'play.md').read_text('utf-8')):
        if re.fullmatch(r'\w+: \w+', part):
            cell = deepcopy(shown[tuple(part.split(': '))])
            cell.metadata.tags = ['remove-input']
            pictures += [b64decode(o.data['image/png']) for o in cell.outputs if 'data' in o]
        else: cell = nbformat.v4.new_markdown_cell(part.strip())
        cells.append(cell)
    title,summary = re.match(r'# (.+)\n\n> (.+)', cells[0].source).groups()
    return Page('play', title, summary, nbformat.v4.new_notebook(cells=cells)), pictures[1]

to_play = """```{image} play.png
:alt: A pad with a 3 on it, and what a network says of it
:width: 380px
:target: play.html
```

**[Play](play.ipynb)**: train a model in the page, and draw digits for it."""

# The reference

def head(obj):
    "`obj` up to its docstring, as its module has it, with what the comments say of each parameter"
    lines = dedent(inspect.getsource(obj)).splitlines()
    node = ast.parse('\n'.join(lines)).body[0]
    body = node.body[0]
    last = lines[body.lineno-1][:body.col_offset].rstrip()  # where the body stands behind the colon
    return '\n'.join([*lines[node.lineno-1:body.lineno-1], *filter(None, [last])])

def code(name, obj):
    "How to call the public `obj`, or what it is"
    if not callable(obj): return f'{name}: {type(obj).__name__}'
    if not inspect.isclass(obj): return head(obj)
    if issubclass(obj, tuple):  # a `NamedTuple` says most by its source, a `namedtuple` has none
        if inspect.get_annotations(obj): return inspect.getsource(obj).strip()
        return f'{name}({", ".join(obj._fields)})'
    init = vars(obj).get('__init__')
    return head(obj) + ('\n' + indent(head(init), ' '*4) if init else '')

def entry(name, obj, section, level=3):
    "The public `obj` in Markdown: how to call it, its docstring, and its methods that have one"
    is_class = inspect.isclass(obj)
    methods = [(k,m) for k,m in vars(obj).items() if k[0]!='_' and inspect.isfunction(m)
               and m.__doc__] if is_class else []
    has_doc = callable(obj) and not (is_class and issubclass(obj, tuple))
    return '\n\n'.join(filter(None, [
        f'{"#"*level} `{name}`', f'```python\n{code(name, obj)}\n```',
        has_doc and inspect.getdoc(obj), section,
        *[entry(f'{name}.{k}', m, '', level+1) for k,m in methods]]))

def section(page, name):
    "A link to the section of the notebook that makes `name`"
    heading = ''
    for c in page.nb.cells:
        heads = re.findall(r'(?m)^#+ (.+)', c.source) if c.cell_type=='markdown' else []
        if heads: heading = heads[-1]
        made = rf'(?m)^((def|class) {name}\b|{name} *=)'
        if 'export' in c.metadata.get('tags', []) and re.search(made, c.source):
            return f'Made in [{page.title}: {heading}]({page.name}.ipynb#{slug(heading)}).'

def reference(pages):
    "The page on the public names"
    everything = vars(import_module(f'{package}.all'))
    parts = []
    for page in (p for p in pages if p.module):
        module = import_module(f'{package}.{page.module}')
        whence = 'all' if all(name in everything for name in module.__all__) else page.module
        summary = re.sub(r' About \d+ minutes\.$', '', module.__doc__)  # the lesson takes them
        use = f'```python\nfrom {package}.{whence} import *\n```'
        entries = [entry(n, getattr(module, n), section(page, n)) for n in module.__all__]
        parts += [f'## `{package}.{page.module}`', summary, use, *entries]
    title = 'The helpers'
    summary = ('Every public name that the notebooks export: how to call it, what it takes and '
               'what it gives.')
    text = '\n\n'.join([f'# {title}', f'> {summary}', *parts])
    nb = nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell(text)])
    return Page('helpers', title, summary, nb)

# The site

def contents(pages, caption):
    names = [p.name for p in pages]
    return '\n'.join(['```{toctree}', ':hidden:', f':caption: {caption}', '', *names, '```'])

def llms_txt(index, play, lessons, rooms, helpers):
    "The site for assistants, in the form of llmstxt.org"
    def lines(pages):
        return [f'- [{p.title}]({settings.site}{p.name}.html.md): {p.summary}' for p in pages]
    parts = [('Start', [index, play]), ('Lessons', lessons), *rooms.items(),
             ('Reference', [helpers])]
    listed = [line for caption,pages in parts for line in ('', f'## {caption}', '', *lines(pages))]
    return '\n'.join([f'# {index.title}', '', f'> {settings.description}.', *listed, ''])

def main(folder, builder='html'):
    *lessons,index = [read(p) for p in sorted((top/'nbs').glob('*.ipynb'))]
    rooms = {room.capitalize(): [read(p) for p in sorted((top/'nbs'/room).glob('*.ipynb'))]
             for room in ('interactive', 'workshop')}
    in_rooms = [p for pages in rooms.values() for p in pages]
    helpers = reference([*lessons, *in_rooms])
    playground,picture = play(lessons)
    pages = [index, playground, *lessons, *in_rooms, helpers]
    with TemporaryDirectory() as tmp:
        source,doctrees,site = (Path(tmp)/name for name in ('source', 'doctrees', 'site'))
        for to in ((to/Path(p.name).parent) for to in (source,folder) for p in pages):
            to.mkdir(parents=True, exist_ok=True)
        for p in pages: (folder/f'{p.name}.html.md').write_text(as_markdown(p.nb), 'utf-8')
        listed = llms_txt(index, playground, lessons, rooms, helpers)
        (folder/'llms.txt').write_text(listed, 'utf-8')
        menu = [contents(pages, caption) for pages,caption in
                (([playground], 'Play'), (lessons, 'Lessons'),
                 *((pages, room) for room,pages in rooms.items()), ([helpers], 'Reference'))]
        index.nb.cells.append(nbformat.v4.new_markdown_cell('\n\n'.join(menu)))
        index.nb.cells.insert(2, nbformat.v4.new_markdown_cell(to_play))
        (source/'play.png').write_bytes(picture)
        (source/'helpers.md').write_text(helpers.nb.cells[0].source, 'utf-8')
        for p in pages[:-1]: nbformat.write(p.nb, source/f'{p.name}.ipynb')
        # Not straight into `folder`, since MyST-NB puts a folder of its own beside it
        options = ['-b', builder, '-q', '-W', '--keep-going', '-c', docs, '-d', doctrees]
        failed = build_main([str(a) for a in (*options, source, site)])
        if failed: return failed
        shutil.copytree(site, folder, dirs_exist_ok=True)

if __name__ == '__main__':
    if sys.argv[1:] == ['--linkcheck']:
        with TemporaryDirectory() as tmp: sys.exit(main(Path(tmp)/'links', 'linkcheck'))
    sys.exit(main(Path(*sys.argv[1:2] or [top/'_docs'])))

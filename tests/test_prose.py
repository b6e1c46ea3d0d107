"Words and links, in the notebooks and the Markdown files."
import re, subprocess, sys
from urllib.parse import unquote
import nbformat, pytest
from conftest import notebooks, top
from settings import settings

paths = [*notebooks, *sorted(top.glob('*.md')), *sorted(top.glob('[a-z]*/*.md'))]

def text(path, *kinds):
    "The sources of a notebook's cells of these kinds, or the Markdown file"
    if path.suffix=='.md': return path.read_text('utf-8')
    return '\n\n'.join(c.source for c in nbformat.read(path, 4).cells if c.cell_type in kinds)

def prose(path): return re.sub(r'(?ms)^```.*?^```', '', text(path, 'markdown'))

def anchors(path):
    "What may stand after the `#` of a link to `path`: a heading, which GitHub makes small"
    heads = [re.sub(r'[`*]', '', h.strip()) for h in re.findall(r'(?m)^#+ (.+)', prose(path))]
    if path.suffix=='.md': heads = [re.sub(r'[^\w\- ]', '', h.lower()) for h in heads]
    return {h.replace(' ', '-') for h in heads}

def test_spelling(tmp_path):
    for p in paths:
        copy = tmp_path/p.relative_to(top).as_posix().replace('/', '_')
        copy.write_text(text(p, 'markdown', 'code'))
    command = [sys.executable, '-m', 'codespell_lib', '--ignore-words-list', 'fro,docments']
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode==0, done.stdout + done.stderr

@pytest.mark.parametrize('path', paths, ids=lambda p: str(p.relative_to(top)))
def test_links(path):
    here = re.compile(f'(?:{re.escape(settings.blob)}|{re.escape(settings.raw)})/')
    def leads_somewhere(link):
        if path.name=='README.md' and here.match(link): return (top/here.sub('', link)).is_file()
        if re.match(r'[a-z]+:', link):
            return re.fullmatch(r'https://[\w-]+(\.[\w-]+)+(/\S*)?', link)
        where,_,anchor = link.partition('#')
        # docs/play.md becomes a page beside the lessons
        folder = top/'nbs' if path.name=='play.md' else path.parent
        to = folder/where if where else path
        return to.exists() and (not anchor or unquote(anchor) in anchors(to))
    links = re.findall(r'\]\(([^)\s]+)\)', re.sub(r'`[^`\n]*`', '', prose(path)))
    assert [link for link in links if not leads_somewhere(link)] == []

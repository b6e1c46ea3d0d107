"What is made from something else is in step with it, and the notebooks are fit to be read."
import json, re, sys
from pathlib import Path
import nbformat, pytest
from conftest import notebooks, top
from settings import settings

each_notebook = pytest.mark.parametrize('path', notebooks, ids=lambda p: p.stem)

def contents(repo):
    # nbdev writes _modidx.py for its own docs pages; nothing here reads it, and git ignores it
    return {str(p.relative_to(repo)): p.read_bytes() for p in repo.rglob('*')
            if p.is_file() and p.suffix!='.pyc' and p.name!='_modidx.py'}
def nbdev(command): return Path(sys.executable).with_name(f'nbdev-{command}')

commands = nbdev('export'), nbdev('clean'), 'tools/links.py', 'tools/readme.py'

@pytest.mark.parametrize('command', commands, ids=lambda c: Path(c).stem)
def test_in_step(command, repo, python):
    before = contents(repo)
    python(command, cwd=repo)
    after = contents(repo)
    changed = [p for p in before|after if before.get(p) != after.get(p)]
    assert changed == [], f'{command} changes these'

def test_links_follow_settings(repo, python):
    def make_links(**new):
        for k,v in new.items():
            ini.write_text(re.sub(f'(?m)^{k} = .*', f'{k} = {v}', ini.read_text()))
        for command in ('tools/links.py', nbdev('export'), 'tools/readme.py'):
            python(command, cwd=repo)
    ini,before = repo/'settings.ini',contents(repo)
    make_links(user='someone', repo='else.where', branch='release/1.0')
    user,name,branch = (re.escape(getattr(settings, k)) for k in ('user', 'repo', 'branch'))
    github = rf'github\S*/({user}/{name}|else\.where(@|/blob/|/tree/|/){branch}\b)'
    old = re.compile(rf'{github}|{user}\.github\.io'.encode())
    assert [p for p,b in contents(repo).items() if old.search(b)] == []
    make_links(**{k: getattr(settings, k) for k in ('user', 'repo', 'branch')})
    assert contents(repo) == before

@each_notebook
def test_first_cells(path):
    cells = nbformat.read(path, 4).cells
    name = path.relative_to(top).as_posix()
    badges = ' '.join(rf'\[!\[Open In \w+\]\(\S+\)\]\({re.escape(site)}/{name}\)'
                      for site in (settings.colab, settings.kaggle))
    assert re.fullmatch(rf'# .+\n\n> .+\n\n{badges}', cells[0].source)
    assert settings.pip in cells[1].source

@each_notebook
def test_saved_outputs(path):
    outputs = [o for c in nbformat.read(path, 4).cells for o in c.get('outputs', [])]
    assert [o for o in outputs if o.output_type=='error' or o.get('name')=='stderr'] == []
    path_of_a_machine = r'(?<![\w+/.])/(?:home|root|Users|tmp|work|var|private)/|site-packages'
    assert re.findall(f'.{{0,40}}(?:{path_of_a_machine}).{{0,40}}', json.dumps(outputs)) == []

@each_notebook
def test_github_shows_the_outputs(path):
    # Its view of a notebook has no widgets and runs no scripts
    outputs = [o for c in nbformat.read(path, 4).cells for o in c.get('outputs', [])]
    data = [o.data for o in outputs if 'data' in o]
    shown = {'text/plain', 'text/html', 'text/markdown', 'image/png', 'image/jpeg'}
    assert {kind for d in data for kind in d} <= shown
    scripts = [html for html in (d.get('text/html', '') for d in data) if '<script' in html]
    ours = 'class="animation"', 'class="play-here"', '\nstartQuiz('
    assert [html[:200] for html in scripts if not any(c in html for c in ours)] == []
    # What `play` makes has a picture for where its script does not run
    played = [d for d in data if 'class="play-here"' in d.get('text/html', '')]
    assert [d for d in played if 'image/png' not in d] == []
    # And what `quiz` makes has words
    asked = [d for d in data if re.match('<quiz-', d.get('text/html', ''))]
    assert [d for d in asked if not d.get('text/markdown')] == []

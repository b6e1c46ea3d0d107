"The package beside fastai, what is released of it, and the workflows that do."
import ast, email, re, shutil, subprocess, sys, tarfile, zipfile
from importlib import import_module
from importlib.metadata import packages_distributions
from pathlib import Path
import nbformat, pytest, torch
from conftest import notebooks, top
from settings import settings

def star(module):
    "What `from module import *` gives"
    ns = {}
    exec(f'from {module} import *', ns)
    return ns

def test_names_mean_the_same_as_in_fastai():
    # Where two names mean the same, it does not matter which import comes last
    fastai,ours = star('fastai.vision.all'),star('chapter4_helpers.all')
    assert {'mnist_loss', 'TensorDataLoader', 'train_model', 'prepare', 'ladder'} <= ours.keys()
    taken = {name for name in fastai.keys() & ours.keys() if fastai[name] is not ours[name]}
    assert taken - {'__builtins__'} == {'sigmoid'}
    x = torch.linspace(-20, 20, 401)
    torch.testing.assert_close(ours['sigmoid'](x), fastai['sigmoid'](x), atol=1e-6, rtol=0)

def test_all_says_what_it_leaves_out():
    ours = star('chapter4_helpers.all')
    package = top/'chapter4_helpers'
    modules = ['.'.join(p.relative_to(package).with_suffix('').parts)
               for p in package.rglob('[!_]*.py') if p.name not in ('all.py', 'bundle.py')]
    names = {m: set(import_module(f'chapter4_helpers.{m}').__all__) for m in modules}
    left_out = {m for m in modules if not names[m] <= ours.keys()}
    said = import_module('chapter4_helpers.all').__doc__
    assert left_out == {m for m in modules if f'`{m}`' in said}

def test_import_is_light(python):
    heavy = {'fastai', 'matplotlib.pyplot', 'pandas'}
    code = f'import chapter4_helpers.all, sys; print({heavy} & sys.modules.keys())'
    assert python('-c', code) == 'set()'

@pytest.fixture
def dist(repo, python):
    "The wheel and the source archive, by kind; the wheel is made from the archive, as a release is"
    python('-m', 'build', '--no-isolation', cwd=repo)
    return {p.suffix: p for p in (repo/'dist').iterdir()}

def test_dist(dist, repo, python):
    with tarfile.open(dist['.gz']) as t:
        source = {n.split('/', 1)[1] for n in t.getnames() if '/' in n}
    with zipfile.ZipFile(dist['.whl']) as z:
        names = {n for n in z.namelist() if '.dist-info/' not in n}
        info = {n.split('.dist-info/')[1]: n for n in z.namelist() if '.dist-info/' in n}
        metadata = email.message_from_bytes(z.read(info['METADATA']))
        licences = {n.removeprefix('licenses/'): z.read(path) for n,path in info.items()
                    if n.startswith('licenses/')}
    package = {p.relative_to(repo).as_posix() for p in (repo/'chapter4_helpers').rglob('*.*')}
    needed = ('mnist.npz', 'MNIST_LICENSE.md', 'ladder.json', 'data.py',
              'interactive/js/nn.js', 'interactive/js/play.css')
    assert names == package and package >= {f'chapter4_helpers/{name}' for name in needed}
    given = {'README.md', 'LICENSE', 'CHANGELOG.md', 'settings.ini', 'setup.py', 'pyproject.toml',
             'MANIFEST.in'}
    made = {'PKG-INFO', 'setup.cfg'}
    source = {n for n in source if not n.startswith('chapter4_helpers.egg-info')}
    folders = {f'chapter4_helpers{folder}' for folder in ('', '/interactive', '/interactive/js')}
    assert source == folders | package | given | made
    assert metadata['License-Expression'] == 'Apache-2.0 AND CC-BY-SA-3.0'
    files = 'LICENSE', 'chapter4_helpers/MNIST_LICENSE.md'
    assert licences == {name: (top/name).read_bytes() for name in files} and {*files} <= source
    assert metadata['Summary'] == settings.description
    required = {r for r in metadata.get_all('Requires-Dist') if 'extra ==' not in r}
    assert required == set(settings.requirements.split())
    python('-m', 'twine', 'check', '--strict', *dist.values())
    # The licence of the data stands beside the data, too: a duplicate, W002
    python('-m', 'check_wheel_contents', '--ignore', 'W002', dist['.whl'])

# What is imported is required, and the other way round

def names(kind):
    "The packages that settings.ini requires for this `kind` of use, without their versions"
    found = set()
    for requirement in getattr(settings, kind).split():
        name,extras = re.match(r'([\w-]+)(?:\[(.+)\])?', requirement).groups()
        if name!='chapter4_helpers': found.add(name)
        else: found |= {n for e in extras.split(',') for n in names(f'{e}_requirements')}
    return found

def code(path):
    "The Python in a file, each notebook cell for itself"
    if path.suffix=='.py': return [path.read_text('utf-8')]
    cells = [c.source for c in nbformat.read(path, 4).cells if c.cell_type=='code']
    return [re.sub(r'(?m)^( *)[%!].*', r'\1pass', c) for c in cells]

own = {'chapter4_helpers', 'train'}  # 11_many_machines writes train.py
own |= {p.stem for d in ('tests', 'tools', 'benchmarks') for p in top.glob(f'{d}/*.py')}

def imported(*patterns):
    "The installed packages that these files import, at any place"
    trees = [ast.parse(c) for pattern in patterns for p in top.glob(pattern) for c in code(p)]
    nodes = [n for tree in trees for n in ast.walk(tree)]
    modules = {alias.name for n in nodes if isinstance(n, ast.Import) for alias in n.names}
    modules |= {n.module for n in nodes if isinstance(n, ast.ImportFrom) and not n.level}
    modules = {m.split('.')[0] for m in modules} - sys.stdlib_module_names - own
    installed = packages_distributions()  # what an extra brings that is not here has its own name
    return {installed.get(m, [m.replace('_', '-')])[0].lower() for m in modules}

def test_package_requires_what_it_imports():
    assert imported('chapter4_helpers/**/*.py') == names('requirements')

@pytest.mark.parametrize('extra,patterns', [
    ('lab', ['nbs/**/*.ipynb']), ('dev', ['tests/*.py', 'tools/*.py', 'benchmarks/*.py']),
    ('docs', ['docs/*.py', 'tools/readme.py'])])
def test_extra_requires_what_its_user_imports(extra, patterns):
    assert imported(*patterns) - names('requirements') - names(f'{extra}_requirements') == set()

def test_no_pickle():
    # Unpickling runs whatever code the file's author put into it
    folders = 'chapter4_helpers', 'benchmarks', 'docs', 'tests', 'tools'
    sources = [*notebooks, *(p for folder in folders for p in top.glob(f'{folder}/**/*.py'))]
    words = r'\bpickle\b|allow_pickle|load_learner|torch\.load\((?![^)]*weights_only=True)[^)]*\)'
    found = [(p.name, m[0]) for p in sources if p.name != 'test_package.py'
             for m in re.finditer(words, p.read_text('utf-8'))]
    assert found == []

def test_workflows():
    zizmor = shutil.which('zizmor', path=Path(sys.executable).parent)
    subprocess.run([zizmor, '--offline', '--quiet', top/'.github'], check=True)

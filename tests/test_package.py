"The package beside fastai, and the wheel."
import email, sys, zipfile
from configparser import ConfigParser
import pytest, torch
from conftest import top

def star(module):
    "What `from module import *` gives"
    ns = {}
    exec(f'from {module} import *', ns)
    return ns

def test_names_mean_the_same_as_in_fastai():
    # Where two names mean the same, it does not matter which import comes last
    fastai,ours = star('fastai.vision.all'),star('chapter4_helpers.all')
    assert 'mnist_loss' in ours
    x = torch.linspace(-20, 20, 401)
    taken = {name for name in fastai.keys() & ours.keys() if name != '__builtins__' and fastai[name] is not ours[name]}
    assert [name for name in taken if name != 'sigmoid'] == []
    torch.testing.assert_close(ours['sigmoid'](x), fastai['sigmoid'](x), atol=1e-6, rtol=0)

def test_import_is_light(python):
    assert python('-c', 'import chapter4_helpers.all, sys; print({"fastai", "matplotlib.pyplot", "pandas"} & sys.modules.keys())') == 'set()'

def test_command(python): assert '--seeds' in python('-m', 'chapter4_helpers', '--help')

def test_wheel(repo, python):
    python('-m', 'pip', 'wheel', '--no-deps', '--no-build-isolation', '-w', 'dist', '.', cwd=repo)
    wheel, = (repo/'dist').glob('*.whl')
    with zipfile.ZipFile(wheel) as z:
        names = {n for n in z.namelist() if '.dist-info/' not in n}
        info = {n.split('.dist-info/')[1]: n for n in z.namelist() if '.dist-info/' in n}
        metadata = email.message_from_bytes(z.read(info['METADATA']))
        licence = z.read(info['licenses/LICENSE'])
    assert names == {f'chapter4_helpers/{p.name}' for p in (repo/'chapter4_helpers').glob('*.*')}
    assert names >= {'chapter4_helpers/mnist.npz', 'chapter4_helpers/MNIST_LICENSE.md', 'chapter4_helpers/data.py'}
    assert licence == (top/'LICENSE').read_bytes()
    settings = ConfigParser()
    settings.read(top/'settings.ini', encoding='utf-8')
    settings = settings['DEFAULT']
    assert metadata['Summary'] == settings['description']
    assert {r for r in metadata.get_all('Requires-Dist') if 'extra ==' not in r} == set(settings['requirements'].split())

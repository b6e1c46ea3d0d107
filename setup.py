"""Give setuptools what people edit in settings.ini; pyproject.toml holds what pip and nbdev must
read before any code runs."""
from configparser import ConfigParser
from pathlib import Path
from setuptools import setup

cfg = ConfigParser()
cfg.read(Path(__file__).parent/'settings.ini', encoding='utf-8')
s = cfg['DEFAULT']
extras = 'lab', 'release', 'dev', 'docs', 'browser'
setup(
    description=s['description'], keywords=s['keywords'], author=s['author'],
    classifiers=s['classifiers'].split('\n')[1:], install_requires=s['requirements'].split(),
    extras_require={extra: s[f'{extra}_requirements'].split() for extra in extras},
)

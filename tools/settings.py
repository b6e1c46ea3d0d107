"""What settings.ini says, for docs, tools, tests and the Makefile. setup.py reads it for itself.

    python tools/settings.py floors

prints the lowest versions that the package allows, as pip takes them."""
import sys
from configparser import ConfigParser
from pathlib import Path
from types import SimpleNamespace

top = Path(__file__).parents[1]

def read_settings():
    "Each setting by its name, and the addresses that follow from user, repo and branch"
    cfg = ConfigParser()
    cfg.read(top/'settings.ini', encoding='utf-8')
    s = SimpleNamespace(**cfg['DEFAULT'])
    s.slug = f'{s.user}/{s.repo}'
    s.github = f'https://github.com/{s.slug}'
    s.blob = f'{s.github}/blob/{s.branch}'
    s.raw = f'https://raw.githubusercontent.com/{s.slug}/{s.branch}'
    s.colab = f'https://colab.research.google.com/github/{s.slug}/blob/{s.branch}'
    s.kaggle = f'https://kaggle.com/kernels/welcome?src={s.blob}'
    s.site = f'https://{s.user}.github.io/{s.repo}/'
    s.pip = f'git+{s.github}@{s.branch}'
    return s

settings = read_settings()

if __name__ == '__main__':
    if sys.argv[1:] != ['floors']: sys.exit(__doc__)
    # fastcore, too: fastai's floor would take any later one
    fastcore = [r for r in settings.lab_requirements.split() if r.startswith('fastcore>')]
    print(' '.join([settings.requirements, *fastcore]).replace('>=', '=='))

"""The files of js/ as text, for a notebook's output, which can load none."""
import re
from importlib.resources import files

def text_of(name): return (files('chapter4_helpers.interactive')/'js'/name).read_text('utf-8')

def bundle(name):
    "The ES module `name` and all that it imports, as one script."
    sources = {}
    def read(name):
        text = text_of(name)
        for other in re.findall(r"(?m)^import .* from '\./(.+)'$", text):
            if other not in sources: read(other)
        sources[name] = re.sub(r'(?m)^import .*\n|^export ', '', text)
    read(name)
    return '\n'.join(sources.values())

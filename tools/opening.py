"""Train the linear model of 04_minibatches, and draw it while it learns: `make opening`.

    python tools/opening.py [FILE]

FILE, by default nbs/opening.png, is an animated PNG. The first page opens with it."""
import sys
from io import BytesIO
from pathlib import Path

import matplotlib
matplotlib.use('agg')
import matplotlib.pyplot as plt
import torch
from PIL import Image

from chapter4_helpers.data import mnist_sample
from chapter4_helpers.loss import batch_accuracy, init_params, linear
from chapter4_helpers.minibatches import TensorDataLoader, calc_grad

shown = [*range(0, 20), *range(20, 60, 4), *range(60, 200, 10), *range(200, 981, 60)]  # steps

def train(epochs=20, lr=.5):
    "The weights, the scores of a three and a seven, and the accuracy, after each step in `shown`"
    x,y,valid_x,valid_y = mnist_sample()
    torch.manual_seed(42)
    weights,bias = init_params((784,1), std=.2),init_params(1, std=.2)
    dl = TensorDataLoader(x, y, bs=256, shuffle=True)
    def model(xb): return linear(xb, weights, bias)
    @torch.no_grad()
    def note(): return (weights.detach().clone().view(28,28), model(digits)[:,0].tolist(),
                        batch_accuracy(model(valid_x), valid_y).item())
    digits,notes = torch.stack([x[0], x[-1]]),{0: None}
    notes[0] = note()
    for _ in range(epochs):
        for xb,yb in dl:
            calc_grad(xb, yb, model)
            for p in (weights, bias):
                p.data -= lr*p.grad
                p.grad = None
            step = len(notes)
            notes[step] = note()
    return digits.view(2,28,28),notes

def draw(digits, notes, step, top):
    "One frame, as an image"
    weights,scores,_ = notes[step]
    fig = plt.figure(figsize=(10.5,3.4), dpi=80, layout='constrained')
    left,right = fig.subfigures(1, 2, width_ratios=(1.3,1))
    axs = left.subplots(2, 4)
    for row,im,score in zip(axs, digits, scores):
        row[0].imshow(im, cmap='Greys')
        for ax,reds in ((row[1], weights), (row[2], im*weights)):
            ax.imshow(reds, cmap='RdBu_r', vmin=-top, vmax=top)
        row[3].text(.5, .5, f'{score:+.1f}\na {"three" if score>0 else "seven"}', fontsize=15,
                    ha='center', va='center', transform=row[3].transAxes,
                    color='firebrick' if score>0 else 'mediumblue')
        for ax in row: ax.set(xticks=[], yticks=[])
        row[3].axis('off')
    for ax,title in zip(axs[0], ('a digit', '× weights', '= for and against', 'sum: the score')):
        ax.set_title(title, fontsize=11)
    ax = right.subplots()
    steps = [s for s in shown if s<=step]
    ax.plot([s+1 for s in steps], [100*notes[s][2] for s in steps], color='tab:orange')
    ax.plot(step+1, 100*notes[step][2], 'o', color='tab:orange')
    ax.set(xscale='log', xlim=(.9,1300), ylim=(40,101), xlabel='steps (logarithmic)', xticks=[])
    ax.set_title(f'{100*notes[step][2]:.0f} of 100 right after {step} steps', fontsize=11)
    ax.spines[['top','right']].set_visible(False)
    fig.savefig(file := BytesIO(), format='png')
    plt.close(fig)
    return Image.open(file).convert('RGB')

def main(path):
    digits,notes = train()
    top = max(notes[s][0].abs().max().item() for s in shown)
    frames = [draw(digits, notes, step, top) for step in shown]
    palette = frames[-1].quantize(128)  # one for all
    first,*rest = [f.quantize(palette=palette, dither=Image.Dither.NONE) for f in frames]
    wait = [700] + [160]*(len(rest)-1) + [4000]  # milliseconds
    # Where it does not move, as in a PDF, the end is seen
    palette.save(path, save_all=True, default_image=True, append_images=[first, *rest],
                 duration=wait, loop=0, optimize=True)
    accs = [notes[step][2] for step in (0, shown[-1])]
    print('{}: {:.0f} kB, accuracy from {:.4f} to {:.4f}'.format(
        path.name, path.stat().st_size/1e3, *accs))

if __name__ == '__main__':
    film = Path(__file__).parents[1]/'nbs'/'opening.png'
    main(Path(sys.argv[1]) if sys.argv[1:] else film)

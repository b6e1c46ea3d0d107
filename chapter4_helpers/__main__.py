"Run every model of the series and print what each reaches: `python -m chapter4_helpers`"
import json, os, sys
from argparse import ArgumentParser, ArgumentTypeError
from contextlib import redirect_stdout
from pathlib import Path

def new_file(name):
    "`name` as a path, after a look whether a file can be written there"
    path = Path(name)
    place = path if path.exists() else path.parent
    if path.is_dir() or not path.parent.is_dir() or not os.access(place, os.W_OK):
        raise ArgumentTypeError(f'cannot write {name}; give a file in a folder that is there and '
                                'may be written to')
    return path

if __name__ == '__main__':
    parser = ArgumentParser(
        prog='python -m chapter4_helpers', description='Train every model of the series, from '
        'pixel similarity to a ResNet, and print the accuracies on the validation set.')
    parser.add_argument('--quick', action='store_true',
                        help='leave out the ResNet, which takes about a minute on a CPU')
    parser.add_argument('--seeds', type=int, default=1, metavar='N',
                        help='train each N times; gives mean and standard deviation')
    parser.add_argument('--out', type=new_file, metavar='FILE',
                        help='write what was found to this file, too, as JSON')
    args = parser.parse_args()
    try:
        from chapter4_helpers.ladder import ladder, ladder_table  # here: torch takes seconds
        with redirect_stdout(sys.stderr):  # the bar, so that `> table.md` holds the table alone
            rungs = ladder(args.quick, args.seeds)
        print(ladder_table(rungs), flush=True)  # first: the disk may be full by now
        if args.out:
            rows = [r._asdict() for r in rungs]
            args.out.write_text(json.dumps(rows, indent=1) + '\n', 'utf-8')
    except (ValueError, OSError) as e: parser.exit(1, f'{e}\n')
    except KeyboardInterrupt:
        parser.exit(130, '\nInterrupted: no table, since not every model was trained.\n')

"Run every model of the series and print what each reaches: `python -m chapter4_helpers`"
import json, sys
from argparse import ArgumentParser
from contextlib import redirect_stdout
from pathlib import Path

from chapter4_helpers.ladder import ladder, ladder_table

if __name__ == '__main__':
    parser = ArgumentParser(
        prog='python -m chapter4_helpers', description='Train every model of the series, from '
        'pixel similarity to a ResNet, and print the accuracies on the validation set.')
    parser.add_argument('--quick', action='store_true',
                        help='leave out the ResNet, which takes about a minute on a CPU')
    parser.add_argument('--seeds', type=int, default=1, metavar='N',
                        help='train each N times; gives mean and standard deviation')
    parser.add_argument('--out', type=Path, metavar='FILE',
                        help='write what was found to this file, too, as JSON')
    args = parser.parse_args()
    try:
        with redirect_stdout(sys.stderr):  # the bar, so that `> table.md` holds the table alone
            rungs = ladder(args.quick, args.seeds)
    except (ValueError, OSError) as e: parser.exit(1, f'{e}\n')
    except KeyboardInterrupt:
        parser.exit(130, '\nInterrupted: no table, since not every model was trained.\n')
    if args.out:
        args.out.write_text(json.dumps([r._asdict() for r in rungs], indent=1) + '\n', 'utf-8')
    print(ladder_table(rungs))

"Run every model of the series and print what each reaches: `python -m chapter4_helpers`"
import sys
from argparse import ArgumentParser
from contextlib import redirect_stdout

from chapter4_helpers.going_deeper import ladder, ladder_table

if __name__ == '__main__':
    parser = ArgumentParser(prog='python -m chapter4_helpers', description='Train every model of the series, '
        'from pixel similarity to a ResNet, and print the accuracies on the validation set.')
    parser.add_argument('--quick', action='store_true', help='leave out the ResNet, which takes about a minute on a CPU')
    parser.add_argument('--seeds', type=int, default=1, metavar='N', help='train each N times; gives mean and standard deviation')
    args = parser.parse_args()
    try:
        with redirect_stdout(sys.stderr): rungs = ladder(args.quick, args.seeds)  # the bar, so that `> table.md` holds the table alone
    except (ValueError, OSError) as e: parser.exit(1, f'{e}\n')
    except KeyboardInterrupt: parser.exit(130, '\nInterrupted: no table, since not every model was trained.\n')
    print(ladder_table(rungs))

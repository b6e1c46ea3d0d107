"""The public names of the series, for `from chapter4_helpers.all import *`.

Our own `Learner` is not among them, since fastai's has that name: `from chapter4_helpers.learner import Learner`."""
from chapter4_helpers.data import *
from chapter4_helpers.pictures import *
from chapter4_helpers.pixels import *
from chapter4_helpers.gradients import *
from chapter4_helpers.descent import *
from chapter4_helpers.loss import *
from chapter4_helpers.minibatches import *
from chapter4_helpers.optimizer import *
from chapter4_helpers.nonlinearity import *
from chapter4_helpers.going_deeper import *
from chapter4_helpers.ladder import *

"Everything the series exports, for `from chapter4_helpers.all import *`"
from chapter4_helpers.data import *
from chapter4_helpers.gradients import *
from chapter4_helpers.descent import *
from chapter4_helpers.loss import *
from chapter4_helpers.minibatches import *
from chapter4_helpers.optimizer import *
from chapter4_helpers.nonlinearity import *
from chapter4_helpers.going_deeper import *

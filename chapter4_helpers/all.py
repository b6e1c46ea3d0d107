"The public names of the series, but for those of `learner` (`Learner` is also fastai's), `quiz` and `checks`."
# Import these three from their modules: `quiz` serves 10_questionnaire alone, and our functions call the checks themselves
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
from chapter4_helpers.handwriting import *
from chapter4_helpers.play import *
from chapter4_helpers.ladder import *

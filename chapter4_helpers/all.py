"The public names of the series, but for those of `learner` (`Learner` is also fastai's), `interactive.quiz`, `interactive.practice` and `checks`."
# Import these from their modules: `interactive.practice` has the `check` of the lessons, and `interactive.quiz`
# another one, for 10_questionnaire; our functions call the checks of `checks` themselves
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
from chapter4_helpers.interactive.play import *
from chapter4_helpers.ladder import *

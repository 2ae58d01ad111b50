"""Registries: children of MMEngine's, so that ``type='...'`` in a config finds this package and then MMEngine.

``locations`` are imported on the first look-up; nothing has to be registered by hand.
"""

from mmengine import registry as root
from mmengine.registry import Registry

_SCOPE = "mmgaitemo"


def _child(parent: Registry, *locations: str) -> Registry:
    return Registry(parent.name, parent=parent, scope=_SCOPE, locations=[f"{_SCOPE}.{place}" for place in locations])


DATASETS = _child(root.DATASETS, "datasets")
TRANSFORMS = PIPELINES = _child(root.TRANSFORMS, "datasets.pipelines", "augmentation")
MODELS = BACKBONES = NECKS = HEADS = LOSSES = _child(root.MODELS, "models")
HOOKS = _child(root.HOOKS, "engine")
LOOPS = _child(root.LOOPS, "engine")
OPTIM_WRAPPERS = _child(root.OPTIM_WRAPPERS, "compat")
METRICS = _child(root.METRICS, "evaluation")
VISUALIZERS = _child(root.VISUALIZERS, "visualization")

# Nothing of ours lives in these; they exist because MMEngine warns at each look-up in a scope that lacks one.
RUNNERS = _child(root.RUNNERS, "engine")
RUNNER_CONSTRUCTORS = _child(root.RUNNER_CONSTRUCTORS, "engine")
STRATEGIES = _child(root.STRATEGIES, "engine")
LOG_PROCESSORS = _child(root.LOG_PROCESSORS, "engine")
OPTIMIZERS = _child(root.OPTIMIZERS, "engine")
OPTIM_WRAPPER_CONSTRUCTORS = _child(root.OPTIM_WRAPPER_CONSTRUCTORS, "engine")
PARAM_SCHEDULERS = _child(root.PARAM_SCHEDULERS, "engine")
DATA_SAMPLERS = _child(root.DATA_SAMPLERS, "datasets")
MODEL_WRAPPERS = _child(root.MODEL_WRAPPERS, "models")
WEIGHT_INITIALIZERS = _child(root.WEIGHT_INITIALIZERS, "models")
EVALUATOR = _child(root.EVALUATOR, "evaluation")
VISBACKENDS = _child(root.VISBACKENDS, "visualization")
TASK_UTILS = _child(root.TASK_UTILS, "engine")
INFERENCERS = _child(root.INFERENCERS, "models")
FUNCTIONS = _child(root.FUNCTIONS, "datasets")

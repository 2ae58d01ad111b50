"""A run on a device that does not exist: whatever would make the host wait for the device fails, without a GPU.

The first optimiser step of a run is real. Then all tensors of model, optimiser and batch become PyTorch's "fake"
tensors (shape and type, no numbers) on a pretended device, in which the same run goes on: train loop, hooks, views,
networks, backward pass, optimiser. Reading a number of such a tensor (``float``, ``bool``, ``.cpu()``, ``nonzero``, an
index of booleans, ...) raises, for there is none; so does an operation on tensors of two devices, and a tensor made on
the device from numbers of the host. Copies to the device are counted, with whether the host waits for them.

Run as a program, because the pretended device stays in the process: it prints, for every named case, in which
iteration of the run a number was asked for, by which line, and the copies of each iteration.
"""

from __future__ import annotations

import json
import tempfile
import traceback
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import torch
from mmengine.hooks import Hook
from mmengine.registry import init_default_scope
from mmengine.runner import Runner
from runs import ROOT, TINY_ENCODER, tiny_config
from torch import nn
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.backend_registration import _DummyBackendModule, _setup_privateuseone_for_python_backend

from mmgaitemo.config import load_config

DEVICE = "pretended:0"
BLAMED = ("/mmgaitemo/", "/mmengine/hooks/", "/mmengine/optim/", "/torch/optim/")  # whose line is named


@cache
def fake_mode() -> FakeTensorMode:
    """One for the whole process: constants that the project keeps on the device stay usable."""
    return FakeTensorMode()


class PretendedBackend(_DummyBackendModule):
    """What PyTorch asks of a device."""

    @staticmethod
    def get_amp_supported_dtype() -> list[torch.dtype]:
        return [torch.bfloat16]


class PretendedGenerator(torch.Generator):
    """A generator that says it is on the pretended device; fake tensors draw nothing anyway."""

    device = torch.device("cpu")  # the class attribute shadows the slot of torch.Generator

    def __new__(cls, device: Any = "cpu") -> PretendedGenerator:
        generator = super().__new__(cls)
        generator.device = torch.device(device)
        return generator


class CopyCounter(TorchDispatchMode):
    """Notes every copy from the host to the device."""

    def __init__(self) -> None:
        super().__init__()
        self.copies: list[str] = []

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        result = func(*args, **kwargs)
        if func.overloadpacket in (torch.ops.aten._to_copy, torch.ops.aten.copy_):
            source = args[1] if func.overloadpacket is torch.ops.aten.copy_ else args[0]
            waits = not (kwargs.get("non_blocking") or (len(args) > 2 and args[2]))
            if source.device.type == "cpu" and result.device.type != "cpu":
                frames = [f for f in traceback.extract_stack() if "mmgaitemo" in f.filename]
                self.copies.append(f"{'waits' if waits else 'goes on'}: {tuple(source.shape)} {frames[-1].name}")
        return result


class PretendHooks:
    """Two hooks around all others: ``enter`` after ``real`` iterations, ``leave`` behind the last hook."""

    def __init__(self, real: int, resident: bool) -> None:
        self.fake = fake_mode()
        self.copies: list[list[str]] = []
        self.iterations = real
        owner = self

        class Enter(Hook):
            def before_train_iter(self, runner: Runner, batch_idx: int, data_batch: Any = None) -> None:
                if batch_idx == real:
                    owner.move(runner)
                if batch_idx >= real:
                    owner.iterations = batch_idx + 1
                    for name, value in data_batch.items():
                        if isinstance(value, torch.Tensor):
                            data_batch[name] = owner.pretend(value) if resident else owner.fake.from_tensor(value)
                    owner.counter = CopyCounter()
                    owner.fake.__enter__()
                    owner.counter.__enter__()

        class Leave(Hook):
            def after_train_iter(self, runner: Runner, batch_idx: int, **_: Any) -> None:
                if batch_idx >= real:
                    owner.counter.__exit__(None, None, None)
                    owner.fake.__exit__(None, None, None)
                    owner.copies.append(owner.counter.copies)

        self.enter, self.leave = Enter(), Leave()

    def move(self, runner: Runner) -> None:
        """Replace all tensors of the model and of the optimiser's state."""
        moved: dict[nn.Parameter, nn.Parameter] = {}
        for module in runner.model.modules():
            for name, parameter in module._parameters.items():
                if parameter is not None:
                    fake = nn.Parameter(self.pretend(parameter), parameter.requires_grad)
                    module._parameters[name] = moved[parameter] = fake
            for name, buffer in module._buffers.items():
                module._buffers[name] = None if buffer is None else self.pretend(buffer)
        optimizer = runner.optim_wrapper.optimizer
        for group in optimizer.param_groups:
            group["params"] = [moved[parameter] for parameter in group["params"]]
        for parameter in list(optimizer.state):
            optimizer.state[moved[parameter]] = {k: self.pretend(v) for k, v in optimizer.state.pop(parameter).items()}
        runner.model._set_device(torch.device(DEVICE))

    def pretend(self, tensor: torch.Tensor) -> torch.Tensor:
        """The shape and type of a tensor, on the device."""
        with self.fake:
            return torch.empty_strided(tensor.shape, tensor.stride(), dtype=tensor.dtype, device=DEVICE)


def observe(change: Callable[[Any], None], resident: bool) -> dict[str, Any]:
    """Run ``tiny_config``, changed, until a number is asked for.

    ``resident``: the batches are on the device already.
    """
    with tempfile.TemporaryDirectory() as folder:
        cfg = tiny_config(Path(folder), log_level="ERROR")
        cfg.val_dataloader = cfg.val_cfg = cfg.val_evaluator = None
        change(cfg)
        runner = Runner.from_cfg(cfg)
        hooks = PretendHooks(cfg.optim_wrapper.get("accumulative_counts", 1), resident)
        runner.register_hook(hooks.enter, priority="HIGHEST")
        runner.register_hook(hooks.leave, priority="LOWEST")
        runner._hooks.insert(0, runner._hooks.pop(runner._hooks.index(hooks.enter)))
        try:
            runner.train()
            error, where = "", ""
        except Exception as caught:  # whatever it is, the test compares it
            frames = traceback.extract_tb(caught.__traceback__)
            frame = [frame for frame in frames if any(part in frame.filename for part in BLAMED)][-1]
            error, where = f"{type(caught).__name__}: {caught}"[:300], f"{Path(frame.filename).name}:{frame.name}"
            while torch.utils._python_dispatch._get_current_dispatch_mode() is not None:
                torch.utils._python_dispatch._pop_mode()
        return {"iteration": hooks.iterations, "where": where, "error": error, "copies": hooks.copies}


def offender(act: Callable[[torch.Tensor], Any]) -> str:
    """What the pretended device says to an act on a tensor of its own; "" where it has no objection."""
    with fake_mode():
        tensor = torch.ones(4, device=DEVICE)
        try:
            act(tensor)
        except Exception as error:
            return type(error).__name__
    return ""


OFFENDERS: dict[str, Callable[[torch.Tensor], Any]] = {
    "float": lambda x: float(x.sum()),
    "condition": lambda x: bool((x > 0).any()),
    "tolist": lambda x: x.tolist(),
    "copy to the host": lambda x: x.cpu().tolist(),
    "boolean index": lambda x: x[x > 0],
    "nonzero": lambda x: x.nonzero(),
    "unique": lambda x: x.unique(),
    "equal": lambda x: torch.equal(x, x),
    "two devices": lambda x: x + torch.ones(4),
    "made of host numbers": lambda x: torch.tensor([1.0, 2.0], device=DEVICE),
    "number of the host": lambda x: x * 2.0 + x.new_full((), 3.0),  # allowed
}


def mining(cfg: Any) -> None:
    """The views and the mining of AimCLR, and the strong view learned directly."""
    aimclr = load_config(ROOT / "configs" / "baselines" / "aimclr_stgcn_egait.py").model
    cfg.model.data_preprocessor.views.strong = aimclr.data_preprocessor.views.strong
    cfg.model.update(mining=dict(type="NearestNeighbourMining", begin=0), strong_info=True)


def kinematics(cfg: Any) -> None:
    """Kinematic targets of both kinds."""
    order = ("kinematics", "time", "root", "scale", "heading", "pack")
    cfg.train_dataloader.dataset.pipeline.update(order=order, kinematics=dict(type="Kinematics"))
    cfg.model.update(loss_kinematics=dict(type="KinematicTargetLoss"), soft_targets=dict(type="KinematicSoftTargets"))
    cfg.model.queue.type = "KinematicQueue"
    cfg.default_hooks.kinematics = dict(type="KinematicsHook")


def accumulated(cfg: Any) -> None:
    """Contrast without a strong view, two batches to a step."""
    cfg.model.data_preprocessor.views.strong = None
    cfg.model.update(loss_divergence=None, drop=None)
    cfg.model.queue.mask_self = False
    cfg.optim_wrapper.accumulative_counts = 2
    cfg.default_hooks.logger.interval = 2  # so that no real number is left unread


def often(cfg: Any) -> None:
    """Clipped gradients, dropout, the stream of bones, and the log at every third iteration."""
    cfg.default_hooks.logger.interval = 3
    cfg.optim_wrapper.clip_grad = dict(max_norm=1.0)
    cfg.model.backbone.graph.dropout = 0.5
    cfg.model.key_dropout = False
    cfg.model.data_preprocessor.stream = "bone"


def half(cfg: Any) -> None:
    """bf16 autocast and another optimiser."""
    cfg.optim_wrapper = dict(type="AutocastOptimWrapper", optimizer=dict(type="SGD", lr=0.1, momentum=0.9))


def classifier(cfg: Any) -> None:
    """Fine-tuning, with its views."""
    fine = load_config(ROOT / "configs" / "downstream" / "supervised_synthgait.py", TINY_ENCODER)
    cfg.model, cfg.optim_wrapper = fine.model, fine.optim_wrapper
    cfg.optim_wrapper.optimizer.fused = True
    cfg.default_hooks.pop("momentum")
    cfg.default_hooks.pop("queue")


def upstream_log(cfg: Any) -> None:
    """MMEngine's own hook for the log, in place of ours."""
    cfg.default_hooks.runtime_info = dict(type="mmengine.RuntimeInfoHook")


CASES: dict[str, Callable[[Any], None]] = {
    "ssal": lambda cfg: None,
    "ssal, data on the device": lambda cfg: None,
    **{case.__name__: case for case in (mining, kinematics, accumulated, often, half, classifier, upstream_log)},
}

if __name__ == "__main__":
    torch.set_num_threads(1)
    init_default_scope("mmgaitemo")
    _setup_privateuseone_for_python_backend("pretended", PretendedBackend())
    torch.Generator = PretendedGenerator
    runs = {name: observe(change, "data on the device" in name) for name, change in CASES.items()}
    print(json.dumps({"runs": runs, "offenders": {name: offender(act) for name, act in OFFENDERS.items()}}))

"""Every layer of an encoder against the machine: how fast it runs forward and backward, and which limit binds it.

A layer cannot take less time than its products need at the speed of ``sgemm``, nor less than its data need to pass
memory once: inputs, parameters and output in the forward pass, the output's gradient, inputs, parameters and their
gradients in the backward pass. What of it stays in a cache comes cheaper, so shares above 100 per cent occur.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from mmgaitemo.benchmark.operations import flops
from mmgaitemo.benchmark.timing import interleaved

_NEGLIGIBLE = 0.005  # share of the whole below which what a module does beside its layers is left out


def layers(encoder: nn.Module, inputs: Tensor, limits: Mapping[str, float], rounds: int) -> list[dict[str, Any]]:
    """Time every layer by itself, with stand-ins of the shapes and strides that it meets in the encoder.

    A layer is a module that was called and calls no other one. What a module does beside calling others (the sum and
    the ReLU after a residual) is a row of its own, the module's time less that of its parts.

    Args:
        encoder: In training mode.
        inputs: (N, 3, T, V) on the encoder's device.
        limits: ``sgemm`` in FLOP/s and ``bandwidth`` in bytes/s.
        rounds: Timed calls of each layer.

    Returns:
        Rows in the order of the forward pass: ``layer``, ``kind``, ``seconds`` (forward and backward, the fastest
        round), ``flops``, ``bytes``, ``flops_per_second``, ``bytes_per_second``, ``limit`` ("sgemm" or "bandwidth"),
        ``share_of_limit``.
    """
    calls = _record(encoder, inputs)
    passes = {name: _pass(encoder.get_submodule(name), *arguments) for name, arguments in calls.items()}
    seconds = {name: timing.low for name, timing in interleaved(passes, rounds, 1, inputs.device).items()}
    parts = {name: [other for other in passes if _parent(other, passes) == name] for name in passes}
    total = sum(value for name, value in seconds.items() if _parent(name, passes) is None)
    rows = []
    for name in passes:
        module, inside = encoder.get_submodule(name), parts[name]
        if not inside:
            row = {"layer": name, "kind": type(module).__name__, "seconds": seconds[name]}
            rows.append(_against_limits(row, _flops(module, *calls[name]), _bytes(module, *calls[name]), limits))
            continue
        rest = seconds[name] - sum(seconds[part] for part in inside)
        if rest > _NEGLIGIBLE * total:
            counted = _flops(module, *calls[name]) - sum(
                _flops(encoder.get_submodule(part), *calls[part]) for part in inside
            )
            row = {"layer": f"{name} (rest)", "kind": f"{type(module).__name__} (rest)", "seconds": rest}
            rows.append(_against_limits(row, max(counted, 0), _bytes(nn.Identity(), *calls[name]), limits))
    return rows


def by_kind(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The layers summed by kind, the longest first: ``kind``, ``layers``, ``seconds``, ``flops``, ``bytes``, and so on.

    ``share_of_limit`` is the share of the time that each layer's own limit explains.
    """
    kinds: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        kinds.setdefault(row["kind"], []).append(row)
    summed = []
    for kind, members in kinds.items():
        seconds, counted, moved = (sum(row[key] for row in members) for key in ("seconds", "flops", "bytes"))
        rates = {"flops_per_second": counted / seconds, "bytes_per_second": moved / seconds}
        whole = {"kind": kind, "layers": len(members), "seconds": seconds, "flops": counted, "bytes": moved, **rates}
        summed.append({**whole, "share_of_limit": attained(members)})
    return sorted(summed, key=lambda row: -row["seconds"])


def attained(rows: list[dict[str, Any]]) -> float:
    """Share of the time of all layers that their limits explain: 1 would be a machine used to the full."""
    return sum(row["share_of_limit"] * row["seconds"] for row in rows) / sum(row["seconds"] for row in rows)


def _record(encoder: nn.Module, inputs: Tensor) -> dict[str, tuple[list[Any], dict[str, Any], Tensor]]:
    """Name of every module that was called, in order of their calls, to stand-ins for arguments and output."""
    started: dict[str, tuple[list[Any], dict[str, Any]]] = {}
    outputs: dict[str, Tensor] = {}

    def before(name: str) -> Callable[..., None]:
        def hook(_: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
            standins = {key: _stand_in(value) for key, value in kwargs.items()}
            started.setdefault(name, ([_stand_in(value) for value in args], standins))

        return hook

    def after(name: str) -> Callable[..., None]:
        def hook(_: nn.Module, args: tuple[Any, ...], output: Any) -> None:
            if isinstance(output, Tensor) and output.requires_grad:
                outputs.setdefault(name, _stand_in(output))

        return hook

    handles = []
    for name, module in encoder.named_modules():
        if name and not isinstance(module, nn.Identity):
            handles.append(module.register_forward_pre_hook(before(name), with_kwargs=True))
            handles.append(module.register_forward_hook(after(name)))
    try:
        encoder(inputs)
    finally:
        for handle in handles:
            handle.remove()
    return {name: (*started[name], outputs[name]) for name in started if name in outputs}


def _stand_in(value: Any) -> Any:
    """Random numbers of the same shape, strides and need of a gradient; anything else as it is."""
    if not isinstance(value, Tensor) or not value.is_floating_point():
        return value
    like = torch.randn_like(value, requires_grad=False)
    return like.requires_grad_(value.requires_grad)


def _pass(module: nn.Module, args: list[Any], kwargs: dict[str, Any], output: Tensor) -> Callable[[], None]:
    """Forward and backward of the module."""
    gradient = output.detach()

    def call() -> None:
        with torch.enable_grad():
            module(*map(_writable, args), **kwargs).backward(gradient)

    return call


def _writable(value: Any) -> Any:
    """A tensor that a layer may write to in place, which PyTorch forbids for a leaf that needs a gradient."""
    return _Writable.apply(value) if isinstance(value, Tensor) and value.requires_grad else value


class _Writable(torch.autograd.Function):
    """The same numbers, without a copy."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        return x.data

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        return gradient


@torch.no_grad()
def _flops(module: nn.Module, args: list[Any], kwargs: dict[str, Any], output: Tensor) -> int:
    """Of both passes: the gradients of weights and input take a forward pass each.

    PyTorch's own count of a backward pass takes a depthwise convolution for a full one.
    """
    passes = 2 + any(isinstance(value, Tensor) and value.requires_grad for value in args)
    return passes * flops(lambda: module(*args, **kwargs))


def _bytes(module: nn.Module, args: list[Any], kwargs: dict[str, Any], output: Tensor) -> int:
    """What passes memory at least once, forward and backward."""
    moved = 2 * output.nbytes + 3 * sum(parameter.nbytes for parameter in module.parameters())
    for value in (*args, *kwargs.values()):
        if isinstance(value, Tensor):
            moved += (3 if value.requires_grad else 2) * value.nbytes
    return moved


def _against_limits(row: dict[str, Any], counted: int, moved: int, limits: Mapping[str, float]) -> dict[str, Any]:
    needed = {"sgemm": counted / limits["sgemm"], "bandwidth": moved / limits["bandwidth"]}
    limit = max(needed, key=lambda name: needed[name])
    return {
        **row,
        "flops": counted,
        "bytes": moved,
        "flops_per_second": counted / row["seconds"],
        "bytes_per_second": moved / row["seconds"],
        "limit": limit,
        "share_of_limit": needed[limit] / row["seconds"],
    }


def _parent(name: str, names: Mapping[str, Any]) -> str | None:
    """The innermost other module that was called and contains this one."""
    while "." in name:
        name = name.rpartition(".")[0]
        if name in names:
            return name
    return None

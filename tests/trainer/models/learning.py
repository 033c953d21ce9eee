"""What every backbone's tests ask for: how much it weighs, and what a backward leaves behind."""

from collections.abc import Callable

import torch
from torch import nn

from trainer.models.layers import BackboneSpec, BatchNorm, Features
from trainer.network import recompute_blocks


def weight(backbone: Callable[[BackboneSpec], nn.Module], shape: BackboneSpec) -> int:
    with torch.device("meta"):
        return sum(each.numel() for each in backbone(shape).parameters())


def gradients(net: nn.Module, images: torch.Tensor) -> list[torch.Tensor | None]:
    """Of each parameter. Every number that is learnt from has another factor, so that no norm takes them away."""
    net.zero_grad()
    torch.manual_seed(1)
    features: Features = net(images)
    learnt = torch.cat([*features.parts, *([] if features.again is None else [features.again])], dim=1)
    factors = torch.linspace(-9, 9, learnt.numel()).view_as(learnt).sin()
    (learnt * factors).sum().backward()  # type: ignore[no-untyped-call]  # torch does not say
    return [each.grad for each in net.parameters()]


def learns(net: nn.Module, images: torch.Tensor) -> bool:
    """Every parameter has a finite gradient, and every matrix and kernel one that moves it."""
    return all(
        each is not None and bool(each.isfinite().all()) and (each.ndim == 1 or bool(each.any()))
        for each in gradients(net, images)
    )


def same_when_recomputed(net: nn.Module, images: torch.Tensor) -> bool:
    """Its vector, gradients, and what its norms saw, to the bit."""
    plain = outcome(net, images)
    recompute_blocks(net)
    return all(torch.equal(*each) for each in zip(plain, outcome(net, images), strict=True))


def outcome(net: nn.Module, images: torch.Tensor) -> list[torch.Tensor]:
    torch.manual_seed(1)
    vector = net(images).vector.detach()
    grads = [each.clone() for each in gradients(net, images) if each is not None]
    return [vector, *grads, *(each.seen_var.clone() for each in net.modules() if isinstance(each, BatchNorm))]


def alike_in_other_company(net: nn.Module, images: torch.Tensor) -> bool:
    """What is compared depends on its own picture alone."""
    others = torch.cat([images[:1], torch.randn_like(images[1:])])
    net.eval()
    with torch.no_grad():
        return torch.equal(net(images).vector[0], net(others).vector[0])

"""Built-in models in PyTorch: perceptron, small convolutional network, VGG-16, ResNet-50; names are torchvision's."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final

import numpy as np
import torch
from torch import nn

from aif_runtime.backends.torch.cutting import Sum
from aif_runtime.backends.torch.learner import TorchLearner
from aif_runtime.learning import models
from aif_runtime.learning.data import Task
from aif_runtime.learning.errors import InvalidRole
from aif_runtime.learning.learner import Plan
from aif_runtime.learning.mlp import initial

_VGG_16: Final = (64, 64, 0, 128, 128, 0, 256, 256, 256, 0, 512, 512, 512, 0, 512, 512, 512, 0)
"""Channels of each convolution; 0 for a pooling."""

_RESNET_50: Final = ((64, 3, 1), (128, 4, 2), (256, 6, 2), (512, 3, 2))
"""Width, blocks and first stride of each of the four layers."""

_EXPANSION: Final = 4


def built(name: str, hidden: Sequence[int], task: Task, seed: int, plan: Plan | None = None) -> TorchLearner:
    """Return a built-in model with its first numbers: the same for the same seed.

    Raises:
        InvalidRole: There is no such model, or it does not fit the data.
    """
    torch.manual_seed(seed)
    if models.known(name):
        flat = replace(task, shape=(task.features,))
        return TorchLearner(_perceptron(models.widths(name, hidden, task), seed), flat, plan)
    if name not in NETWORKS:
        raise InvalidRole(
            f"model.name: there is no built-in model {name!r}; there are mlp-1 to mlp-64, blood-pressure, "
            f"{', '.join(NETWORKS)}"
        )
    if len(task.shape) != 3:  # noqa: PLR2004 - channels, rows, columns
        raise InvalidRole(f"model.name: {name} learns from pictures, the data have the shape {task.shape}")
    return TorchLearner(NETWORKS[name](task.shape[0], task.outputs), task, plan)


def _perceptron(widths: tuple[int, ...], seed: int) -> nn.Module:
    """Return a perceptron with the names and first numbers of the one in NumPy."""
    layers: OrderedDict[str, nn.Module] = OrderedDict()
    for index in range(1, len(widths)):
        layers[f"fc{index}"] = nn.Linear(widths[index - 1], widths[index])
        if index < len(widths) - 1:
            layers[f"relu{index}"] = nn.ReLU()
    model = nn.Sequential(layers)
    first = initial(widths, seed)
    model.load_state_dict({name: torch.from_numpy(np.array(array)) for name, array in first.items()})
    return model


def small_cnn(channels: int, outputs: int) -> nn.Module:
    """Return two convolutions with pooling, and two fully connected layers; for pictures from 8 by 8."""
    return nn.Sequential(
        OrderedDict(
            conv1=nn.Conv2d(channels, 16, 3, padding=1),
            relu1=nn.ReLU(),
            pool1=nn.MaxPool2d(2),
            conv2=nn.Conv2d(16, 32, 3, padding=1),
            relu2=nn.ReLU(),
            pool2=nn.AdaptiveAvgPool2d(4),
            flatten=nn.Flatten(),
            fc1=nn.Linear(512, 64),
            relu3=nn.ReLU(),
            fc2=nn.Linear(64, outputs),
        )
    )


class Vgg16(nn.Module):
    """VGG-16: thirteen convolutions, three fully connected layers; any size of picture from 32 by 32."""

    def __init__(self, channels: int = 3, outputs: int = 1000) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for width in _VGG_16:
            if width:
                layers += [nn.Conv2d(channels, width, 3, padding=1), nn.ReLU(inplace=True)]
                channels = width
            else:
                layers.append(nn.MaxPool2d(2))
        self.features = nn.Sequential(*layers)
        self.avgpool = nn.AdaptiveAvgPool2d(7)
        wide = (nn.Linear(25088, 4096), nn.ReLU(inplace=True), nn.Dropout())
        deep = (nn.Linear(4096, 4096), nn.ReLU(inplace=True), nn.Dropout())
        self.classifier = nn.Sequential(*wide, *deep, nn.Linear(4096, outputs))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the logits."""
        return self.classifier(torch.flatten(self.avgpool(self.features(x)), 1))


class Bottleneck(nn.Module):
    """Three convolutions, narrow in the middle, added to what came in."""

    def __init__(self, channels: int, width: int, stride: int, downsample: nn.Module | None) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, width, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, stride, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv3 = nn.Conv2d(width, width * _EXPANSION, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(width * _EXPANSION)
        self.relu = nn.ReLU(inplace=True)
        self.downsample = downsample
        self.add = Sum()  # a module, as is the last activation, so that the cuts there have names that say where
        self.relu_out = nn.ReLU(inplace=True)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the sum of both ways."""
        inner = self.relu(self.bn1(self.conv1(x)))
        inner = self.relu(self.bn2(self.conv2(inner)))
        inner = self.bn3(self.conv3(inner))
        identity = x if self.downsample is None else self.downsample(x)
        return self.relu_out(self.add(inner, identity))


class ResNet50(nn.Module):
    """ResNet-50: sixteen blocks of three convolutions."""

    def __init__(self, channels: int = 3, outputs: int = 1000) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, 64, 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        self.relu = nn.ReLU(inplace=True)
        self.maxpool = nn.MaxPool2d(3, 2, 1)
        wide = 64
        for place, (width, blocks, stride) in enumerate(_RESNET_50, start=1):
            self.add_module(f"layer{place}", _blocks(wide, width, blocks, stride))
            wide = width * _EXPANSION
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Linear(wide, outputs)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the logits."""
        x = self.maxpool(self.relu(self.bn1(self.conv1(x))))
        for place in range(1, len(_RESNET_50) + 1):
            x = self.get_submodule(f"layer{place}")(x)
        return self.fc(torch.flatten(self.avgpool(x), 1))


def _blocks(channels: int, width: int, count: int, stride: int) -> nn.Module:
    wide = width * _EXPANSION
    down = nn.Sequential(nn.Conv2d(channels, wide, 1, stride, bias=False), nn.BatchNorm2d(wide))
    first = Bottleneck(channels, width, stride, down)
    return nn.Sequential(first, *(Bottleneck(wide, width, 1, None) for _ in range(count - 1)))


NETWORKS: Final[dict[str, Callable[[int, int], nn.Module]]] = {
    "cnn": small_cnn,
    "vgg-16": Vgg16,
    "resnet-50": ResNet50,
}
"""Built-in models for pictures; each takes the channels of a picture and the number of classes."""

"""Published convolutional networks, with the layer names of their reference implementations.

Sources: AlexNet (Krizhevsky 2014), VGG (Simonyan and Zisserman 2015), ResNet (He 2016), MobileNetV2 (Sandler 2018),
GoogLeNet (Szegedy 2015, with batch normalisation).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from aif.planning.models.architecture import Architecture
from aif.planning.models.graph import ModelGraph

CLASSES: Final = 1000
_VGG16: Final = (64, 64, 0, 128, 128, 0, 256, 256, 256, 0, 512, 512, 512, 0, 512, 512, 512, 0)
"""Channels of each convolution; 0 is a pooling."""


def alexnet(pixels: int = 224) -> ModelGraph:
    """Return AlexNet on an image of ``pixels`` rows and columns."""
    net = Architecture("alexnet", (3, pixels, pixels))
    index = 0
    for channels, kernel, stride, padding, pooled in (
        (64, 11, 4, 2, True), (192, 5, 1, 2, True), (384, 3, 1, 1, False), (256, 3, 1, 1, False), (256, 3, 1, 1, True),
    ):  # fmt: skip
        net.conv(f"features_{index}", channels, kernel, stride, padding)
        net.activation(f"features_{index + 1}")
        if pooled:
            net.pool(f"features_{index + 2}", 3, 2)
        index += 3 if pooled else 2
    net.adaptive_pool("avgpool", 6)
    net.flatten()
    net.activation("classifier_0")
    net.linear("classifier_1", 4096)
    net.activation("classifier_2")
    net.activation("classifier_3")
    net.linear("classifier_4", 4096)
    net.activation("classifier_5")
    net.linear("classifier_6", CLASSES)
    return net.graph()


def vgg16(pixels: int = 224) -> ModelGraph:
    """Return VGG-16 on an image of ``pixels`` rows and columns."""
    net = Architecture("vgg16", (3, pixels, pixels))
    index = 0
    for channels in _VGG16:
        if channels:
            net.conv(f"features_{index}", channels, 3, 1, 1)
            net.activation(f"features_{index + 1}")
        else:
            net.pool(f"features_{index}", 2, 2)
        index += 2 if channels else 1
    net.adaptive_pool("avgpool", 7)
    net.flatten()
    for index, size in ((0, 4096), (3, 4096), (6, CLASSES)):
        net.linear(f"classifier_{index}", size)
        if size != CLASSES:
            net.activation(f"classifier_{index + 1}")
            net.activation(f"classifier_{index + 2}")
    return net.graph()


def resnet18(pixels: int = 224) -> ModelGraph:
    """Return ResNet-18 on an image of ``pixels`` rows and columns."""
    return _resnet("resnet18", (2, 2, 2, 2), _basic_block, 1, pixels)


def resnet50(pixels: int = 224) -> ModelGraph:
    """Return ResNet-50 on an image of ``pixels`` rows and columns."""
    return _resnet("resnet50", (3, 4, 6, 3), _bottleneck, 4, pixels)


_Block = Callable[[Architecture, str, int, int], None]


def _resnet(name: str, depths: tuple[int, ...], block: _Block, expansion: int, pixels: int) -> ModelGraph:
    net = Architecture(name, (3, pixels, pixels))
    net.conv("conv1", 64, 7, 2, 3, bias=False)
    net.norm("bn1")
    net.activation("relu")
    net.pool("maxpool", 3, 2, 1)
    for stage, blocks in enumerate(depths, start=1):
        for index in range(blocks):
            prefix, source = f"layer{stage}_{index}", net.last
            channels, stride = 64 * 2 ** (stage - 1), 2 if stage > 1 and index == 0 else 1
            block(net, prefix, channels, stride)
            branch, shortcut = net.last, source
            if net.shape(source) != net.shape(branch):
                net.conv(f"{prefix}_downsample_0", channels * expansion, 1, stride, bias=False, source=source)
                shortcut = net.norm(f"{prefix}_downsample_1")
            net.add(f"{prefix}_add", branch, shortcut)
            net.activation(f"{prefix}_relu_out")
    net.adaptive_pool("avgpool", 1)
    net.flatten()
    net.linear("fc", CLASSES)
    return net.graph()


def _basic_block(net: Architecture, prefix: str, channels: int, stride: int) -> None:
    net.conv(f"{prefix}_conv1", channels, 3, stride, 1, bias=False)
    net.norm(f"{prefix}_bn1")
    net.activation(f"{prefix}_relu")
    net.conv(f"{prefix}_conv2", channels, 3, 1, 1, bias=False)
    net.norm(f"{prefix}_bn2")


def _bottleneck(net: Architecture, prefix: str, channels: int, stride: int) -> None:
    net.conv(f"{prefix}_conv1", channels, 1, bias=False)
    net.norm(f"{prefix}_bn1")
    net.activation(f"{prefix}_relu")
    net.conv(f"{prefix}_conv2", channels, 3, stride, 1, bias=False)
    net.norm(f"{prefix}_bn2")
    net.activation(f"{prefix}_relu_1")
    net.conv(f"{prefix}_conv3", channels * 4, 1, bias=False)
    net.norm(f"{prefix}_bn3")


def mobilenet_v2(pixels: int = 224) -> ModelGraph:
    """Return MobileNetV2 of width 1 on an image of ``pixels`` rows and columns."""
    net = Architecture("mobilenet-v2", (3, pixels, pixels))
    _unit(net, "features_0", 32, 3, 2)
    index = 1
    for expansion, channels, blocks, first in (
        (1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1),
    ):  # fmt: skip
        for number in range(blocks):
            _inverted(net, f"features_{index}", expansion, channels, first if number == 0 else 1)
            index += 1
    _unit(net, f"features_{index}", 1280, 1)
    net.adaptive_pool("avgpool", 1)
    net.flatten()
    net.activation("classifier_0")
    net.linear("classifier_1", CLASSES)
    return net.graph()


def _inverted(net: Architecture, prefix: str, expansion: int, channels: int, stride: int) -> None:
    source, wide = net.last, net.shape()[0] * expansion
    if expansion > 1:
        _unit(net, f"{prefix}_expand", wide, 1)
    _unit(net, f"{prefix}_depthwise", wide, 3, stride, groups=wide)
    net.conv(f"{prefix}_project", channels, 1, bias=False)
    net.norm(f"{prefix}_project_bn")
    if net.shape(source) == net.shape():
        net.add(f"{prefix}_add", source, net.last)


def _unit(
    net: Architecture, prefix: str, channels: int, kernel: int, stride: int = 1, *, groups: int = 1, source: str = ""
) -> str:
    """Add convolution, normalisation and activation; return the name of the last."""
    net.conv(f"{prefix}_conv", channels, kernel, stride, kernel // 2, groups=groups, bias=False, source=source)
    net.norm(f"{prefix}_bn")
    return net.activation(f"{prefix}_relu")


def googlenet(pixels: int = 224) -> ModelGraph:
    """Return GoogLeNet without its auxiliary heads on an image of ``pixels`` rows and columns."""
    net = Architecture("googlenet", (3, pixels, pixels))
    _unit(net, "conv1", 64, 7, 2)
    net.pool("maxpool1", 3, 2, ceil=True)
    _unit(net, "conv2", 64, 1)
    _unit(net, "conv3", 192, 3)
    net.pool("maxpool2", 3, 2, ceil=True)
    _inceptions(net, ("3a", 64, 96, 128, 16, 32, 32), ("3b", 128, 128, 192, 32, 96, 64))
    net.pool("maxpool3", 3, 2, ceil=True)
    _inceptions(
        net, ("4a", 192, 96, 208, 16, 48, 64), ("4b", 160, 112, 224, 24, 64, 64), ("4c", 128, 128, 256, 24, 64, 64),
        ("4d", 112, 144, 288, 32, 64, 64), ("4e", 256, 160, 320, 32, 128, 128),
    )  # fmt: skip
    net.pool("maxpool4", 2, 2, ceil=True)
    _inceptions(net, ("5a", 256, 160, 320, 32, 128, 128), ("5b", 384, 192, 384, 48, 128, 128))
    net.adaptive_pool("avgpool", 1)
    net.flatten()
    net.activation("dropout")
    net.linear("fc", CLASSES)
    return net.graph()


def _inceptions(net: Architecture, *blocks: tuple[str, int, int, int, int, int, int]) -> None:
    for name, one, reduced3, three, reduced5, five, pooled in blocks:
        source, prefix = net.last, f"inception{name}"
        first = _unit(net, f"{prefix}_branch1", one, 1, source=source)
        _unit(net, f"{prefix}_branch2_0", reduced3, 1, source=source)
        second = _unit(net, f"{prefix}_branch2_1", three, 3)
        _unit(net, f"{prefix}_branch3_0", reduced5, 1, source=source)
        third = _unit(net, f"{prefix}_branch3_1", five, 3)
        net.pool(f"{prefix}_branch4_0", 3, 1, 1, ceil=True, source=source)
        fourth = _unit(net, f"{prefix}_branch4_1", pooled, 1)
        net.concat(f"{prefix}_concat", first, second, third, fourth)


ARCHITECTURES: Final[Mapping[str, Callable[[int], ModelGraph]]] = {
    "alexnet": alexnet,
    "googlenet": googlenet,
    "mobilenet-v2": mobilenet_v2,
    "resnet18": resnet18,
    "resnet50": resnet50,
    "vgg16": vgg16,
}
"""The networks of which tables are committed; each takes the rows and columns of its input."""

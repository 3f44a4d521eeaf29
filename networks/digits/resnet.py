"""The demo network before training, in torch: a small ResNet for 8x8 grey images."""

import torch
from torch import Tensor, nn

CLASSES = 10
STEM_CHANNELS = 16
END_CHANNELS = 32


class Centre(nn.Module):  # type: ignore[misc]  # torch is not there for mypy
    """Subtracts a mean."""

    def __init__(self, mean: float) -> None:
        super().__init__()
        self.register_buffer("mean", torch.full((1, 1, 1, 1), mean))

    def forward(self, x: Tensor) -> Tensor:
        """Return x - mean."""
        return x - self.mean


class Scale(nn.Module):  # type: ignore[misc]
    """Multiplies by a factor."""

    def __init__(self, factor: float) -> None:
        super().__init__()
        self.register_buffer("factor", torch.full((1, 1, 1, 1), factor))

    def forward(self, x: Tensor) -> Tensor:
        """Return x * factor."""
        return x * self.factor


class ResidualBlock(nn.Module):  # type: ignore[misc]
    """Two 3x3 convolutions beside a shortcut: the input itself, or its 1x1 projection where the shape changes."""

    def __init__(self, in_channels: int, out_channels: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, out_channels, 3, stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(out_channels)
        self.relu1 = nn.ReLU()
        self.conv2 = nn.Conv2d(out_channels, out_channels, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(out_channels)
        self.relu2 = nn.ReLU()
        self.skip: nn.Module = nn.Identity()
        self.bn_skip: nn.Module = nn.Identity()
        if (in_channels, stride) != (out_channels, 1):
            self.skip = nn.Conv2d(in_channels, out_channels, 1, stride, bias=False)
            self.bn_skip = nn.BatchNorm2d(out_channels)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) to (N, K, H / stride, W / stride)."""
        y = self.relu1(self.bn1(self.conv1(x)))
        y = self.bn2(self.conv2(y))
        sum_: Tensor = self.relu2(y + self.bn_skip(self.skip(x)))
        return sum_


class DigitsResNet(nn.Module):  # type: ignore[misc]
    """Raw pixels 0..255 as float32 (N, 1, 8, 8) to ten scores (N, 10).

    Parameters
    ----------
    mean, scale
        Of the pixels: the first convolution sees (pixel - mean) * scale.
    """

    def __init__(self, mean: float, scale: float) -> None:
        super().__init__()
        self.centred = Centre(mean)
        self.data = Scale(scale)
        self.conv1 = nn.Conv2d(1, STEM_CHANNELS, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(STEM_CHANNELS)
        self.relu1 = nn.ReLU()
        self.pool = nn.MaxPool2d(3, stride=2, padding=1)
        self.block1 = ResidualBlock(STEM_CHANNELS, STEM_CHANNELS, stride=1)
        self.block2 = ResidualBlock(STEM_CHANNELS, END_CHANNELS, stride=2)
        self.average = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Linear(END_CHANNELS, CLASSES)

    def forward(self, pixels: Tensor) -> Tensor:
        """Scores of each class."""
        x = self.data(self.centred(pixels))
        x = self.pool(self.relu1(self.bn1(self.conv1(x))))
        x = self.block2(self.block1(x))
        scores: Tensor = self.fc(torch.flatten(self.average(x), 1))
        return scores

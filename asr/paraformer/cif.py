"""Continuous integrate-and-fire: gathers audio frames into characters, for a whole batch at once.

Each frame carries a weight; where the running sum passes the next whole threshold, a character
is complete. A frame's weight is split between the character it completes and the next one, so a
character's embedding is one row of a matrix product of overlaps with the frames.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from asr.paraformer.network import Predictor


@dataclass(frozen=True, slots=True)
class Fired:
    """Characters found in a batch of ``B`` windows of ``T`` frames."""

    embeddings: Tensor
    """(B, N, D), N the most that any row has; rows beyond ``total`` are meaningless."""
    firm: NDArray[np.int64]
    """(B,) characters complete within the frames that count."""
    total: NDArray[np.int64]
    """(B,) those and the ones seen in the look-ahead or forced by the end."""
    frames: NDArray[np.int64]
    """(B, N) frame of the window on which each character was complete; T is the forced end."""
    carry: Tensor
    """(B, D) the incomplete character after the firm frames."""
    weight: NDArray[np.float64]
    """(B,) how much of it there is, 0 to threshold."""


def frame_weights(predictor: Predictor, hidden: Tensor, valid: Tensor) -> Tensor:
    """(B, T) weight of every frame; ``hidden`` (B, T, D), ``valid`` (B, T, 1) is 1 or 0."""
    # Frames past a row's end must be zero for the filter, as they are for a row on its own.
    context = functional.conv1d(
        (hidden * valid).transpose(1, 2), predictor.conv, predictor.conv_bias, padding=1
    )
    alphas = torch.sigmoid(predictor.out(context.relu_().transpose(1, 2)))
    alphas = torch.relu(alphas * predictor.smooth - predictor.noise)
    return (alphas * valid).squeeze(-1)


def fire(
    alphas: NDArray[np.float64],
    hidden: Tensor,
    firm_frames: NDArray[np.int64],
    ended: NDArray[np.bool_],
    carry: Tensor,
    weight: NDArray[np.float64],
    threshold: float,
    tail: float,
) -> Fired:
    """Cut weighted frames into characters.

    ``alphas`` (B, T), ``hidden`` (B, T, D), ``carry`` (B, D) and ``weight`` (B,) come from the
    chunk before. The first ``firm_frames`` (B,) frames count for good; the rest, and ``tail``
    added after them, only tell what would be heard if the speech ended here. Where it has
    ended (``ended``, (B,)) all of it counts.
    """
    rows, length = alphas.shape
    ends = np.empty((rows, length + 2))
    ends[:, 0] = weight
    np.cumsum(alphas, axis=1, out=ends[:, 1 : length + 1])
    ends[:, 1 : length + 1] += weight[:, None]
    ends[:, length + 1] = ends[:, length] + tail
    ends /= threshold

    total = np.floor(ends[:, -1]).astype(np.int64)
    settled = ends[np.arange(rows), firm_frames]
    firm = np.where(ended, total, np.floor(settled)).astype(np.int64)
    most = int(total.max(initial=0))

    number = np.arange(most + 1)
    begins = np.maximum(ends[:, None, :-1], number[None, :, None])
    stops = np.minimum(ends[:, None, 1:], number[None, :, None] + 1.0)
    overlap = np.maximum(stops - begins, 0.0)[:, :, :length] * threshold
    # (B, N + 1, T): what frame t gives to character n; the forced tail has no sound to give.
    mine = torch.from_numpy(overlap[:, :most].astype(np.float32)).to(hidden.device)
    embeddings = torch.bmm(mine, hidden) if most else hidden.new_zeros(rows, 0, hidden.shape[2])
    if most:
        embeddings.select(1, 0).add_(carry)

    left = overlap[np.arange(rows), np.minimum(np.floor(settled).astype(np.int64), most)]
    left = left * (np.arange(length)[None] < firm_frames[:, None])
    rest = torch.from_numpy(left.astype(np.float32)).to(hidden.device)
    rest_sum = torch.bmm(rest[:, None], hidden)[:, 0]
    unfinished = torch.from_numpy(np.floor(settled) == 0).to(hidden.device)
    frames = (ends[:, None, 1:] < number[None, :most, None] + 1.0).sum(axis=2)
    return Fired(
        embeddings=embeddings,
        firm=firm,
        total=total,
        frames=frames,
        carry=torch.where(unfinished[:, None], rest_sum + carry, rest_sum),
        weight=(settled - np.floor(settled)) * threshold,
    )

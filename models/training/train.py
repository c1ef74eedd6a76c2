"""Train the recogniser: one run, counted in steps, that can be stopped and resumed.

What it learns from, all at once:

* the decoder's characters (cross entropy, 0.1 smoothing);
* the same characters straight from each CIF embedding, a shortcut that wakes the encoder up;
* the syllable and tone spoken in every row of 60 ms, at a middle layer: espeak tells the times;
* the CIF weights themselves: each syllable's weights sum to one over its own duration. At first the
  decoder is given the true weights, later the predicted ones.

Weights are bfloat16 for the products, with a float32 master copy that the optimiser moves. An
average of the master over the last thousand steps is what gets evaluated and exported.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from . import network
from .dataset import POSITIONS, Batcher, Corpus
from .network import Heads, Packed


@dataclass(frozen=True, slots=True)
class Schedule:
    """Learning rate by step: warm up, stay, then fall along a cosine over the last `decay` steps."""

    steps: int
    decay: int
    warm_up: int = 300
    rate: float = 1e-3
    last: float = 0.02

    def at(self, step: int) -> float:
        """The learning rate of a step."""
        if step < self.warm_up:
            return self.rate * (step + 1) / self.warm_up
        done = max(0.0, (step - (self.steps - self.decay)) / self.decay)
        return self.rate * (self.last + (1 - self.last) * 0.5 * (1 + math.cos(math.pi * done)))


ORACLE_STEPS = 2_500  # how long the decoder still gets true CIF weights now and then
MIDDLE_LAYER = 3
SEED = 7


class Weights:
    """Parameters of modules as one flat bfloat16 vector, with a float32 master and its average."""

    def __init__(self, modules: nn.Module) -> None:
        parameters = list(modules.parameters())
        self.master = torch.cat([p.detach().float().reshape(-1) for p in parameters])
        self.average = self.master.clone()
        self.live = self.master.bfloat16()
        self.gradient = torch.zeros_like(self.live)
        self.master.grad = torch.zeros_like(self.master)
        at = 0
        for parameter in parameters:
            end = at + parameter.numel()
            parameter.data = self.live[at:end].view_as(parameter)
            parameter.grad = self.gradient[at:end].view_as(parameter)
            at = end

    def gather_gradient(self, largest_norm: float) -> float:
        """Move the gradient to the master, clipped; returns its norm before."""
        assert self.master.grad is not None
        self.master.grad.copy_(self.gradient)
        self.gradient.zero_()
        norm = float(self.master.grad.norm())
        if norm > largest_norm:
            self.master.grad.mul_(largest_norm / norm)
        return norm

    def publish(self, decay: float) -> None:
        """After an optimiser step: refresh the live copy and the average."""
        self.live.copy_(self.master)
        self.average.lerp_(self.master, 1 - decay)


def losses(
    model: Any, heads: Heads, batch: Packed, use_true_weights: bool
) -> tuple[Tensor, dict[str, Tensor]]:
    """The training loss of a batch and its parts."""
    memory, middle = network.encode(model.encoder, batch, MIDDLE_LAYER)
    middle = heads.norm(middle).flatten(0, 1)
    syllable = F.cross_entropy(
        heads.syllable(middle).float(), batch.syllables, ignore_index=-1
    ) + 0.5 * F.cross_entropy(heads.tone(middle).float(), batch.tones, ignore_index=-1)

    weights = network.fire_weights(model.predictor, memory).reshape(-1) * batch.emits
    owner = batch.utterance.repeat_interleave(network.WINDOW)
    error = weights - batch.weights
    sums = torch.zeros_like(batch.counts).index_add(0, owner, error)
    # Running error within each utterance: the running sum over the batch minus what came before.
    running = error.cumsum(0)
    before = torch.cat([torch.zeros(1), sums[:-1].cumsum(0)])[owner.clamp_max(len(sums) - 1)]
    drift = (running - before).abs() * batch.emits
    cif = (4 * error.abs().sum() + 0.5 * drift.sum()) / batch.emits.sum()
    cif = cif + 0.05 * sums.abs().sum() / (batch.counts > 0).sum()

    used = batch.weights if use_true_weights else network.scale_to_counts(weights, batch)
    embeddings, fired = network.integrate(used, memory, POSITIONS)
    logits = network.decode(model.decoder, memory, embeddings, fired, batch).float()
    decoder = F.cross_entropy(logits, batch.characters, ignore_index=-1, label_smoothing=0.1)
    heard = F.cross_entropy(heads.heard(embeddings).float(), batch.characters, ignore_index=-1)
    with torch.no_grad():
        scored = batch.characters >= 0
        right = ((logits.argmax(-1) == batch.characters) & scored).sum() / scored.sum()
    total = 0.7 * decoder + 0.3 * heard + 0.5 * syllable + cif
    parts = {"decoder": decoder, "heard": heard, "syllable": syllable, "cif": cif, "right": right}
    return total, {name: value.detach() for name, value in parts.items()}


class Run:
    """One training run in a work directory."""

    def __init__(self, model: Any, corpus: Corpus, tokens: int, work: Path) -> None:
        torch.manual_seed(SEED)
        self.model = model
        self.heads = Heads(model.encoder.output_size(), tokens, len(corpus.syllables) + 1)
        with torch.no_grad():
            model.predictor.cif_output.bias.fill_(-1.0)
        self.weights = Weights(nn.ModuleList([model, self.heads]))
        self.optimiser = torch.optim.AdamW(
            [self.weights.master], lr=1e-3, betas=(0.9, 0.98), weight_decay=0.01, fused=True
        )
        self.batcher = Batcher(corpus, SEED, torch.bfloat16)
        self.work = work
        self.step = 0

    def train(self, schedule: Schedule, save_every: int = 500) -> None:
        """Go on from the current step to the end of the schedule."""
        self.model.train()
        groups = self.batcher.epochs()
        for _ in range(self.step):
            next(groups)
        began, first = time.perf_counter(), self.step
        shown: dict[str, float] = {}
        while self.step < schedule.steps:
            parts = self._advance(next(groups), schedule)
            for name, value in parts.items():
                shown[name] = 0.97 * shown.get(name, value) + 0.03 * value
            if self.step % 50 == 0:
                pace = (time.perf_counter() - began) / (self.step - first)
                line = " ".join(f"{name} {value:.3f}" for name, value in shown.items())
                rate = schedule.at(self.step)
                print(f"{self.step} {pace:.3f} s/step rate {rate:.1e} {line}", flush=True)  # noqa: T201
            if self.step % save_every == 0 or self.step == schedule.steps:
                self.save()

    def _advance(self, group: list[int], schedule: Schedule) -> dict[str, float]:
        rng = np.random.default_rng((SEED, 1, self.step))
        batch = self.batcher.pack(group, rng)
        use_true = float(rng.random()) < 0.1 + 0.9 * max(0.0, 1 - self.step / ORACLE_STEPS)
        loss, parts = losses(self.model, self.heads, batch, use_true)
        loss.backward()
        norm = self.weights.gather_gradient(5.0)
        for group_ in self.optimiser.param_groups:
            group_["lr"] = schedule.at(self.step)
        self.optimiser.step()
        self.step += 1
        self.weights.publish(min(0.999, self.step / (self.step + 20)))
        return {**{name: float(value) for name, value in parts.items()}, "norm": norm}

    def save(self) -> None:
        """checkpoint.pt: enough to resume or to export."""
        state = {
            "step": self.step,
            "master": self.weights.master.detach(),
            "average": self.weights.average,
            "optimiser": self.optimiser.state_dict(),
        }
        draft = self.work / "checkpoint.draft"
        torch.save(state, draft)
        draft.rename(self.work / "checkpoint.pt")

    def resume(self) -> None:
        """Load checkpoint.pt when there is one."""
        path = self.work / "checkpoint.pt"
        if path.exists():
            state = torch.load(path, weights_only=True)
            self.step = int(state["step"])
            self.weights.master.data.copy_(state["master"])
            self.weights.average.copy_(state["average"])
            self.weights.live.copy_(self.weights.master)
            self.optimiser.load_state_dict(state["optimiser"])


def averaged_model(model: Any, average: Tensor) -> Any:
    """Put the averaged weights (the model's part comes first) into a float32 model."""
    model.float()
    at = 0
    with torch.no_grad():
        for parameter in model.parameters():
            end = at + parameter.numel()
            parameter.copy_(average[at:end].view_as(parameter))
            at = end
    return model.eval()

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
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any

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
LARGEST_NORM = 5.0
BETAS = (0.9, 0.98)
WEIGHT_DECAY = 0.01
AVERAGE = 0.999


class Weights:
    """Parameters of modules as one flat vector that several processes train together.

    Every worker computes the gradient of its own batch on the same live bfloat16 weights, and moves
    its own slice of the float32 master. Two processes of one thread beat one of two threads by far:
    a step is a thousand small products, and threads spend a third of it waiting for each other.
    """

    def __init__(self, modules: nn.Module, workers: int) -> None:
        self._parameters = list(modules.parameters())
        self.master = torch.cat([p.detach().float().reshape(-1) for p in self._parameters])
        self.average = self.master.clone()
        self.first_moment = torch.zeros_like(self.master)
        self.second_moment = torch.zeros_like(self.master)
        self.live = self.master.bfloat16()
        self.gradients = [torch.zeros_like(self.live) for _ in range(workers)]
        self.norms = torch.zeros(workers)
        for shared in (*self.state().values(), self.live, *self.gradients, self.norms):
            shared.share_memory_()  # type: ignore[no-untyped-call]
        self.slice = slice(0)

    def state(self) -> dict[str, Tensor]:
        """What a checkpoint keeps."""
        return {
            "master": self.master,
            "average": self.average,
            "first_moment": self.first_moment,
            "second_moment": self.second_moment,
        }

    def bind(self, rank: int) -> None:
        """Make this process's parameters the live weights, and its gradients those of its rank."""
        share = -(-len(self.master) // len(self.gradients))
        self.slice = slice(rank * share, (rank + 1) * share)
        at = 0
        for parameter in self._parameters:
            end = at + parameter.numel()
            parameter.data = self.live[at:end].view_as(parameter)
            parameter.grad = self.gradients[rank][at:end].view_as(parameter)
            at = end

    def update(self, rate: float, step: int, rank: int, meet: Callable[[], object]) -> float:
        """One AdamW step on the mean gradient, clipped. Every worker calls it; `meet` waits for all."""
        meet()
        mine = self.slice
        gradient = self.gradients[0][mine].float()
        for other in self.gradients[1:]:
            gradient += other[mine]
        gradient /= len(self.gradients)
        self.norms[rank] = gradient.square().sum()
        meet()
        norm = float(self.norms.sum().sqrt())
        gradient *= min(1.0, LARGEST_NORM / (norm + 1e-6))
        first, second, master = (
            self.first_moment[mine],
            self.second_moment[mine],
            self.master[mine],
        )
        first.lerp_(gradient, 1 - BETAS[0])
        second.mul_(BETAS[1]).addcmul_(gradient, gradient, value=1 - BETAS[1])
        spread = second.sqrt().div_(math.sqrt(1 - BETAS[1] ** step)).add_(1e-8)
        master.mul_(1 - rate * WEIGHT_DECAY)
        master.addcdiv_(first, spread, value=-rate / (1 - BETAS[0] ** step))
        self.live[mine] = master
        self.average[mine].lerp_(master, 1 - min(AVERAGE, step / (step + 20)))
        for each in self.gradients:
            each[mine] = 0
        meet()
        return norm


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

    def __init__(self, model: Any, corpus: Corpus, tokens: int, work: Path, workers: int) -> None:
        torch.manual_seed(SEED)
        self.model = model
        self.heads = Heads(model.encoder.output_size(), tokens, len(corpus.syllables) + 1)
        with torch.no_grad():
            model.predictor.cif_output.bias.fill_(-1.0)
        self.weights = Weights(nn.ModuleList([model, self.heads]), workers)
        self.batcher = Batcher(corpus, SEED)
        self.work = work
        self.workers = workers
        self.step = 0

    def train(self, schedule: Schedule, save_every: int = 500) -> None:
        """Go on from the current step to the end of the schedule."""
        context = get_context("fork")  # the corpus is shared, not copied
        barrier = context.Barrier(self.workers)
        others = [
            context.Process(target=self._work, args=(rank, schedule, save_every, barrier.wait))
            for rank in range(1, self.workers)
        ]
        for other in others:
            other.daemon = True
            other.start()
        self._work(0, schedule, save_every, barrier.wait)
        for other in others:
            other.join()

    def _work(
        self, rank: int, schedule: Schedule, save_every: int, meet: Callable[[], object]
    ) -> None:
        torch.set_num_threads(1)
        self.weights.bind(rank)
        self.model.train()
        batches = self.batcher.stream(self.step, rank, self.workers)
        began, first = time.perf_counter(), self.step
        shown: dict[str, float] = {}
        while self.step < schedule.steps:
            batch, chance = next(batches)
            use_true = chance < 0.1 + 0.9 * max(0.0, 1 - self.step / ORACLE_STEPS)
            loss, parts = losses(self.model, self.heads, batch, use_true)
            loss.backward()  # type: ignore[no-untyped-call]
            rate = schedule.at(self.step)
            self.step += 1
            parts["norm"] = torch.tensor(self.weights.update(rate, self.step, rank, meet))
            for name, value in parts.items():
                shown[name] = 0.98 * shown.get(name, float(value)) + 0.02 * float(value)
            if rank == 0 and self.step % 50 == 0:
                pace = (time.perf_counter() - began) / (self.step - first)
                line = " ".join(f"{name} {value:.3f}" for name, value in shown.items())
                print(f"{self.step} {pace:.3f} s/step rate {rate:.1e} {line}", flush=True)
            if rank == 0 and (self.step % save_every == 0 or self.step == schedule.steps):
                self.save()

    def save(self) -> None:
        """checkpoint.pt: enough to resume or to export. The others wait at the next barrier."""
        draft = self.work / "checkpoint.draft"
        torch.save({"step": self.step, **self.weights.state()}, draft)
        draft.rename(self.work / "checkpoint.pt")

    def resume(self) -> None:
        """Load checkpoint.pt when there is one."""
        path = self.work / "checkpoint.pt"
        if path.exists():
            state = torch.load(path, weights_only=True)
            self.step = int(state["step"])
            for name, tensor in self.weights.state().items():
                tensor.copy_(state[name])
            self.weights.live.copy_(self.weights.master)


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

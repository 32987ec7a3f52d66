"""Trains household-VL from random weights: it sees strips, binds speech, tells all of a clip, then writes memories.

    python train.py STAGE --examples EXAMPLES --tokenizer TOKENIZER.json --folder RUN [--steps N] [--seed N] [--compile]

Each stage begins with the weights that the one before left in RUN and leaves its own there, as `STAGE.pt`:

    strips     the tower alone: each token of a picture names all words of its strip
    speech     the text blocks alone, on lines of speech without pictures: who says what, until nearly all is right
    captions   all facts of a clip in any order, the tower as it is
    memories   the product's prompt and its JSON, a caption beside each memory
    lists      the same prompt, beside each memory a list of all facts behind it

Every printed line is JSON. Nothing depends on the clock; threads and rounding may differ between machines.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import random
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

import inputs
import measure
import network
import tokens


@dataclass(frozen=True)
class Stage:
    """A stage's recipe. The rate is level, then falls to nothing over the last `decay` of the steps."""

    before: str | None
    steps: int
    rows: int
    rate: float
    """Of AdamW, for vectors and embeddings; Muon's, for matrices, is twice as high."""
    decay: float = 0.5


STAGES = {
    "strips": Stage(None, steps=600, rows=64, rate=2e-3, decay=0.6),
    "speech": Stage("strips", steps=600, rows=64, rate=2e-3),
    "captions": Stage("speech", steps=2000, rows=32, rate=2e-3),
    "memories": Stage("captions", steps=800, rows=24, rate=1.3e-3),
    "lists": Stage("memories", steps=300, rows=24, rate=8e-4, decay=1.0),
}
CAPTION_LENGTH, MEMORY_LENGTH, ANSWER_LENGTH = 184, 448, 64
LOG_EVERY = 50


class Muon(torch.optim.Optimizer):
    """Momentum made orthogonal by Newton-Schulz steps, scaled to the size of Adam's (Jordan et al., 2024)."""

    def __init__(self, parameters: list[Tensor], lr: float, momentum: float = 0.95, weight_decay: float = 0.05) -> None:
        super().__init__(parameters, {"lr": lr, "momentum": momentum, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> None:  # type: ignore[override]
        for group in self.param_groups:
            shapes: dict[tuple[int, ...], list[Tensor]] = {}
            for parameter in group["params"]:
                if parameter.grad is not None:
                    shapes.setdefault(tuple(parameter.shape), []).append(parameter)
            for shape, parameters in shapes.items():
                gradient = torch.stack([parameter.grad for parameter in parameters])
                state = self.state[parameters[0]]
                moment = state.setdefault("moment", torch.zeros_like(gradient))
                moment.mul_(group["momentum"]).add_(gradient)
                update = _orthogonal(gradient + group["momentum"] * moment) * 0.2 * math.sqrt(max(shape))
                for parameter, one in zip(parameters, update):
                    parameter.mul_(1 - group["lr"] * group["weight_decay"]).add_(one, alpha=-group["lr"])


def _orthogonal(matrices: Tensor) -> Tensor:
    x = matrices.bfloat16()
    wide = x.shape[1] <= x.shape[2]
    x = x if wide else x.transpose(1, 2)
    x = x / (x.norm(dim=(1, 2), keepdim=True) + 1e-7)
    for _ in range(5):
        square = x @ x.transpose(1, 2)
        x = 3.4445 * x + (-4.7750 * square + 2.0315 * square @ square) @ x
    return (x if wide else x.transpose(1, 2)).float()


class Training:
    """One stage: what is trained, with which rate, and what is told about it."""

    def __init__(self, name: str, options: argparse.Namespace) -> None:
        self.name, self.options = name, options
        self.stage = STAGES[name]
        self.steps = options.steps or self.stage.steps
        self.started = time.time()
        self.rng = random.Random(f"{name} {options.seed}")
        torch.set_num_threads(options.threads)
        self.tokenizer = network.tokenizer_of(options.tokenizer)
        self.model = network.build(self.tokenizer, options.seed)
        if self.stage.before:
            self.model.load_state_dict(torch.load(self.path(self.stage.before)))
        with open(f"{options.examples}/words.json") as file:
            self.prompts = inputs.Prompts(self.tokenizer, json.load(file))
        self.eyes, self.reader = network.Eyes(self.model), network.Reader(self.model)
        self.optimizers: list[torch.optim.Optimizer] = []

    def path(self, name: str) -> str:
        return os.path.join(self.options.folder, f"{name}.pt")

    def save(self, part: bool = False) -> None:
        """What the stage ends with, or how far it is, to be looked at."""
        path = self.path(f"{self.name}-part" if part else self.name)
        torch.save(self.model.state_dict(), f"{path}.new")
        os.replace(f"{path}.new", path)

    def log(self, **told: Any) -> None:
        rounded = {key: round(value, 4) if isinstance(value, float) else value for key, value in told.items()}
        print(json.dumps({"stage": self.name, "seconds": round(time.time() - self.started), **rounded}), flush=True)

    def train(self, frozen: tuple[str, ...], more: tuple[nn.Parameter, ...] = ()) -> None:
        """Names what is trained: everything but parameters whose names begin so, and `more`."""
        parameters: list[tuple[str, Tensor]] = []
        for name, parameter in self.model.named_parameters():
            parameter.requires_grad_(not name.startswith(frozen))
            if parameter.requires_grad:
                parameters.append((name, parameter))
        matrices = [parameter for name, parameter in parameters if parameter.ndim == 2 and "embed" not in name]
        chosen = {id(parameter) for parameter in matrices}
        rest = [parameter for _, parameter in parameters if id(parameter) not in chosen]
        self.trained = [*matrices, *rest, *more]
        adam = torch.optim.AdamW([*rest, *more], lr=0.0, betas=(0.9, 0.98), weight_decay=0.0, fused=True)
        self.optimizers = [Muon(matrices, lr=0.0), adam]

    def step(self, number: int, loss: Tensor) -> None:
        share = number / self.steps
        level = min(1.0, share / 0.01 + 0.02) * min(1.0, (1 - share) / self.stage.decay + 0.02)
        for optimizer in self.optimizers:
            for group in optimizer.param_groups:
                group["lr"] = self.stage.rate * level * (2 if isinstance(optimizer, Muon) else 1)
        loss.backward()
        nn.utils.clip_grad_norm_([parameter for parameter in self.trained if parameter.grad is not None], 1.0)
        for optimizer in self.optimizers:
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)

    def token_loss(self, batch: inputs.Batch, seen: Tensor, deepstack: list[Tensor]) -> tuple[Tensor, Tensor]:
        """Cross-entropy of the answers' tokens, and their logits [B, A, V]."""
        cos, sin = self.reader.turns(batch.positions)
        run = self.compiled if self.options.compile else self.logits
        logits = run(batch.ids, cos, sin, batch.places, seen, deepstack, batch.reads)
        loss = F.cross_entropy(logits.flatten(0, 1), batch.targets.flatten(), ignore_index=inputs.IGNORED)
        return loss, logits

    def logits(self, ids: Tensor, cos: Tensor, sin: Tensor, places: Tensor, seen: Tensor, deepstack: list[Tensor], reads: Tensor) -> Tensor:
        with torch.autocast("cpu", torch.bfloat16):
            hidden = self.reader(ids, cos, sin, places, seen, deepstack)
            read = hidden.gather(1, reads[:, :, None].expand(-1, -1, hidden.shape[-1]))
            return F.linear(read, self.reader.embeddings).float()

    @property
    def compiled(self) -> Callable[..., Tensor]:
        if not hasattr(self, "_compiled"):
            self._compiled = torch.compile(self.logits, dynamic=False)
        return self._compiled

    @torch.no_grad()
    def see(self, pictures: inputs.Pictures, clips: list[inputs.Clip]) -> tuple[Tensor, list[Tensor]]:
        looks = np.array([clip["strips"][i : i + 3] for clip in clips for i in (0, 3, 6, 9)])
        with torch.autocast("cpu", torch.bfloat16):
            merged, deepstack = self.eyes(pictures.frames(looks))
        return merged.flatten(0, 1), [level.flatten(0, 1) for level in deepstack]


# The stages


def strips(training: Training) -> None:
    pictures = inputs.Pictures(training.options.examples, training.options.seed)
    words, labels = _labels(training.tokenizer, pictures.looks)
    bias = nn.Parameter(torch.full((3, len(words)), -4.0))
    gain = nn.Parameter(torch.ones(3))
    training.train(("model.language_model.layers", "model.language_model.norm"), (bias, gain))
    by_kind: dict[str, list[int]] = {}
    for look, described in enumerate(pictures.looks):
        by_kind.setdefault(described["kind"], []).append(look)

    def draw() -> tuple[np.ndarray, Tensor, list[Tensor]]:
        kinds = list(by_kind)
        looks = np.array([[training.rng.choice(by_kind[training.rng.choice(kinds)]) for _ in range(3)] for _ in range(training.stage.rows)])
        with torch.autocast("cpu", torch.bfloat16):
            merged, deepstack = training.eyes(pictures.frames(looks))
            rows = training.reader.embeddings[words]
            logits = [F.linear(level, rows) * gain[i] + bias[i] for i, level in enumerate((merged, *deepstack))]
        wanted = labels[torch.from_numpy(looks)].repeat_interleave(network.STRIP_TOKENS, 1)
        return looks, wanted, [level.float() for level in logits]

    for step in range(training.steps):
        _, wanted, logits = draw()
        losses = [F.binary_cross_entropy_with_logits(level, wanted, reduction="sum") / wanted[..., 0].numel() for level in logits]
        training.step(step, losses[0] + 0.3 * (losses[1] + losses[2]))
        if (step + 1) % 100 == 0:
            right: dict[str, list[float]] = {}
            with torch.no_grad():
                for _ in range(4):
                    looks, wanted, logits = draw()
                    exact = ((logits[0] > 0) == (wanted > 0)).all(-1).view(-1, 3, network.STRIP_TOKENS).float().mean(-1)
                    for look, share in zip(looks.flatten(), exact.flatten().tolist()):
                        right.setdefault(pictures.looks[look]["kind"], []).append(share)
            shares = {kind: sum(some) / len(some) for kind, some in right.items()}
            training.log(step=step + 1, loss=losses[0].item(), **shares)
            training.save(part=True)
    _scale_pictures(training, pictures, by_kind)
    training.save()


def _labels(tokenizer: Any, looks: list[dict[str, Any]]) -> tuple[Tensor, Tensor]:
    """Tokens that some strip shows, and for each look which of them [looks, words], as 0 and 1."""

    def ids_of(look: dict[str, Any]) -> list[int]:
        if look["kind"] == "empty":
            return [tokenizer.convert_tokens_to_ids("<|vision_pad|>")]
        first = inputs.FIRST[look["kind"]]
        texts = [first, f" {first}"]
        for word in look["words"]:
            hour, colon, minute = word.partition(":")
            texts += [f" shows {hour}:", minute] if colon else [f" {word}"]
        return [tokenizer.encode(text, add_special_tokens=False)[0] for text in texts]

    shown = [ids_of(look) for look in looks]
    words = sorted({id_ for ids in shown for id_ in ids})
    labels = torch.zeros(len(looks), len(words))
    for look, ids in enumerate(shown):
        labels[look, [words.index(id_) for id_ in ids]] = 1
    return torch.tensor(words), labels


@torch.no_grad()
def _scale_pictures(training: Training, pictures: inputs.Pictures, by_kind: dict[str, list[int]]) -> None:
    """Brings the mergers' outputs to about the size of word embeddings: a sum with a word must not be all picture."""
    looks = np.array([[training.rng.choice(some) for some in by_kind.values()][:3] for _ in range(64)])
    merged, deepstack = training.eyes(pictures.frames(looks).float())
    word = training.reader.embeddings.norm(dim=-1).mean()
    tower = training.model.model.visual
    for merger, output, wanted in [(tower.merger, merged, 1.5), *((m, level, 1.0) for m, level in zip(tower.deepstack_merger_list, deepstack))]:
        factor = wanted * word / output.norm(dim=-1).mean()
        merger.linear_fc2.weight.mul_(factor)
        merger.linear_fc2.bias.mul_(factor)


def speech(training: Training) -> None:
    """Ends when hours are right. Joined tokens begin near their words, or no line is looked up by them; other words stay as the tower knows them."""
    tokenizer, words = training.tokenizer, training.prompts.language["words"]
    weight = training.model.model.language_model.embed_tokens.weight
    joined = {f"{start}{word}": f" {word}" for start, name in tokens.SPOKEN for word in words[name]}
    moving = torch.zeros(len(weight), 1)
    with torch.no_grad():
        for token, word in joined.items():
            id_, near = tokenizer.convert_tokens_to_ids(token), training.prompts.ids(word)[0]
            weight[id_] = 0.8 * weight[near] + 0.6 * weight[id_]
            moving[id_] = 1
    training.train(("model.visual",))
    weight.register_hook(lambda gradient: gradient * moving)
    drawn = inputs.speech_rows(training.rng, training.prompts)
    hours = torch.tensor(tokenizer.convert_tokens_to_ids([token for token in joined if token.startswith(" is at")]))
    nothing = torch.zeros(0, network.WIDTH)
    losses, right = [], []
    for step in range(training.steps):
        rows = list(islice(drawn, training.stage.rows))
        batch = training.prompts.batch(rows, max(len(row.prompt) + len(row.answer) for row in rows), 32)
        loss, logits = training.token_loss(batch, nothing, [])
        training.step(step, loss)
        told = torch.isin(batch.targets, hours)
        losses.append(loss.item())
        right.append((logits.argmax(-1) == batch.targets)[told].float().mean().item())
        if (step + 1) % 25 == 0:
            share = sum(right) / len(right)
            training.log(step=step + 1, loss=sum(losses) / len(losses), hours=share)
            if step + 1 > training.steps / 2 and share > 0.995:
                break
            losses, right = [], []
    training.save()


def captions(training: Training) -> None:
    clips = inputs.lines_of(f"{training.options.examples}/captions.jsonl")
    _tell(training, inputs.caption_rows(training.rng, training.prompts, clips), CAPTION_LENGTH, "captions")


def memories(training: Training) -> None:
    """Captions go on beside: what was bound stays so."""
    clips = inputs.lines_of(f"{training.options.examples}/memories.jsonl")
    lists = inputs.lines_of(f"{training.options.examples}/captions.jsonl")
    asked = inputs.memory_rows(training.rng, training.prompts, clips)
    told = inputs.caption_rows(training.rng, training.prompts, lists, start=len(lists) // 2)

    def mixed() -> Iterator[tuple[inputs.Row, inputs.Clip]]:
        while True:
            yield next(told if training.rng.random() < 0.5 else asked)

    _tell(training, mixed(), MEMORY_LENGTH, "memories")


def lists(training: Training) -> None:
    """A memory tells two of six facts, and few of them are speech; a list tells all, among lines from before the clip."""
    clips = inputs.lines_of(f"{training.options.examples}/memories.jsonl")
    training.rng.shuffle(clips)
    asked = inputs.memory_rows(training.rng, training.prompts, clips)
    listed = inputs.list_rows(training.rng, training.prompts, clips)

    def mixed() -> Iterator[tuple[inputs.Row, inputs.Clip]]:
        while True:
            yield next(listed if training.rng.random() < 0.5 else asked)

    _tell(training, mixed(), MEMORY_LENGTH, "memories")


def _tell(training: Training, drawn: Iterator[tuple[inputs.Row, inputs.Clip]], length: int, form: str) -> None:
    """Trains all but the tower. Eight batches are drawn together and go by length, which saves padding."""
    training.train(("model.visual",))
    pictures = inputs.Pictures(training.options.examples, training.options.seed)
    watched = measure.measured_clips(training.options.examples, "validation", training.options.watch)
    measure.check(training.model, training.prompts, training.eyes, training.reader, watched[:3])
    losses, step = [], 0

    def batches() -> Iterator[list[tuple[inputs.Row, inputs.Clip]]]:
        fitting = (one for one in drawn if len(one[0].prompt) + len(one[0].answer) <= length and len(one[0].answer) <= ANSWER_LENGTH)
        while True:
            pool = list(islice(fitting, 8 * training.stage.rows))
            if not training.options.compile:
                pool.sort(key=lambda one: len(one[0].prompt) + len(one[0].answer))
            parts = [pool[i : i + training.stage.rows] for i in range(0, len(pool), training.stage.rows)]
            training.rng.shuffle(parts)
            yield from parts

    for step, part in zip(range(training.steps), batches()):
        rows = [row for row, _ in part]
        longest = length if training.options.compile else max(len(row.prompt) + len(row.answer) for row in rows)
        batch = training.prompts.batch(rows, longest, ANSWER_LENGTH)
        loss, _ = training.token_loss(batch, *training.see(pictures, [clip for _, clip in part]))
        training.step(step, loss)
        losses.append(loss.item())
        if (step + 1) % LOG_EVERY == 0:
            training.log(step=step + 1, loss=sum(losses) / len(losses))
            losses = []
        if (step + 1) % training.options.watch_every == 0:
            training.save(part=True)
            training.log(step=step + 1, temperature=0.7, **measure.figures(training.model, training.prompts, watched, form, 0.7))
    training.save()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("stage", choices=STAGES)
    parser.add_argument("--examples", required=True)
    parser.add_argument("--tokenizer", required=True)
    parser.add_argument("--folder", required=True)
    parser.add_argument("--steps", type=int, help="instead of the recipe's")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--compile", action="store_true", help="quicker for captions, after a minute of compiling")
    parser.add_argument("--watch", type=int, default=64, help="validation clips that are looked at while training")
    parser.add_argument("--watch-every", type=int, default=250)
    options = parser.parse_args()
    training = Training(options.stage, options)
    training.log(steps=training.steps, parameters=sum(p.numel() for p in training.model.parameters()))
    stages = {"strips": strips, "speech": speech, "captions": captions, "memories": memories, "lists": lists}
    stages[options.stage](training)


if __name__ == "__main__":
    main()

"""What both trainings of `scripts/line-answers` share: the invented talk, the encoder `meaning`, and its low-rank updates."""

from __future__ import annotations

import argparse
import json
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors.torch import load_file
from tokenizers import BertWordPieceTokenizer
from torch import Tensor, nn
from transformers import BertConfig, BertModel

RANK, SCALE = 16, 2.0
MOST_TOKENS = 128
"""Of a text whose vector is wanted."""


@dataclass(frozen=True)
class Talk:
    lines: list[str]
    questions: list[tuple[str, list[int]]]
    """A question, and the places of the lines that answer it."""

    def around(self, at: int, before: int, after: int) -> tuple[list[str], list[str]]:
        return self.lines[max(0, at - before) : at], self.lines[at + 1 : at + 1 + after]

    def wide(self, at: int) -> str:
        """A line with those around it that a memory takes into its vector (`src/memory/surroundings.ts`)."""
        before, after = self.around(at, 3, 2)
        return " ".join([*before, self.lines[at], *after])


def read_talk(folder: Path) -> list[Talk]:
    """`== topic`, numbered lines, and `? question | numbers` or `| -`."""
    found: list[Talk] = []
    for path in sorted(folder.glob("*.txt")):
        for row in filter(None, path.read_text("utf8").splitlines()):
            if row.startswith("=="):
                found.append(Talk([], []))
            elif row.startswith("?"):
                question, answers = row[1:].rsplit("|", 1)
                places = [int(number) - 1 for number in re.findall(r"\d+", answers)]
                found[-1].questions.append((question.strip().rstrip("?") + "?", places))
            else:
                found[-1].lines.append(re.sub(r"^\d+\s+", "", row))
    return found


class Tokens:
    """The encoder's words."""

    def __init__(self, folder: Path) -> None:
        self.words = BertWordPieceTokenizer(str(folder / "vocab.txt"), lowercase=True)
        self.begin, self.end = (self.words.token_to_id(mark) for mark in ("[CLS]", "[SEP]"))

    def inner(self, text: str) -> list[int]:
        return self.words.encode(text, add_special_tokens=False).ids

    def whole(self, text: str) -> list[int]:
        return [self.begin, *self.inner(text)[: MOST_TOKENS - 2], self.end]


def encoder_of(folder: Path, adapter: Path | None = None) -> BertModel:
    """The encoder, with an adapter's updates added to its matrices."""
    config = BertConfig(**json.loads((folder / "config.json").read_text()))
    config.hidden_dropout_prob = config.attention_probs_dropout_prob = 0.0
    config._attn_implementation = "eager"
    encoder = BertModel(config, add_pooling_layer=False)
    weights = load_file(str(folder / "model.safetensors"))
    parts = load_file(str(adapter)) if adapter else {}
    for name in (part[: -len(".a")] for part in parts if part.endswith(".a")):
        weights[f"{name}.weight"] = weights[f"{name}.weight"] + parts[f"{name}.b"].float() @ parts[f"{name}.a"].float()
    encoder.load_state_dict(weights, strict=False)
    return encoder


class LowRank(nn.Module):
    """A linear layer and an update of it, of which only the update is trained (Hu et al. 2021)."""

    def __init__(self, layer: nn.Linear, rank: int) -> None:
        super().__init__()
        self.layer = layer
        self.a = nn.Parameter(torch.randn(rank, layer.in_features) / math.sqrt(layer.in_features))
        self.b = nn.Parameter(torch.zeros(layer.out_features, rank))

    def forward(self, x: Tensor) -> Tensor:
        return self.layer(x) + SCALE * F.linear(F.linear(x, self.a), self.b)


def with_updates(encoder: BertModel, rank: int = RANK) -> BertModel:
    """The encoder with an update of every matrix, of which alone it learns."""
    for parameter in encoder.parameters():
        parameter.requires_grad = False
    for module in list(encoder.modules()):
        for name, layer in list(module.named_children()):
            if isinstance(layer, nn.Linear):
                setattr(module, name, LowRank(layer, rank))
    return encoder


def updates(encoder: BertModel, rank: int, share: float = 1.0) -> Iterator[tuple[str, Tensor]]:
    """The updates as the engine reads them: a share of them at a lower rank, by their singular values, the scale in `b`."""
    for name, module in encoder.named_modules():
        if not isinstance(module, LowRank):
            continue
        u, s, v = torch.linalg.svd(share * SCALE * module.b @ module.a, full_matrices=False)
        root = s[:rank].sqrt()
        yield f"{name}.a", (root[:, None] * v[:rank]).detach().bfloat16().contiguous()
        yield f"{name}.b", (u[:, :rank] * root).detach().bfloat16().contiguous()


def padded(rows: list[list[int]]) -> tuple[Tensor, Tensor]:
    """Rows as one matrix [N, longest], and where it holds them."""
    length = max(map(len, rows))
    ids, held = (torch.zeros(len(rows), length, dtype=torch.long) for _ in range(2))
    for at, row in enumerate(rows):
        ids[at, : len(row)] = torch.tensor(row)
        held[at, : len(row)] = 1
    return ids, held


def vectors(encoder: BertModel, rows: list[list[int]], at_once: int = 48) -> Tensor:
    """Unit vectors of texts as tokens, [N, width]: the mean of their states. Texts of one length are read together."""
    order = sorted(range(len(rows)), key=lambda i: len(rows[i]))
    found = []
    for first in range(0, len(order), at_once):
        ids, held = padded([rows[i] for i in order[first : first + at_once]])
        with torch.autocast("cpu", torch.bfloat16):
            states = encoder(input_ids=ids, attention_mask=held).last_hidden_state
        weight = held.unsqueeze(-1)
        found.append(F.normalize((states.float() * weight).sum(1) / weight.sum(1), dim=-1))
    return torch.cat(found)[torch.tensor(order).argsort()]


def options(doc: str, epochs: float) -> argparse.ArgumentParser:
    """What both scripts are told."""
    parser = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--encoder", type=Path, required=True, help="folder of the encoder `meaning`")
    parser.add_argument("--talk", type=Path, default=Path(__file__).parent / "talk")
    parser.add_argument("--held-out", type=Path, default=Path(__file__).parent / "held-out")
    task = parser.add_mutually_exclusive_group(required=True)
    task.add_argument("--to", type=Path, help="where the adapter is written")
    task.add_argument("--measure", type=Path, help="an adapter to measure on the talk that is held out")
    parser.add_argument("--epochs", type=float, default=epochs)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--talks", type=int, help="only so many, to try it")
    return parser


class Descent:
    """AdamW over a number of steps, its rate warmed up and then lowered in a line."""

    def __init__(self, module: nn.Module, rate: float, steps: int, warm: int) -> None:
        self.trained = [parameter for parameter in module.parameters() if parameter.requires_grad]
        self.optimizer = torch.optim.AdamW(self.trained, lr=rate, weight_decay=0.01)
        self.schedule = torch.optim.lr_scheduler.LambdaLR(
            self.optimizer, lambda step: min(1, (step + 1) / warm) * max(0.02, 1 - step / steps)
        )

    def step(self, loss: Tensor) -> None:
        self.optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.trained, 1.0)
        self.optimizer.step()
        self.schedule.step()

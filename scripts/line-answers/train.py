"""Trains the adapter that scores lines as answers: `weights/line-answers.safetensors`.

    pip install torch==2.13.0 transformers tokenizers safetensors
    taskmem models pull meaning
    python train.py --encoder ~/.cache/taskmem/models/meaning --to line-answers.safetensors [--epochs 2.5] [--seed 0]
    python train.py --encoder ~/.cache/taskmem/models/meaning --measure ../../weights/line-answers.safetensors

Reads `talk/`: invented talk with questions, those that its lines answer and those that none does. A question and a line are
read together as `src/engines/meaning/line-answers.ts` puts them. Beside the line that answers stand lines of the same talk
that the encoder finds near, one of another talk, and 0 for "none of these"; the loss is that of choosing. What the encoder
alone finds near is a part of the score, as in `src/answer/line-scores.ts`, so that the adapter learns the rest. Low-rank
updates of all matrices are trained (Hu et al. 2021) and kept at half their rank by their singular values. Some lines
are read with nothing around them. `--begin-with` trains an adapter further. `held-out/` is talk to measure one on. 25,000
questions take an hour an epoch with two threads.
"""

from __future__ import annotations

import argparse
import json
import math
import random
import re
from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors.torch import load_file, save_file
from tokenizers import BertWordPieceTokenizer
from torch import Tensor, nn
from transformers import BertConfig, BertModel

MOST = {"question": 40, "line": 40, "before": 36, "after": 14}
LINES_BEFORE, LINES_AFTER = 3, 1
RANK, KEPT_RANK, SCALE = 16, 8, 2.0
RATE, QUESTIONS_A_STEP = 8e-4, 8
NEARNESS = {"weight": 10.0, "usual": 0.4}
ALONE = 0.12
"""Share of questions whose lines are read with nothing around them, as notes that stand alone are."""


@dataclass(frozen=True)
class Talk:
    lines: list[str]
    questions: list[tuple[str, list[int]]]
    """A question, and the places of the lines that answer it."""

    def around(self, at: int, before: int, after: int) -> tuple[list[str], list[str]]:
        return self.lines[max(0, at - before) : at], self.lines[at + 1 : at + 1 + after]


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


@dataclass(frozen=True)
class Pair:
    """A question and a line, as tokens; `kinds` is 1 in the line."""

    ids: list[int]
    kinds: list[int]
    cosine: float


class LowRank(nn.Module):
    """A linear layer and an update of it, of which only the update is trained."""

    def __init__(self, layer: nn.Linear, rank: int) -> None:
        super().__init__()
        self.layer = layer
        self.a = nn.Parameter(torch.randn(rank, layer.in_features) / math.sqrt(layer.in_features))
        self.b = nn.Parameter(torch.zeros(layer.out_features, rank))

    def forward(self, x: Tensor) -> Tensor:
        return self.layer(x) + SCALE * F.linear(F.linear(x, self.a), self.b)


class Reader(nn.Module):
    """Scores pairs of a question and a line."""

    def __init__(self, encoder: BertModel, rank: int = RANK) -> None:
        super().__init__()
        for parameter in encoder.parameters():
            parameter.requires_grad = False
        for module in list(encoder.modules()):
            for name, layer in list(module.named_children()):
                if isinstance(layer, nn.Linear):
                    setattr(module, name, LowRank(layer, rank))
        self.encoder = encoder
        self.head = nn.Linear(2 * encoder.config.hidden_size, 1)
        nn.init.zeros_(self.head.weight)
        nn.init.zeros_(self.head.bias)

    def forward(self, pairs: list[Pair]) -> Tensor:
        """Scores of pairs, [N]; short ones are read apart, because all are as long as the longest."""
        order = sorted(range(len(pairs)), key=lambda i: len(pairs[i].ids))
        halves = [order[: len(order) // 2], order[len(order) // 2 :]]
        logits = torch.cat([self.logits([pairs[i] for i in half]) for half in halves if half])
        place = torch.tensor(order).argsort()
        nearness = torch.tensor([pair.cosine for pair in pairs]) - NEARNESS["usual"]
        return logits[place] + NEARNESS["weight"] * nearness

    def logits(self, pairs: list[Pair]) -> Tensor:
        ids, kinds, held = padded([(pair.ids, pair.kinds) for pair in pairs])
        with torch.autocast("cpu", torch.bfloat16):
            states = self.encoder(input_ids=ids, attention_mask=held, token_type_ids=kinds).last_hidden_state
        states = states.float()
        of_line = kinds.unsqueeze(-1).float()
        line = (states * of_line).sum(1) / of_line.sum(1)
        return self.head(torch.cat([states[:, 0], line], -1)).squeeze(-1)


def padded(pairs: list[tuple[list[int], list[int]]]) -> tuple[Tensor, Tensor, Tensor]:
    length = max(len(ids) for ids, _ in pairs)
    ids, kinds, held = (torch.zeros(len(pairs), length, dtype=torch.long) for _ in range(3))
    for row, (own, kind) in enumerate(pairs):
        ids[row, : len(own)] = torch.tensor(own)
        kinds[row, : len(own)] = torch.tensor(kind)
        held[row, : len(own)] = 1
    return ids, kinds, held


@dataclass(frozen=True)
class Near:
    """What the encoder finds near a question, the nearest first."""

    apart: list[int]
    """Places of its own talk that do not answer."""
    others: list[tuple[int, int]]
    """Lines of other talks."""
    is_first: bool
    """Whether the nearest line of its own talk answers."""


class Material:
    """Questions with the lines that are put beside their answers."""

    def __init__(self, folder: Path, talks: list[Talk]) -> None:
        self.tokenizer = BertWordPieceTokenizer(str(folder / "vocab.txt"), lowercase=True)
        self.begin, self.end = (self.tokenizer.token_to_id(mark) for mark in ("[CLS]", "[SEP]"))
        self.talks = talks
        self.questions = [(t, *asked) for t, talk in enumerate(talks) for asked in talk.questions]
        self.near = self._near(encoder_of(folder).eval())

    def _near(self, encoder: BertModel) -> list[Near]:
        places = [(t, at) for t, talk in enumerate(self.talks) for at in range(len(talk.lines))]
        self.alone = self._vectors(encoder, [self.talks[t].lines[at] for t, at in places])
        self.row = {place: row for row, place in enumerate(places)}
        wide = []
        for t, at in places:
            before, after = self.talks[t].around(at, 3, 2)
            wide.append("\n".join([*before, self.talks[t].lines[at], *after]))
        self.vectors = F.normalize(self.alone + self._vectors(encoder, wide), dim=-1)
        self.asked = self._vectors(encoder, [question for _, question, _ in self.questions])
        found = []
        for (t, _, answers), vector in zip(self.questions, self.asked):
            cosines = self.vectors @ vector
            first = self.row[t, 0]
            talk = slice(first, first + len(self.talks[t].lines))
            own = cosines[talk].argsort(descending=True)[:12].tolist()
            cosines[talk] = -1
            others = cosines.topk(20).indices.tolist()
            apart = [at for at in own if at not in answers]
            found.append(Near(apart, [places[i] for i in others], own[0] in answers))
        return found

    def _vectors(self, encoder: BertModel, texts: list[str]) -> Tensor:
        ids = [[self.begin, *self._ids(text)[:126], self.end] for text in texts]
        order = sorted(range(len(ids)), key=lambda i: len(ids[i]))
        found = torch.zeros(len(ids), encoder.config.hidden_size)
        for first in range(0, len(order), 64):
            rows = order[first : first + 64]
            tokens, _, held = padded([(ids[i], [0] * len(ids[i])) for i in rows])
            with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
                states = encoder(input_ids=tokens, attention_mask=held).last_hidden_state
            weight = held.unsqueeze(-1)
            found[rows] = F.normalize(((states.float() * weight).sum(1) / weight.sum(1)), dim=-1)
        return found

    def _ids(self, text: str) -> list[int]:
        return self.tokenizer.encode(text, add_special_tokens=False).ids

    def pair(self, index: int, t: int, at: int, alone: bool = False) -> Pair:
        before, after = ([], []) if alone else self.talks[t].around(at, LINES_BEFORE, LINES_AFTER)
        asked = self._ids(self.questions[index][1])[: MOST["question"]]
        line = self._ids(self.talks[t].lines[at])[: MOST["line"]]
        begun = [self.begin, *asked, self.end]
        wide = [*self._ids("\n".join(before))[-MOST["before"] :], self.end]
        wide += [*self._ids("\n".join(after))[: MOST["after"]], self.end]
        kinds = [0] * len(begun) + [1] * (len(line) + 1) + [0] * len(wide)
        vectors = self.alone if alone else self.vectors
        cosine = float(vectors[self.row[t, at]] @ self.asked[index])
        return Pair([*begun, *line, self.end, *wide], kinds, cosine)

    def group(self, index: int, chance: random.Random) -> tuple[list[Pair], int]:
        """Pairs of a question, those that answer first, and how many do."""
        t, _, answers = self.questions[index]
        apart, others = self.near[index].apart, self.near[index].others
        right = [chance.choice(answers)] if answers else []
        wrong = [(t, at) for at in chance.sample(apart[:6], min(2, len(apart))) + chance.sample(apart, min(1, len(apart)))]
        wrong.append(chance.choice(others))
        anywhere = chance.randrange(len(self.talks[t].lines))
        if anywhere not in answers:
            wrong.append((t, anywhere))
        alone = chance.random() < ALONE
        return [self.pair(index, *one, alone) for one in [*((t, at) for at in right), *wrong]], len(right)

    def whole(self, index: int) -> tuple[list[Pair], int]:
        """All lines that are near a question, those that answer first."""
        t, _, answers = self.questions[index]
        apart, others = self.near[index].apart, self.near[index].others
        lines = [*((t, at) for at in answers), *((t, at) for at in apart), *others[:10]]
        return [self.pair(index, *one) for one in lines], len(answers)


def loss_of(scores: Tensor, right: int) -> Tensor:
    """Of choosing a line that answers, or none where none does."""
    choices = torch.cat([scores, scores.new_zeros(1)])
    wanted = torch.logsumexp(scores[:right], 0) if right else choices[-1]
    return torch.logsumexp(choices, 0) - wanted


def measure(reader: Reader, material: Material) -> dict[str, float]:
    """Shares of the answered questions whose best line answers, and of both kinds for which a line beats "none of these"."""
    first, answered, invented = [], [], []
    for index in range(len(material.questions)):
        pairs, right = material.whole(index)
        with torch.no_grad():
            scores = reader(pairs)
        if right:
            first.append(int(scores.argmax()) < right)
            answered.append(float(scores.max()) > 0)
        else:
            invented.append(float(scores.max()) > 0)
    near = [own.is_first for own, (_, _, answers) in zip(material.near, material.questions) if answers]
    return {
        "questions": len(material.questions),
        "first": share(first),
        "firstByCosine": share(near),
        "answered": share(answered),
        "invented": share(invented),
    }


def share(of: list[float] | list[bool]) -> float:
    return round(sum(of) / max(1, len(of)), 3)


def shipped(folder: Path, adapter: Path, rank: int = KEPT_RANK) -> Reader:
    """A reader of a file that `kept` made; of a higher rank, the same with room to learn."""
    parts = {name: part.float() for name, part in load_file(str(adapter)).items()}
    reader = Reader(encoder_of(folder), rank)
    own = reader.state_dict()
    own["head.weight"] = torch.cat([parts["head.first"], parts["head.line"]])[None]
    own["head.bias"] = parts["head.bias"]
    for name, part in parts.items():
        if name.endswith(".a"):
            own[f"encoder.{name}"][:KEPT_RANK] = part
        if name.endswith(".b"):
            own[f"encoder.{name}"][:, :KEPT_RANK] = part / SCALE
    reader.load_state_dict(own)
    return reader


def encoder_of(folder: Path) -> BertModel:
    config = BertConfig(**json.loads((folder / "config.json").read_text()))
    config.hidden_dropout_prob = config.attention_probs_dropout_prob = 0.0
    config._attn_implementation = "eager"
    encoder = BertModel(config, add_pooling_layer=False)
    encoder.load_state_dict(load_file(str(folder / "model.safetensors")), strict=False)
    return encoder


def kept(reader: Reader) -> dict[str, Tensor]:
    """The update as the engine reads it: at `KEPT_RANK`, the scale in `b`."""
    width = reader.encoder.config.hidden_size
    parts = {
        "head.first": reader.head.weight[0, :width],
        "head.line": reader.head.weight[0, width:],
        "head.bias": reader.head.bias,
    }
    for name, module in reader.encoder.named_modules():
        if not isinstance(module, LowRank):
            continue
        u, s, v = torch.linalg.svd(SCALE * module.b @ module.a, full_matrices=False)
        root = s[:KEPT_RANK].sqrt()
        parts[f"{name}.a"] = root[:, None] * v[:KEPT_RANK]
        parts[f"{name}.b"] = u[:, :KEPT_RANK] * root
    return {name: part.detach().bfloat16().contiguous() for name, part in parts.items()}


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--encoder", type=Path, required=True, help="folder of the encoder `meaning`")
    options.add_argument("--talk", type=Path, default=Path(__file__).parent / "talk")
    options.add_argument("--held-out", type=Path, default=Path(__file__).parent / "held-out")
    options.add_argument("--to", type=Path, help="where the adapter is written")
    options.add_argument("--measure", type=Path, help="an adapter to measure on the talk that is held out")
    options.add_argument("--begin-with", type=Path, help="an adapter to train further, with other talk")
    options.add_argument("--rate", type=float, default=RATE)
    options.add_argument("--epochs", type=float, default=2.5)
    options.add_argument("--seed", type=int, default=0)
    options.add_argument("--talks", type=int, help="only so many, to try it")
    given = options.parse_args()
    if (given.to is None) == (given.measure is None):
        options.error("one of --to and --measure is needed")
    torch.manual_seed(given.seed)
    chance = random.Random(given.seed)
    if given.measure:
        held_out = Material(given.encoder, read_talk(given.held_out))
        print(json.dumps(measure(shipped(given.encoder, given.measure), held_out)), flush=True)
        return
    material = Material(given.encoder, read_talk(given.talk)[: given.talks])
    taught = range(len(material.questions))
    begun = given.begin_with
    reader = shipped(given.encoder, begun, RANK) if begun else Reader(encoder_of(given.encoder))
    trained = [parameter for parameter in reader.parameters() if parameter.requires_grad]
    steps = max(1, int(len(taught) * given.epochs / QUESTIONS_A_STEP))
    optimizer = torch.optim.AdamW(trained, lr=given.rate, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: min(1, (step + 1) / 50) * max(0.02, 1 - step / steps)
    )
    order: list[int] = []
    for step in range(steps):
        if len(order) < QUESTIONS_A_STEP:
            order += chance.sample(taught, len(taught))
        groups = [material.group(order.pop(0), chance) for _ in range(min(QUESTIONS_A_STEP, len(order)))]
        scores = reader([pair for pairs, _ in groups for pair in pairs]).split([len(pairs) for pairs, _ in groups])
        loss = torch.stack([loss_of(own, right) for own, (_, right) in zip(scores, groups)]).mean()
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(trained, 1.0)
        optimizer.step()
        schedule.step()
        if step % 100 == 99:
            print(json.dumps({"step": step + 1, "of": steps, "loss": round(loss.item(), 3)}), flush=True)
    save_file(kept(reader), str(given.to))


if __name__ == "__main__":
    main()

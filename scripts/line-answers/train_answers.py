"""Trains the adapter that scores lines as answers: `weights/line-answers.safetensors`.

    pip install torch==2.13.0 transformers tokenizers safetensors
    taskmem models pull meaning
    python train_answers.py --encoder ~/.cache/taskmem/models/meaning --to line-answers.safetensors [--epochs 2.5] [--seed 0]
    python train_answers.py --encoder ~/.cache/taskmem/models/meaning --measure ../../weights/line-answers.safetensors

Reads `talk/`: invented talk with questions, those that its lines answer and those that none does. A question and a line are
read together as `src/engines/meaning/line-answers.ts` puts them. Beside the line that answers stand lines of the same talk
that the encoder finds near, one of another talk, and 0 for "none of these"; the loss is that of choosing. How near the encoder
finds a line is a part of the score, as in `src/answer/line-scores.ts`, so that the adapter learns the rest; by the encoder
alone, because with the adapter of `train_vectors.py` it knows this talk too well. Low-rank updates of all matrices are trained and
kept at half their rank. Some lines are read with nothing around them. `--begin-with` trains an adapter further. `held-out/` is
talk to measure one on. 25,000 questions take an hour an epoch with two threads.
"""

from __future__ import annotations

import json
import random
from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from lines import RANK, SCALE, Descent, Talk, Tokens, encoder_of, options, padded, read_talk, updates, vectors, with_updates
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from transformers import BertModel

MOST = {"question": 40, "line": 40, "before": 36, "after": 14}
LINES_BEFORE, LINES_AFTER = 3, 1
KEPT_RANK = 8
RATE, QUESTIONS_A_STEP = 8e-4, 8
NEARNESS = {"weight": 10.0, "usual": 0.4}
ALONE = 0.12
"""Share of questions whose lines are read with nothing around them, as notes that stand alone are."""


@dataclass(frozen=True)
class Pair:
    """A question and a line, as tokens; `kinds` is 1 in the line."""

    ids: list[int]
    kinds: list[int]
    cosine: float


class Reader(nn.Module):
    """Scores pairs of a question and a line."""

    def __init__(self, encoder: BertModel, rank: int = RANK) -> None:
        super().__init__()
        self.encoder = with_updates(encoder, rank)
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
        ids, held = padded([pair.ids for pair in pairs])
        kinds, _ = padded([pair.kinds for pair in pairs])
        with torch.autocast("cpu", torch.bfloat16):
            states = self.encoder(input_ids=ids, attention_mask=held, token_type_ids=kinds).last_hidden_state
        states = states.float()
        of_line = kinds.unsqueeze(-1).float()
        line = (states * of_line).sum(1) / of_line.sum(1)
        return self.head(torch.cat([states[:, 0], line], -1)).squeeze(-1)


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
        self.tokens = Tokens(folder)
        self.talks = talks
        self.questions = [(t, *asked) for t, talk in enumerate(talks) for asked in talk.questions]
        with torch.no_grad():
            self.near = self._near(encoder_of(folder).eval())

    def _near(self, encoder: BertModel) -> list[Near]:
        places = [(t, at) for t, talk in enumerate(self.talks) for at in range(len(talk.lines))]
        whole = self.tokens.whole
        self.alone = vectors(encoder, [whole(self.talks[t].lines[at]) for t, at in places])
        self.row = {place: row for row, place in enumerate(places)}
        around = vectors(encoder, [whole(self.talks[t].wide(at)) for t, at in places])
        self.vectors = F.normalize(self.alone + around, dim=-1)
        self.asked = vectors(encoder, [whole(question) for _, question, _ in self.questions])
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

    def pair(self, index: int, t: int, at: int, alone: bool = False) -> Pair:
        before, after = ([], []) if alone else self.talks[t].around(at, LINES_BEFORE, LINES_AFTER)
        asked = self.tokens.inner(self.questions[index][1])[: MOST["question"]]
        line = self.tokens.inner(self.talks[t].lines[at])[: MOST["line"]]
        begin, end = self.tokens.begin, self.tokens.end
        begun = [begin, *asked, end]
        wide = [*self.tokens.inner(" ".join(before))[-MOST["before"] :], end]
        wide += [*self.tokens.inner(" ".join(after))[: MOST["after"]], end]
        kinds = [0] * len(begun) + [1] * (len(line) + 1) + [0] * len(wide)
        near = self.alone if alone else self.vectors
        cosine = float(near[self.row[t, at]] @ self.asked[index])
        return Pair([*begun, *line, end, *wide], kinds, cosine)

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


def kept(reader: Reader) -> dict[str, Tensor]:
    """The updates and the head, as the engine reads them."""
    width = reader.encoder.config.hidden_size
    head = {"first": reader.head.weight[0, :width], "line": reader.head.weight[0, width:], "bias": reader.head.bias}
    return {
        **{f"head.{name}": part.detach().bfloat16().contiguous() for name, part in head.items()},
        **dict(updates(reader.encoder, KEPT_RANK)),
    }


def main() -> None:
    parser = options(__doc__, epochs=2.5)
    parser.add_argument("--begin-with", type=Path, help="an adapter to train further, with other talk")
    parser.add_argument("--rate", type=float, default=RATE)
    given = parser.parse_args()
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
    steps = max(1, int(len(taught) * given.epochs / QUESTIONS_A_STEP))
    descent = Descent(reader, given.rate, steps, warm=50)
    order: list[int] = []
    for step in range(steps):
        if len(order) < QUESTIONS_A_STEP:
            order += chance.sample(taught, len(taught))
        groups = [material.group(order.pop(0), chance) for _ in range(min(QUESTIONS_A_STEP, len(order)))]
        scores = reader([pair for pairs, _ in groups for pair in pairs]).split([len(pairs) for pairs, _ in groups])
        loss = torch.stack([loss_of(own, right) for own, (_, right) in zip(scores, groups)]).mean()
        descent.step(loss)
        if step % 100 == 99:
            print(json.dumps({"step": step + 1, "of": steps, "loss": round(loss.item(), 3)}), flush=True)
    save_file(kept(reader), str(given.to))


if __name__ == "__main__":
    main()

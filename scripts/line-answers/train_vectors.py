"""Trains the adapter by which the encoder puts spoken lines near the questions they answer: `weights/line-vectors.safetensors`.

    pip install torch==2.13.0 transformers tokenizers safetensors
    taskmem models pull meaning
    python train_vectors.py --encoder ~/.cache/taskmem/models/meaning --to line-vectors.safetensors [--epochs 2] [--seed 0]
    python train_vectors.py --encoder ~/.cache/taskmem/models/meaning --measure ../../weights/line-vectors.safetensors

Reads `talk/`, invented talk with questions. A question and a passage are encoded apart, and a passage's vector is made as a
memory makes it: of the line and of the line with those around it, added. A step reads a few whole talks: each question has to
find the lines that answer it among all of them, by a softmax over cosines (van den Oord et al. 2018, InfoNCE). Low-rank
updates of all matrices are trained; a share of them is kept, at a lower rank, because the talk's questions avoid the words of its lines,
and what is near by its words should stay so (Wortsman et al. 2022 interpolate weights alike). `held-out/` is talk to
measure one on. An epoch takes a quarter of an hour with two threads.
"""

from __future__ import annotations

import json
import random
from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from lines import Descent, Talk, Tokens, encoder_of, options, read_talk, updates, vectors, with_updates
from safetensors.torch import save_file
from torch import Tensor
from transformers import BertModel

TALKS_A_STEP, QUESTIONS_A_TALK, RATE = 4, 14, 5e-4
SHARPNESS = 20.0
"""Of the softmax: a cosine that is greater by 0.1 has seven times the share."""
KEPT, KEPT_RANK = 0.75, 4
"""Share of the updates, and their rank."""


@dataclass(frozen=True)
class Told:
    """A talk as tokens."""

    lines: list[list[int]]
    wide: list[list[int]]
    questions: list[tuple[list[int], list[int]]]
    """Those that are answered, and the places of the lines that do."""


def told(talk: Talk, tokens: Tokens) -> Told:
    places = range(len(talk.lines))
    answered = [(question, [at for at in answers if at in places]) for question, answers in talk.questions]
    return Told(
        [tokens.whole(line) for line in talk.lines],
        [tokens.whole(talk.wide(at)) for at in places],
        [(tokens.whole(question), answers) for question, answers in answered if answers],
    )


def passages(encoder: BertModel, talks: list[Told]) -> Tensor:
    """Vectors of all lines of some talks, [N, width]."""
    lines = [line for talk in talks for line in talk.lines]
    wide = [line for talk in talks for line in talk.wide]
    own, around = vectors(encoder, lines + wide).split([len(lines), len(wide)])
    return F.normalize(own + around, dim=-1)


def loss_of(encoder: BertModel, talks: list[Told], chance: random.Random) -> Tensor:
    """Of finding a line that answers among all lines of some talks."""
    asked, answers, first = [], [], 0
    for talk in talks:
        for question, places in chance.sample(talk.questions, min(QUESTIONS_A_TALK, len(talk.questions))):
            asked.append(question)
            answers.append([first + at for at in places])
        first += len(talk.lines)
    logits = SHARPNESS * vectors(encoder, asked) @ passages(encoder, talks).T
    right = torch.stack([logits[i, places].logsumexp(0) for i, places in enumerate(answers)])
    return (logits.logsumexp(1) - right).mean()


def measure(encoder: BertModel, talks: list[Told]) -> dict[str, float]:
    """Shares of the questions whose nearest line answers, or one of the nearest 5 and 20, among the lines of all talks."""
    with torch.no_grad():
        lines = passages(encoder, talks)
        found, first = [], 0
        for talk in talks:
            for question, cosines in zip(talk.questions, vectors(encoder, [ids for ids, _ in talk.questions]) @ lines.T):
                best = cosines[[first + at for at in question[1]]].max()
                found.append(int((cosines > best).sum()))
            first += len(talk.lines)
    share = {f"in{most}": round(sum(rank < most for rank in found) / len(found), 3) for most in (1, 5, 20)}
    return {"questions": len(found), "lines": first, **share}


def main() -> None:
    given = options(__doc__, epochs=2).parse_args()
    tokens = Tokens(given.encoder)
    if given.measure:
        held_out = [told(talk, tokens) for talk in read_talk(given.held_out)]
        alone, adapted = (measure(encoder_of(given.encoder, of).eval(), held_out) for of in (None, given.measure))
        print(json.dumps({"alone": alone, "adapted": adapted}), flush=True)
        return
    torch.manual_seed(given.seed)
    chance = random.Random(given.seed)
    read = (told(talk, tokens) for talk in read_talk(given.talk)[: given.talks])
    talks = [talk for talk in read if talk.questions]
    encoder = with_updates(encoder_of(given.encoder))
    steps = max(1, int(len(talks) * given.epochs / TALKS_A_STEP))
    descent = Descent(encoder, RATE, steps, warm=30)
    order: list[Told] = []
    for step in range(steps):
        if len(order) < TALKS_A_STEP:
            order += chance.sample(talks, len(talks))
        loss = loss_of(encoder, [order.pop(0) for _ in range(min(TALKS_A_STEP, len(order)))], chance)
        descent.step(loss)
        if step % 20 == 19:
            print(json.dumps({"step": step + 1, "of": steps, "loss": round(loss.item(), 3)}), flush=True)
    save_file(dict(updates(encoder, KEPT_RANK, KEPT)), str(given.to))


if __name__ == "__main__":
    main()

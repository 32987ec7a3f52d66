"""Counts draws that differ from those of a full sort: python draws.py WORKER_FOLDER."""

import itertools
import sys

import torch

sys.path.insert(0, sys.argv[1])
from worker import Draw

random = torch.Generator().manual_seed(0)


def plainly(draw, logits, uniforms):
    chances, places = torch.softmax(logits.double() / draw.temperature, -1).sort(-1, descending=True)
    if draw.top_p < 1:
        chances = chances.masked_fill(chances.cumsum(-1) - chances >= draw.top_p, 0)
    if draw.top_k:
        chances[:, draw.top_k :] = 0
    sums = chances.cumsum(-1)
    at = torch.searchsorted(sums, uniforms[:, None] * sums[:, -1:], right=True)
    return places.gather(1, at.clamp_max(logits.shape[1] - 1))[:, 0]


drawn = different = 0
for temperature, top_p, top_k, likeliest, width in itertools.product((0.7, 1.5), (1, 0.95, 0.5), (0, 1, 40), (8, 64), (1, 4)):
    draw = Draw(temperature, top_p, top_k, likeliest)
    logits = width * torch.randn(100, 200, generator=random)
    uniforms = torch.rand(100, generator=random, dtype=torch.float64)
    drawn += 100
    different += int((draw.choose(logits, uniforms) != plainly(draw, logits, uniforms)).sum())
print(drawn, different)

"""What the examples' files hold, as arrays: pictures put together from strips, prompts and answers as rows."""

from __future__ import annotations

import io
import json
import random
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor
from transformers import PreTrainedTokenizerFast

import network
import tokens

Clip = dict[str, Any]
"""A line of the examples: strips, spoken, facts; a memory's also before, after, told, answers or frames."""

KINDS = ("place", "wear", "speech", "display", "activity")
FIRST = {"place": "On", "wear": "Dressed", "speech": "Quote", "display": "The", "activity": "Busy"}
"""The first word of each kind's sentences."""
IGNORED = -100
"""The target of a token that does not count."""


def lines_of(path: str) -> list[Clip]:
    with open(path) as file:
        return [json.loads(line) for line in file]


def patches_of(pictures: np.ndarray) -> np.ndarray:
    """Pixels [N, 96, 160, 3] -> patches [N, 60, 768], in the order of the library's image processor."""
    count = pictures.shape[0]
    tiles = pictures.reshape(count, 3, 2, 16, 5, 2, 16, 3).transpose(0, 1, 4, 2, 5, 7, 3, 6)
    return np.ascontiguousarray(tiles).reshape(count, network.PATCHES, 768)


def shrunk(picture: Image.Image, how: str = "bicubic") -> np.ndarray:
    """A frame as [96, 160, 3]. `plain` is bilinear without antialiasing, as simple engines do it."""
    if how == "plain":
        pixels = torch.from_numpy(np.array(picture)).permute(2, 0, 1)[None].float()
        small = F.interpolate(pixels, size=network.SIZE[::-1], mode="bilinear", antialias=False)
        return small[0].permute(1, 2, 0).round().clamp(0, 255).byte().numpy()
    ways = {"bicubic": Image.Resampling.BICUBIC, "bilinear": Image.Resampling.BILINEAR, "box": Image.Resampling.BOX}
    return np.asarray(picture.resize(network.SIZE, ways[how]))


def read_picture(jpeg: bytes) -> Image.Image:
    return Image.open(io.BytesIO(jpeg)).convert("RGB")


class Pictures:
    """Frames put together from strips, each of a random coding and shrinking, with noise and tint: no two are alike."""

    SHRINKINGS = {0: ("bicubic",), 1: ("bicubic", "box"), 2: ("bilinear", "bicubic"), 3: ("plain",)}
    """How the sheets of each coding are shrunk: six variants in all."""

    def __init__(self, examples: str, seed: int) -> None:
        with open(f"{examples}/looks.json") as file:
            self.looks: list[dict[str, Any]] = json.load(file)
        self.strips = torch.from_numpy(self._read(examples))
        self.rng = np.random.default_rng(seed)
        self.noise = torch.randn(1 << 23, generator=torch.Generator().manual_seed(seed)).to(torch.bfloat16)

    def _read(self, examples: str) -> np.ndarray:
        """Patches [6, looks, 20, 768] of all variants of all strips."""
        strips = np.zeros((6, len(self.looks), 20, 768), np.uint8)
        first = {0: 0, 1: 1, 2: 3, 3: 5}
        with open(f"{examples}/sheets.bin", "rb") as file:
            blob = file.read()
        for sheet in lines_of(f"{examples}/sheets.jsonl"):
            start, length = sheet["bytes"]
            picture = read_picture(blob[start : start + length])
            for i, how in enumerate(self.SHRINKINGS[sheet["coding"]]):
                rows = patches_of(shrunk(picture, how)[None])[0].reshape(3, 20, 768)
                for row, look in zip(rows, sheet["strips"]):
                    strips[first[sheet["coding"]] + i, look] = row
        return strips

    def frames(self, looks: np.ndarray) -> Tensor:
        """Looks [N, 3] -> patches [N, 60, 768] in 16 bits, from -1 to 1 before noise."""
        count = looks.shape[0]
        variants = torch.from_numpy(self.rng.integers(0, len(self.strips), (count, 3)))
        pixels = self.strips[variants, torch.from_numpy(looks)].reshape(count, network.PATCHES, 3, 256)
        patches = pixels.to(torch.bfloat16).mul_(1 / 127.5).sub_(1)
        patches = patches * (1 + self._tint(0.08, count)) + self._tint(0.06, count)
        start = int(self.rng.integers(0, self.noise.numel() - patches.numel()))
        noise = self.noise[start : start + patches.numel()].view_as(patches)
        strength = torch.from_numpy(self.rng.uniform(0, 0.05, (count, 1, 1, 1))).to(torch.bfloat16)
        return (patches + noise * strength).view(count, network.PATCHES, 768)

    def _tint(self, most: float, count: int) -> Tensor:
        return torch.from_numpy(self.rng.uniform(-most, most, (count, 1, 3, 1))).to(torch.bfloat16)


@dataclass
class Row:
    prompt: list[int]
    answer: list[int]


@dataclass
class Batch:
    ids: Tensor
    """[B, T], padded on the right."""
    positions: Tensor
    """[3, B, T]."""
    reads: Tensor
    """[B, A]: where each token of the answers is read from."""
    targets: Tensor
    """[B, A]."""
    places: Tensor
    """Flat indices of the pictures' tokens."""


class Prompts:
    """Prompts and answers as tokens."""

    def __init__(self, tokenizer: PreTrainedTokenizerFast, language: dict[str, Any]) -> None:
        self.tokenizer = tokenizer
        self.language = language
        self.picture_token = tokenizer.convert_tokens_to_ids("<|image_pad|>")
        start, end = tokenizer.convert_tokens_to_ids(["<|vision_start|>", "<|vision_end|>"])
        self.picture = [start, *[self.picture_token] * network.TOKENS, end]
        self.user = self.ids("<|im_start|>user\n")
        self.system = self.ids(f"<|im_start|>system\n{language['system']}<|im_end|>\n")
        self.assistant = self.ids("<|im_end|>\n<|im_start|>assistant\n")
        self.end = self.ids("<|im_end|>")

    def ids(self, text: str) -> list[int]:
        return self.tokenizer.encode(text, add_special_tokens=False)

    def lines(self, spoken: Sequence[Any]) -> list[int]:
        """A request about lines of speech alone."""
        return [*self.user, *self._stream(spoken), *self.ids(tokens.CAPTION_REQUEST), *self.assistant]

    def caption(self, clip: Clip, between: Sequence[str] = ()) -> list[int]:
        pictures = self._pictures(between)
        return [*self.user, *self._stream(clip["spoken"]), *pictures, *self.ids(tokens.CAPTION_REQUEST), *self.assistant]

    def memory(self, clip: Clip, between: str = "moments") -> list[int]:
        """The product's prompt. Between pictures stands nothing, a line end or the moment of the next: engines differ."""
        moments = [text.strip(" .") for text in clip["before"].rsplit("moments:", 1)[1].split(",")]
        texts = {"nothing": [], "line end": ["\n"] * 3, "moments": moments[1:]}[between]
        before, after = self.ids(clip["before"]), self.ids(clip["after"])
        return [*self.system, *self.user, *before, *self._pictures(texts), *after, *self.assistant]

    def told(self, sentences: Sequence[str]) -> list[int]:
        """An answer of sentences."""
        ids = [self.ids(sentence if i == 0 else f" {sentence}") for i, sentence in enumerate(sentences)]
        return [id_ for some in ids for id_ in some] + self.end

    def _stream(self, spoken: Sequence[Any]) -> list[int]:
        lines = "".join(f"[00:{at // 60:02d}:{at % 60:02d}] {who} says: {line}\n" for at, who, line in spoken)
        return self.ids(f"<stream>\n{lines or '(nothing)' + chr(10)}</stream>\n")

    def _pictures(self, between: Sequence[str]) -> list[int]:
        apart = [self.ids(text) for text in between] or [[]] * 3
        return self.picture + [id_ for text in apart for id_ in [*text, *self.picture]]

    def batch(self, rows: Sequence[Row], length: int, answers: int) -> Batch:
        """Rows padded to a length and a length of answers, both at least the longest's."""
        count = len(rows)
        ids = np.full((count, length), self.tokenizer.pad_token_id, np.int64)
        positions = np.zeros((3, count, length), np.int64)
        reads = np.zeros((count, answers), np.int64)
        targets = np.full((count, answers), IGNORED, np.int64)
        for i, row in enumerate(rows):
            sequence = row.prompt + row.answer
            ids[i, : len(sequence)] = sequence
            positions[:, i, : len(sequence)] = np.array(network.positions_of(sequence, self.picture_token)).T
            reads[i, : len(row.answer)] = np.arange(len(row.prompt) - 1, len(sequence) - 1)
            targets[i, : len(row.answer)] = row.answer
        places = np.flatnonzero(ids == self.picture_token)
        return Batch(*(torch.from_numpy(array) for array in (ids, positions, reads, targets, places)))


# What is drawn for training


def more_speech(rng: random.Random, words: dict[str, list[str]], count: int, besides: Sequence[Any] = ()) -> tuple[list[Any], list[Any]]:
    """Lines by people who may not be seen, each person and topic once: `[second, who, line]` and their facts."""
    taken = {(who, line.split(" ")[1]) for _, who, line in besides}
    at = besides[0][0] if besides else rng.randint(0, 59)
    lines, facts = [], []
    while len(lines) < count:
        who, topic, hour = (rng.choice(words[name]) for name in ("people", "topics", "hours"))
        if (who, topic) in taken:
            continue
        taken.add((who, topic))
        lines.append([at, who, f"The {topic} is at {hour}."])
        facts.append(["speech", f"Quote {who}, the {topic} is at {hour}."])
        if not besides:
            at = min(119, at + rng.randint(0, 3))
    return lines, facts


def speech_rows(rng: random.Random, prompts: Prompts) -> Iterator[Row]:
    """One to five lines of speech as text, all told in another order."""
    while True:
        spoken, facts = more_speech(rng, prompts.language["words"], rng.randint(1, 5))
        told = [sentence for _, sentence in facts]
        yield Row(prompts.lines(spoken), prompts.told(rng.sample(told, len(told))))


def caption_rows(rng: random.Random, prompts: Prompts, clips: Sequence[Clip], start: int = 0) -> Iterator[tuple[Row, Clip]]:
    """All facts of a clip in random order. Clips with two displays or lines are preferred, and half get more lines."""
    at = start
    while True:
        clip = clips[at % len(clips)]
        at += 1
        if rng.random() < 0.6 and not _has_several(clip):
            continue
        if rng.random() < 0.5:
            spoken, facts = more_speech(rng, prompts.language["words"], rng.randint(1, 2), clip["spoken"])
            clip = {**clip, "spoken": sorted(clip["spoken"] + spoken), "facts": clip["facts"] + facts}
        told = [sentence for _, sentence in clip["facts"]]
        second = rng.randint(0, 5)
        moments = [f"00:00:{second}{rest}" for rest in ("3.7", "6.2", "8.7")]
        between = rng.choice(((), (), ["\n"] * 3, moments, moments, moments))
        yield Row(prompts.caption(clip, between), prompts.told(rng.sample(told, len(told)))), clip


def memory_rows(rng: random.Random, prompts: Prompts, clips: Sequence[Clip]) -> Iterator[tuple[Row, Clip]]:
    """A right answer to the product's prompt, some minutes later in the stream, with pictures from anywhere in their scenes."""
    at = 0
    while True:
        clip = clips[at % len(clips)]
        at += 1
        clip = {**clip, "before": _later(clip["before"], rng.choice((0, 0, rng.randint(1, 9))), rng)}
        prompt = prompts.memory(clip, rng.choice(("nothing", "line end", "moments", "moments")))
        yield Row(prompt, prompts.ids(rng.choice(clip["answers"])) + prompts.end), clip


def list_rows(rng: random.Random, prompts: Prompts, clips: Sequence[Clip]) -> Iterator[tuple[Row, Clip]]:
    """All facts of a clip behind the product's prompt, clips with several displays or lines preferred: lines from before it are told apart."""
    at = 0
    while True:
        clip = clips[at % len(clips)]
        at += 1
        if rng.random() < 0.6 and not _has_several(clip):
            continue
        clip = {**clip, "before": _later(clip["before"], rng.choice((0, 0, rng.randint(1, 9))), rng), "after": tokens.CAPTION_REQUEST}
        told = [sentence for _, sentence in clip["facts"]]
        prompt = prompts.memory(clip, rng.choice(("nothing", "line end", "moments", "moments")))
        yield Row(prompt, prompts.told(rng.sample(told, len(told)))), clip


def _has_several(clip: Clip) -> bool:
    kinds = [kind for kind, _ in clip["facts"]]
    return kinds.count("display") > 1 or kinds.count("speech") > 1


def _later(text: str, minutes: int, rng: random.Random) -> str:
    """Times of a prompt so much later. Those with tenths are of pictures: each is moved within its scene too."""

    def moved(time: re.Match[str]) -> str:
        hour, minute, second, tenth = time.groups()
        tenths = 600 * (int(minute) + minutes) + 10 * int(second) + int(tenth or 0)
        if tenth is None:
            return f"{hour}:{tenths // 600:02d}:{second}"
        tenths = max(0, tenths + rng.choice((0, 0, rng.randint(-12, 12))))
        if rng.random() < 0.3:
            tenths -= tenths % 5
        return f"{hour}:{tenths // 600:02d}:{tenths // 10 % 60:02d}.{tenths % 10}"

    return re.sub(r"(\d\d):(\d\d):(\d\d)(?:\.(\d))?", moved, text)

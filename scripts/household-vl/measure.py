"""How much of what household-VL writes is true, asked through the library's own `generate`.

    python measure.py MODEL_FOLDER --examples EXAMPLES [--split held-out] [--clips 512] [--threads 1]

Prints one JSON line for greedy memories and one at temperature 0.7, of the product's prompt: by kind, and where a clip
has two or more facts of the kind.
"""

from __future__ import annotations

import argparse
import json
import time
from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

import inputs
import network
import tokens

BATCH = 32


def measured_clips(examples: str, split: str, count: int) -> list[inputs.Clip]:
    """Clips with the product's frames, as pixels [4, 96, 160, 3] under `pictures`."""
    with open(f"{examples}/{split}.bin", "rb") as file:
        blob = file.read()
    clips = inputs.lines_of(f"{examples}/{split}.jsonl")[:count]
    for clip in clips:
        frames = [inputs.read_picture(blob[start : start + length]) for start, length in clip["frames"]]
        clip["pictures"] = np.stack([inputs.shrunk(frame) for frame in frames])
    return clips


def pixel_values(clips: Sequence[inputs.Clip]) -> Tensor:
    """Patches as the library's vision tower takes them [60 a picture, 1536]: both halves in time alike."""
    patches = inputs.patches_of(np.concatenate([clip["pictures"] for clip in clips]))
    scaled = torch.from_numpy(patches).float() / 127.5 - 1
    return scaled.view(-1, network.PATCHES, 3, 1, 256).expand(-1, -1, -1, 2, -1).reshape(-1, 1536)


@torch.no_grad()
def generate(model: Any, prompts: inputs.Prompts, asked: Sequence[list[int]], clips: Sequence[inputs.Clip], temperature: float) -> list[str]:
    """An answer to each prompt, padded on the left."""
    longest = max(len(ids) for ids in asked)
    ids = torch.full((len(asked), longest), prompts.tokenizer.pad_token_id)
    mask = torch.zeros(len(asked), longest, dtype=torch.long)
    for i, one in enumerate(asked):
        ids[i, longest - len(one) :] = torch.tensor(one)
        mask[i, longest - len(one) :] = 1
    how = {"do_sample": True, "temperature": temperature, "top_p": 1.0, "top_k": 0} if temperature else {"do_sample": False}
    answers = model.generate(
        input_ids=ids,
        attention_mask=mask,
        pixel_values=pixel_values(clips),
        image_grid_thw=torch.tensor([network.GRID] * (4 * len(clips))),
        mm_token_type_ids=(ids == prompts.picture_token).long(),
        max_new_tokens=64,
        **how,
    )
    return [prompts.tokenizer.decode(answer[longest:], skip_special_tokens=True) for answer in answers]


def sentences_of(text: str) -> list[str]:
    """Sentences of an answer, the last one also where it has no end."""
    inside = text.removeprefix(tokens.ANSWER_START).removesuffix(tokens.ANSWER_END)
    ended = inside.replace(". ", ".\n").split("\n")
    return [sentence for sentence in ended if sentence]


def figures(model: Any, prompts: inputs.Prompts, clips: Sequence[inputs.Clip], form: str, temperature: float) -> dict[str, Any]:
    """Shares of true statements, in all, by kind, and by kind in clips with several facts of it; other marks of quality."""
    was_training = model.training
    model.eval()
    started = time.time()
    prompt_of = prompts.memory if form == "memories" else prompts.caption
    answers: list[str] = []
    for i in range(0, len(clips), BATCH):
        part = clips[i : i + BATCH]
        answers += generate(model, prompts, [prompt_of(clip) for clip in part], part, temperature)
    model.train(was_training)
    known = set(prompts.language["sentences"])
    kind_of = {first: kind for kind, first in inputs.FIRST.items()}
    stated: Counter[str] = Counter()
    true: Counter[str] = Counter()
    marks: Counter[str] = Counter()
    for text, clip in zip(answers, clips):
        truths = {sentence for _, sentence in clip["facts"]}
        facts = Counter(kind for kind, _ in clip["facts"])
        said: set[str] = set()
        marks["well formed"] += text.startswith(tokens.ANSWER_START) and text.endswith(tokens.ANSWER_END)
        for sentence in sentences_of(text):
            kind = kind_of.get(sentence.split(" ")[0], "none")
            several = f"several {kind}" if facts[kind] > 1 else f"one {kind}"
            for name in (kind, several, "all"):
                stated[name] += 1
                true[name] += sentence in truths
            marks["no sentence"] += sentence not in known
            marks["repeated"] += sentence in said
            marks["in an earlier memory"] += sentence in clip.get("told", ())
            said.add(sentence)
    count = max(1, stated["all"])
    return {
        "clips": len(clips),
        "true": {name: round(true[name] / stated[name], 4) for name in sorted(stated)},
        "statements": {name: stated[name] for name in sorted(stated)},
        **{name: round(marks[name] / count, 4) for name in ("no sentence", "repeated", "in an earlier memory")},
        "well formed": round(marks["well formed"] / len(clips), 4),
        "a memory": round(count / len(clips), 3),
        "took": round(time.time() - started),
        "example": answers[0],
    }


def check(model: Any, prompts: inputs.Prompts, eyes: network.Eyes, reader: network.Reader, clips: Sequence[inputs.Clip]) -> None:
    """Compares the lean forward with the library's. @raise ValueError where their logits differ by more than 1e-3."""
    rows = [inputs.Row(prompts.caption(clip), prompts.told([sentence for _, sentence in clip["facts"]])) for clip in clips]
    length = max(len(row.prompt) + len(row.answer) for row in rows)
    batch = prompts.batch(rows, length, 64)
    patches = torch.from_numpy(inputs.patches_of(np.concatenate([clip["pictures"] for clip in clips]))).float() / 127.5 - 1
    mask = (batch.ids != prompts.tokenizer.pad_token_id).long()
    with torch.no_grad():
        merged, deepstack = eyes(patches)
        hidden = reader(batch.ids, *reader.turns(batch.positions), batch.places, merged.flatten(0, 1), [level.flatten(0, 1) for level in deepstack])
        lean = hidden @ reader.embeddings.T
        full = model(
            input_ids=batch.ids,
            attention_mask=mask,
            pixel_values=pixel_values(clips),
            image_grid_thw=torch.tensor([network.GRID] * (4 * len(clips))),
            mm_token_type_ids=(batch.ids == prompts.picture_token).long(),
        ).logits
    difference = (lean - full)[mask.bool()].abs().max().item()
    if difference > 1e-3:
        raise ValueError(f"The lean forward differs from the library's by {difference}: has the library changed?")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("--examples", required=True)
    parser.add_argument("--split", default="held-out")
    parser.add_argument("--clips", type=int, default=512)
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    from transformers import AutoModelForImageTextToText

    torch.set_num_threads(options.threads)
    torch.manual_seed(0)
    model = AutoModelForImageTextToText.from_pretrained(options.model, dtype=torch.float32)
    with open(f"{options.examples}/words.json") as file:
        prompts = inputs.Prompts(network.tokenizer_of(f"{options.model}/tokenizer.json"), json.load(file))
    clips = measured_clips(options.examples, options.split, options.clips)
    for temperature in (0.0, 0.7):
        print(json.dumps({"split": options.split, "temperature": temperature, **figures(model, prompts, clips, "memories", temperature)}))


if __name__ == "__main__":
    main()

"""The tokenizer: byte-level BPE on the household's language, with Qwen's splitting rule.

    python tokens.py EXAMPLES TOKENIZER.json

Every word of the language is one token, and so are hours and minutes of displays and the lines that most prompts have.
A key and its value are joined where something would stand between them (" shows 17:", " is at eight"): which value goes
with which key is then learnt at the key.
"""

from __future__ import annotations

import collections
import json
import random
import re
import sys
from typing import Any

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers, trainers

QWEN = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
SPECIAL = ["<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|vision_start|>", "<|vision_end|>", "<|vision_pad|>", "<|image_pad|>", "<|video_pad|>"]
CAPTION_REQUEST = "List all that is shown and said."
SPOKEN = ((", the ", "topics"), (" is at ", "hours"), (" says: The ", "topics"))
"""Beginnings of joined tokens of speech, and the words they are joined with."""
ANSWER_START, ANSWER_END = '{"description":"', '"}'


def fixed_lines(examples: str, prompts: int = 2000) -> list[str]:
    """Lines that more than a quarter of the prompts have."""
    counts: collections.Counter[str] = collections.Counter()
    total = 0
    with open(f"{examples}/memories.jsonl") as lines:
        for _, line in zip(range(prompts), lines):
            memory = json.loads(line)
            total += 1
            for text in (memory["before"], memory["after"]):
                counts.update({line for line in text.split("\n") if len(line) > 24})
    return sorted(line for line, count in counts.items() if count > total / 4)


def corpus(language: dict[str, Any]) -> list[str]:
    """Texts from which the merges come: times are left out, tokens of their own stand for them."""
    rng = random.Random(0)
    words = language["words"]
    texts = [text for sentence in language["sentences"] for text in (sentence, f" {sentence}")] + language["questions"]
    for topic in words["topics"]:
        for hour in words["hours"]:
            texts += [f"] {rng.choice(words['people'])} says: The {topic} is at {hour}.\n"] * 3
    texts += [f" The {device} shows" for device in words["devices"] for _ in range(300)]
    texts += [f" does Ann {verb}?" for verb in language["verbs"].values() for _ in range(50)]
    texts += ["user\n", "assistant\n", "system\n", "description", "On", "Dressed", "Quote", "The", "Busy"] * 60
    texts += ["The clip runs from to\n\n<earlier>\n</earlier>\n(nothing)\n<stream>\n</stream>\n[before, The clip's 4 frames follow, in order, from these moments: ., Describe everything."] * 60
    return [re.sub(r" ?\d\d:\d\d", "", text) for text in texts]


def build(examples: str) -> Tokenizer:
    with open(f"{examples}/words.json") as file:
        language = json.load(file)
    words = language["words"]
    tokenizer = Tokenizer(models.BPE(byte_fallback=False))
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Split(Regex(QWEN), behavior="isolated"), pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)]
    )
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    tokenizer.train_from_iterator(
        corpus(language), trainers.BpeTrainer(vocab_size=1100, initial_alphabet=alphabet, show_progress=False, min_frequency=10)
    )
    tokenizer.add_special_tokens([AddedToken(token, special=True, normalized=False) for token in SPECIAL])
    hours = [f"{hour:02d}" for hour in range(24)]
    plain = [
        *(f" {hour}:" for hour in hours),
        *(f"{minute:02d}" for minute in range(60)),
        *(" 00:00:", "00:00:", " 00:01:", "00:01:"),
        *(ANSWER_START, ANSWER_END, CAPTION_REQUEST),
        *fixed_lines(examples),
        *language["system"].split("\n"),
        *(f" shows {hour}:" for hour in hours),
        *(f"{start}{word}" for start, name in SPOKEN for word in words[name]),
    ]
    tokenizer.add_tokens([AddedToken(token, normalized=False) for token in plain if token])
    for word in [word for some in words.values() for word in some] + list(language["verbs"]):
        if len(tokenizer.encode(f" {word}").ids) != 1:
            raise ValueError(f"Expected one token for {word!r}, got {tokenizer.encode(f' {word}').tokens}")
    return tokenizer


if __name__ == "__main__":
    made = build(sys.argv[1])
    made.save(sys.argv[2])
    print(json.dumps({"tokens": made.get_vocab_size()}))

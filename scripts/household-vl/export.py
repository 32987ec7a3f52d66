"""Writes trained weights as a folder that transformers reads: 16-bit safetensors, tokenizer, picture processor.

    python export.py WEIGHTS.pt --tokenizer TOKENIZER.json --folder FOLDER
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import torch

import network

TEMPLATE = (
    "{%- for message in messages %}{{- '<|im_start|>' + message.role + '\\n' }}"
    "{%- if message.content is string %}{{- message.content }}{%- else %}{%- for part in message.content %}"
    "{%- if part.type == 'image' or part.type == 'image_url' %}{{- '<|vision_start|><|image_pad|><|vision_end|>' }}"
    "{%- elif 'text' in part %}{{- part.text }}{%- endif %}{%- endfor %}{%- endif %}"
    "{{- '<|im_end|>\\n' }}{%- endfor %}{%- if add_generation_prompt %}{{- '<|im_start|>assistant\\n' }}{%- endif %}"
)
"""How a conversation is put: as Qwen's, without thinking and tools."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("weights")
    parser.add_argument("--tokenizer", required=True)
    parser.add_argument("--folder", required=True)
    options = parser.parse_args()
    tokenizer = network.tokenizer_of(options.tokenizer)
    model = network.build(tokenizer)
    model.load_state_dict(torch.load(options.weights))
    model.half().save_pretrained(options.folder)
    tokenizer.chat_template = TEMPLATE
    tokenizer.save_pretrained(options.folder)
    # Written by hand: the library's own processor of this family needs torchvision even where it reads no video.
    processor = {
        "image_processor_type": "Qwen2VLImageProcessor",
        "size": {"shortest_edge": 8192, "longest_edge": 18432},
        "patch_size": 16,
        "temporal_patch_size": 2,
        "merge_size": 2,
        "image_mean": [0.5] * 3,
        "image_std": [0.5] * 3,
        "do_resize": True,
        "do_rescale": True,
        "do_normalize": True,
        "do_convert_rgb": True,
        "rescale_factor": 1 / 255,
        "resample": 3,
    }
    (Path(options.folder) / "preprocessor_config.json").write_text(json.dumps(processor, indent=2) + "\n")
    for file in sorted(Path(options.folder).iterdir()):
        print(json.dumps({"file": file.name, "bytes": file.stat().st_size}))


if __name__ == "__main__":
    main()

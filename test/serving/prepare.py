"""A GGUF file as a folder that vLLM loads, and two LoRAs of rank one (kept in rank eight, vLLM's least) for it.

Arguments: the GGUF file, the folder to write smol, la and lb into.
"""

import json
import os
import sys

import torch
from safetensors.torch import save_file
from transformers import AutoModelForCausalLM, AutoTokenizer, GgufConfig

file, models = sys.argv[1:]
begun = models + ".begun"
given = {"pretrained_model_name_or_path": os.path.dirname(file), "gguf_file": os.path.basename(file)}
model = AutoModelForCausalLM.from_pretrained(
    **given, dtype=torch.bfloat16, quantization_config=GgufConfig(dequantize=True)
)
model.save_pretrained(os.path.join(begun, "smol"))
AutoTokenizer.from_pretrained(**given).save_pretrained(os.path.join(begun, "smol"))
width, rank = model.config.hidden_size, 8
for seed, name in enumerate(("la", "lb"), start=1):
    generator = torch.Generator().manual_seed(seed)
    first = torch.zeros(rank, width)
    first[0] = torch.randn(width, generator=generator) * 0.05
    weights = {"A": first, "B": torch.randn(width, rank, generator=generator) * 20}
    layer = "base_model.model.model.layers.14.self_attn.o_proj"
    os.makedirs(os.path.join(begun, name))
    save_file(
        {f"{layer}.lora_{part}.weight": value for part, value in weights.items()},
        os.path.join(begun, name, "adapter_model.safetensors"),
    )
    config = {
        "peft_type": "LORA",
        "task_type": "CAUSAL_LM",
        "base_model_name_or_path": "smol",
        "r": rank,
        "lora_alpha": rank,
        "target_modules": ["o_proj"],
        "bias": "none",
    }
    with open(os.path.join(begun, name, "adapter_config.json"), "w") as out:
        json.dump(config, out)
os.rename(begun, models)

"""Adds a LoRA to the weights it stands beside, by its definition: python merge_lora.py MODEL LORA SCALES OUT.

SCALES is JSON: the factor of each layer's product B A, by the layer's name.
"""

import json
import shutil
import sys

from safetensors.torch import load_file, save_file

model, lora, scales, out = sys.argv[1:]
shutil.copytree(model, out)
weights = load_file(f"{out}/model.safetensors")
matrices = load_file(f"{lora}/adapter_model.safetensors")
for name, scale in json.loads(scales).items():
    a, b = (matrices[f"base_model.model.{name}.lora_{side}.weight"] for side in "AB")
    weights[f"{name}.weight"] += scale * b @ a
save_file(weights, f"{out}/model.safetensors", metadata={"format": "pt"})

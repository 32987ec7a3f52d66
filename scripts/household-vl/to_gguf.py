"""Writes household-VL for llama.cpp: the text model and its vision part, in 16 bits.

    python to_gguf.py FOLDER OUT        ->  OUT/household-vl-f16.gguf, OUT/household-vl-mmproj-f16.gguf

FOLDER is a folder as `export.py` writes it. Needs gguf, numpy and safetensors.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import gguf
import numpy as np
from safetensors.numpy import load_file

TEXT_LAYERS = {
    "input_layernorm": "attn_norm",
    "post_attention_layernorm": "ffn_norm",
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output",
    "self_attn.q_norm": "attn_q_norm",
    "self_attn.k_norm": "attn_k_norm",
    "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
}
VISION_LAYERS = {
    "norm1": "ln1",
    "norm2": "ln2",
    "attn.qkv": "attn_qkv",
    "attn.proj": "attn_out",
    "mlp.linear_fc1": "ffn_up",
    "mlp.linear_fc2": "ffn_down",
}
TEXT, VISION = "model.language_model", "model.visual"

Tensors = dict[str, np.ndarray]


def add(writer: gguf.GGUFWriter, name: str, tensor: np.ndarray, exact: bool = False) -> None:
    """Matrices in 16 bits, vectors and what llama.cpp does not multiply with in 32."""
    writer.add_tensor(name, tensor.astype(np.float32 if exact or tensor.ndim == 1 else np.float16))


def close(writer: gguf.GGUFWriter) -> None:
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def write_text(folder: Path, config: dict[str, Any], tensors: Tensors, path: Path) -> None:
    text = config["text_config"]
    rope = text["rope_parameters"]
    writer = gguf.GGUFWriter(path, "qwen3vl")
    writer.add_type(gguf.GGUFType.MODEL)
    writer.add_name("household-vl")
    writer.add_file_type(gguf.LlamaFileType.MOSTLY_F16)
    writer.add_block_count(text["num_hidden_layers"])
    writer.add_context_length(text["max_position_embeddings"])
    writer.add_embedding_length(text["hidden_size"])
    writer.add_feed_forward_length(text["intermediate_size"])
    writer.add_head_count(text["num_attention_heads"])
    writer.add_head_count_kv(text["num_key_value_heads"])
    writer.add_key_length(text["head_dim"])
    writer.add_value_length(text["head_dim"])
    writer.add_layer_norm_rms_eps(text["rms_norm_eps"])
    writer.add_rope_freq_base(rope["rope_theta"])
    writer.add_rope_dimension_sections([*rope["mrope_section"], 0])
    writer.add_num_deepstack_layers(len(config["vision_config"]["deepstack_visual_indexes"]))
    write_tokenizer(writer, folder, text)
    add(writer, "token_embd.weight", tensors[f"{TEXT}.embed_tokens.weight"])
    add(writer, "output_norm.weight", tensors[f"{TEXT}.norm.weight"])
    for block in range(text["num_hidden_layers"]):
        for layer, name in TEXT_LAYERS.items():
            add(writer, f"blk.{block}.{name}.weight", tensors[f"{TEXT}.layers.{block}.{layer}.weight"])
    close(writer)


def write_tokenizer(writer: gguf.GGUFWriter, folder: Path, text: dict[str, Any]) -> None:
    tokenizer = json.loads((folder / "tokenizer.json").read_text())
    added = {token["id"]: token for token in tokenizer["added_tokens"]}
    learnt = {id_: token for token, id_ in tokenizer["model"]["vocab"].items()}
    tokens, kinds = [], []
    for id_ in range(text["vocab_size"]):
        if id_ in added:
            tokens.append(added[id_]["content"])
            kinds.append(gguf.TokenType.CONTROL if added[id_]["special"] else gguf.TokenType.USER_DEFINED)
        else:
            tokens.append(learnt.get(id_, f"[PAD{id_}]"))
            kinds.append(gguf.TokenType.NORMAL if id_ in learnt else gguf.TokenType.UNUSED)
    merges = tokenizer["model"]["merges"]
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("qwen2")
    writer.add_token_list(tokens)
    writer.add_token_types(kinds)
    writer.add_token_merges([merge if isinstance(merge, str) else " ".join(merge) for merge in merges])
    writer.add_eos_token_id(text["eos_token_id"])
    writer.add_pad_token_id(text["pad_token_id"])
    writer.add_add_bos_token(False)
    writer.add_chat_template((folder / "chat_template.jinja").read_text())


def write_vision(config: dict[str, Any], tensors: Tensors, path: Path) -> None:
    vision = config["vision_config"]
    deepstack = vision["deepstack_visual_indexes"]
    writer = gguf.GGUFWriter(path, "clip")
    writer.add_type(gguf.GGUFType.MMPROJ)
    writer.add_name("household-vl")
    writer.add_file_type(gguf.LlamaFileType.MOSTLY_F16)
    writer.add_clip_has_vision_encoder(True)
    writer.add_clip_projector_type(gguf.VisionProjectorType.QWEN3VL)
    writer.add_vision_projection_dim(vision["out_hidden_size"])
    writer.add_vision_image_size(int(vision["num_position_embeddings"] ** 0.5) * vision["patch_size"])
    writer.add_vision_patch_size(vision["patch_size"])
    writer.add_vision_embedding_length(vision["hidden_size"])
    writer.add_vision_feed_forward_length(vision["intermediate_size"])
    writer.add_vision_block_count(vision["depth"])
    writer.add_vision_head_count(vision["num_heads"])
    writer.add_vision_image_mean([0.5] * 3)
    writer.add_vision_image_std([0.5] * 3)
    writer.add_vision_use_gelu(True)
    writer.add_vision_spatial_merge_size(vision["spatial_merge_size"])
    writer.add_vision_attention_layernorm_eps(1e-6)
    writer.add_vision_is_deepstack_layers([block in deepstack for block in range(vision["depth"])])
    kernel = tensors[f"{VISION}.patch_embed.proj.weight"]
    add(writer, "v.patch_embd.weight", kernel[:, :, 0], exact=True)
    add(writer, "v.patch_embd.weight.1", kernel[:, :, 1], exact=True)
    add(writer, "v.patch_embd.bias", tensors[f"{VISION}.patch_embed.proj.bias"])
    add(writer, "v.position_embd.weight", tensors[f"{VISION}.pos_embed.weight"], exact=True)
    mergers = [("merger", {"norm": "v.post_ln", "linear_fc1": "mm.0", "linear_fc2": "mm.2"})]
    for i, block in enumerate(deepstack):
        names = {"norm": "norm", "linear_fc1": "fc1", "linear_fc2": "fc2"}
        mergers.append((f"deepstack_merger_list.{i}", {layer: f"v.deepstack.{block}.{name}" for layer, name in names.items()}))
    for kind in ("weight", "bias"):
        for block in range(vision["depth"]):
            for layer, name in VISION_LAYERS.items():
                add(writer, f"v.blk.{block}.{name}.{kind}", tensors[f"{VISION}.blocks.{block}.{layer}.{kind}"])
        for merger, names in mergers:
            for layer, name in names.items():
                add(writer, f"{name}.{kind}", tensors[f"{VISION}.{merger}.{layer}.{kind}"])
    close(writer)


def main(folder: Path, out: Path) -> None:
    config = json.loads((folder / "config.json").read_text())
    tensors = load_file(folder / "model.safetensors")
    out.mkdir(parents=True, exist_ok=True)
    write_text(folder, config, tensors, out / "household-vl-f16.gguf")
    write_vision(config, tensors, out / "household-vl-mmproj-f16.gguf")
    for file in sorted(out.glob("household-vl-*.gguf")):
        print(json.dumps({"file": file.name, "bytes": file.stat().st_size}))


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))

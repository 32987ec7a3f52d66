"""Writes tiny random models of three real architectures that see pictures: python tiny_models.py DIR [KIND ...].

`talker`, which is not written unless it is named, is the dense one with tokens that are whole memories: at random weights
it writes one of them, by the prompt and by chance, and ends.

Each folder holds all that a pretrained one holds: weights, tokenizer with a chat template, picture processor. The
tokenizer knows bytes only.
"""

import os
import sys

import torch
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers
from transformers import (
    PreTrainedTokenizerFast,
    Qwen3_5Config,
    Qwen3_5ForConditionalGeneration,
    Qwen3VLConfig,
    Qwen3VLForConditionalGeneration,
    Qwen3VLMoeConfig,
    Qwen3VLMoeForConditionalGeneration,
)
from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import Qwen2VLImageProcessorPil

WIDTH = 64
SPECIAL = ["<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|vision_start|>", "<|vision_end|>", "<|image_pad|>", "<|video_pad|>"]
TEMPLATE = """{%- for message in messages -%}
<|im_start|>{{ message.role }}
{% if message.content is string %}{{ message.content }}{% else %}{% for part in message.content %}
{%- if part.type == 'image' %}<|vision_start|><|image_pad|><|vision_end|>{% else %}{{ part.text }}{% endif %}
{%- endfor %}{% endif %}<|im_end|>
{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant
{% endif %}"""


COLOURS = ["red", "green", "blue", "white", "black", "brown", "grey", "pink", "orange", "yellow", "golden", "silver"]
MEMORIES = [f'Ann talks about the {a} and {b} {noun}."}}' for noun in ("soup", "lamp") for a, b in zip(COLOURS, COLOURS[1:])]


def tokenizer(extra: list[str]) -> PreTrainedTokenizerFast:
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    made = Tokenizer(models.BPE(vocab={letter: i for i, letter in enumerate(alphabet)}, merges=[]))
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    made.decoder = decoders.ByteLevel()
    made.add_special_tokens([AddedToken(token, special=True, normalized=False) for token in SPECIAL])
    made.add_tokens([AddedToken(token, normalized=False) for token in extra])
    fast = PreTrainedTokenizerFast(tokenizer_object=made, eos_token="<|im_end|>", pad_token="<|endoftext|>")
    fast.chat_template = TEMPLATE
    return fast


def model(kind: str, ids: dict[str, int], vocabulary: int) -> torch.nn.Module:
    # Wide weights make order and steering visible; a running state amplifies their rounding, so a hybrid has narrow ones.
    spread = 0.05 if kind == "hybrid" else 0.2
    rope = {"rope_type": "default", "rope_theta": 10000.0, "mrope_section": [4, 2, 2], "mrope_interleaved": True}
    text = {
        **{"vocab_size": vocabulary, "hidden_size": WIDTH, "intermediate_size": 2 * WIDTH, "num_hidden_layers": 6},
        **{"num_attention_heads": 4, "num_key_value_heads": 2, "head_dim": 16, "max_position_embeddings": 4096},
        **{"initializer_range": spread, "pad_token_id": ids["<|endoftext|>"], "eos_token_id": ids["<|im_end|>"]},
    }
    vision = {
        **{"depth": 3, "hidden_size": 32, "intermediate_size": 64, "num_heads": 2, "patch_size": 16},
        **{"spatial_merge_size": 2, "temporal_patch_size": 2, "out_hidden_size": WIDTH, "num_position_embeddings": 64},
        "initializer_range": spread,
    }
    tokens = {
        **{"image_token_id": ids["<|image_pad|>"], "video_token_id": ids["<|video_pad|>"]},
        **{"vision_start_token_id": ids["<|vision_start|>"], "vision_end_token_id": ids["<|vision_end|>"]},
    }
    if kind == "hybrid":
        running = {"linear_key_head_dim": 16, "linear_value_head_dim": 16, "linear_num_key_heads": 2, "linear_num_value_heads": 4}
        layers = {"layer_types": ["linear_attention", "linear_attention", "full_attention"] * 2}
        config = Qwen3_5Config(
            text_config={**text, **running, **layers, "rope_parameters": {**rope, "partial_rotary_factor": 1.0}},
            **{"vision_config": vision, "tie_word_embeddings": False, **tokens},
        )
        return Qwen3_5ForConditionalGeneration(config)
    deep = {**vision, "deepstack_visual_indexes": [0, 1]}
    if kind in ("dense", "talker"):
        config = Qwen3VLConfig(text_config={**text, "rope_parameters": rope}, vision_config=deep, tie_word_embeddings=False, **tokens)
        return Qwen3VLForConditionalGeneration(config)
    experts = {"num_experts": 4, "num_experts_per_tok": 2, "moe_intermediate_size": WIDTH, "decoder_sparse_step": 1, "mlp_only_layers": []}
    config = Qwen3VLMoeConfig(text_config={**text, **experts, "rope_parameters": rope}, vision_config=deep, tie_word_embeddings=False, **tokens)
    return Qwen3VLMoeForConditionalGeneration(config)


@torch.no_grad()
def talk(made: torch.nn.Module, end: int, memories: list[int]) -> None:
    """Makes a memory the likely next token of any text but a memory, whose next token is the end."""
    after = torch.nn.functional.normalize(torch.randn(WIDTH), dim=0)
    made.get_input_embeddings().weight[memories] = 50 * after
    head = made.lm_head.weight
    head.zero_()
    head[memories] = 0.5 * torch.randn(len(memories), WIDTH)
    head[memories] -= torch.outer(head[memories] @ after, after)
    head[end] = 4 * after


def write(kind: str, folder: str) -> None:
    torch.manual_seed(0)
    extra = MEMORIES if kind == "talker" else []
    fast = tokenizer(extra)
    ids = {token: fast.convert_tokens_to_ids(token) for token in SPECIAL}
    made = model(kind, ids, len(fast)).float().eval()
    if extra:
        talk(made, ids["<|im_end|>"], [fast.convert_tokens_to_ids(memory) for memory in extra])
    made.generation_config.eos_token_id = ids["<|im_end|>"]
    made.save_pretrained(folder)
    fast.save_pretrained(folder)
    Qwen2VLImageProcessorPil(
        **{"patch_size": 16, "merge_size": 2, "temporal_patch_size": 2, "image_mean": [0.5] * 3, "image_std": [0.5] * 3},
        size={"shortest_edge": 32 * 32, "longest_edge": 256 * 256},
    ).save_pretrained(folder)


if __name__ == "__main__":
    for kind in sys.argv[2:] or ["dense", "moe", "hybrid"]:
        write(kind, os.path.join(sys.argv[1], f"tiny-{kind}"))

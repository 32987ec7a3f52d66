"""household-VL's network: transformers' Qwen3-VL from a configuration, and a lean forward of the same weights.

The lean forward does for pictures of one size and texts padded on the right what the library's does, in one call an
operation for all pictures of a batch: several times as fast on a CPU. `train.py` compares the two before it trains.
Shapes: B rows of T tokens; N pictures of 60 patches, 15 merged tokens, 5 to each of a frame's three strips; width D.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from transformers import PreTrainedTokenizerFast, Qwen3VLConfig, Qwen3VLForConditionalGeneration
from transformers.models.qwen3_vl import modeling_qwen3_vl as library

SIZE = (160, 96)
"""Pixels of a picture as the network sees it: a frame of 448 x 252 is shrunk to it by the library's own rule."""
GRID = (1, 6, 10)
PATCHES, TOKENS, STRIP_TOKENS = 60, 15, 5
WIDTH, BLOCKS, HEAD = 128, 6, 64


def tokenizer_of(path: str) -> PreTrainedTokenizerFast:
    return PreTrainedTokenizerFast(
        tokenizer_file=path,
        eos_token="<|im_end|>",
        pad_token="<|endoftext|>",
        clean_up_tokenization_spaces=False,
        extra_special_tokens={
            "image_token": "<|image_pad|>",
            "video_token": "<|video_pad|>",
            "vision_start_token": "<|vision_start|>",
            "vision_end_token": "<|vision_end|>",
        },
    )


def config_of(tokenizer: PreTrainedTokenizerFast) -> Qwen3VLConfig:
    """Heads of 64 at Qwen's own rope base: most of a head turns slowly, so words are matched across the whole clip."""
    id_of = tokenizer.convert_tokens_to_ids
    sections = HEAD * 10 // 64
    return Qwen3VLConfig(
        text_config=dict(
            vocab_size=-(-len(tokenizer) // 64) * 64,
            hidden_size=WIDTH,
            intermediate_size=3 * WIDTH,
            num_hidden_layers=BLOCKS,
            num_attention_heads=4,
            num_key_value_heads=2,
            head_dim=HEAD,
            max_position_embeddings=4096,
            rms_norm_eps=1e-6,
            tie_word_embeddings=True,
            bos_token_id=None,
            eos_token_id=tokenizer.eos_token_id,
            pad_token_id=tokenizer.pad_token_id,
            rope_parameters=dict(
                rope_type="default",
                rope_theta=5e6,
                mrope_section=[HEAD // 2 - 2 * sections, sections, sections],
                mrope_interleaved=True,
            ),
        ),
        vision_config=dict(
            depth=4,
            hidden_size=WIDTH,
            intermediate_size=2 * WIDTH,
            num_heads=4,
            patch_size=16,
            temporal_patch_size=2,
            spatial_merge_size=2,
            out_hidden_size=WIDTH,
            num_position_embeddings=144,
            deepstack_visual_indexes=[1, 2],
        ),
        image_token_id=id_of("<|image_pad|>"),
        video_token_id=id_of("<|video_pad|>"),
        vision_start_token_id=id_of("<|vision_start|>"),
        vision_end_token_id=id_of("<|vision_end|>"),
        tie_word_embeddings=True,
    )


def build(tokenizer: PreTrainedTokenizerFast, seed: int = 0) -> Qwen3VLForConditionalGeneration:
    """Random weights, each layer's by the width of its input; layers that add to the stream by their number too."""
    torch.manual_seed(seed)
    config = config_of(tokenizer)
    config._attn_implementation = "sdpa"
    model = Qwen3VLForConditionalGeneration(config)
    adding = {"o_proj.weight": BLOCKS, "down_proj.weight": BLOCKS, "attn.proj.weight": 4, "mlp.linear_fc2.weight": 4}
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if weight.ndim < 2:
                continue
            depth = next((depth for end, depth in adding.items() if name.endswith(end)), 0)
            if "embed_tokens" in name:
                size = WIDTH**-0.5
            elif "pos_embed" in name:
                size = 0.1
            else:
                size = weight[0].numel() ** -0.5 * ((2 * depth) ** -0.5 if depth else 1)
            weight.normal_(0, size)
    model.generation_config.eos_token_id = config.text_config.eos_token_id
    model.generation_config.pad_token_id = config.text_config.pad_token_id
    return model


# Vision


class Eyes:
    """The vision tower for pictures of `SIZE`."""

    def __init__(self, model: Qwen3VLForConditionalGeneration) -> None:
        self.tower = model.model.visual
        grid = torch.tensor([GRID])
        self.indices, self.weights = library.get_vision_interpolation_indices_and_weights(
            grid,
            num_grid_per_side=self.tower.num_grid_per_side,
            mode=self.tower.interpolation_mode,
            align_corners=self.tower.interpolation_align_corners,
            spatial_merge_size=2,
            kwargs={},
        )
        places = library.get_vision_position_ids(grid, 2, kwargs={})
        self.cos, self.sin = self.tower.rotary_pos_emb(torch.zeros(1), places)

    def __call__(self, patches: Tensor) -> tuple[Tensor, list[Tensor]]:
        """Patches [N, 60, 768] of still pictures -> merged tokens [N, 15, D], and the deepstack's, from below."""
        tower = self.tower
        projection = tower.patch_embed.proj
        # Both halves of a patch in time show the same.
        kernel = projection.weight.sum(2).reshape(projection.weight.shape[0], -1)
        places = (tower.pos_embed(self.indices) * self.weights[:, :, None]).sum(1)
        stream = F.linear(patches, kernel, projection.bias) + places
        deepstack = []
        levels = list(tower.deepstack_visual_indexes)
        for i, block in enumerate(tower.blocks):
            stream = stream + self._attention(block.attn, block.norm1(stream))
            hidden = F.gelu(block.mlp.linear_fc1(block.norm2(stream)), approximate="tanh")
            stream = stream + block.mlp.linear_fc2(hidden)
            if i in levels:
                deepstack.append(_merged(tower.deepstack_merger_list[levels.index(i)], stream))
        return _merged(tower.merger, stream), deepstack

    def _attention(self, layer: nn.Module, stream: Tensor) -> Tensor:
        count, length, _ = stream.shape
        qkv = layer.qkv(stream).reshape(count, length, 3, layer.num_heads, -1).permute(2, 0, 3, 1, 4)
        query, key = (_turned(part, self.cos, self.sin) for part in qkv[:2])
        mixed = F.scaled_dot_product_attention(query, key, qkv[2])
        return layer.proj(mixed.transpose(1, 2).reshape(count, length, -1))


def _merged(merger: nn.Module, stream: Tensor) -> Tensor:
    count = stream.shape[0]
    if merger.use_postshuffle_norm:
        joined = merger.norm(stream.reshape(count, TOKENS, -1))
    else:
        joined = merger.norm(stream).reshape(count, TOKENS, -1)
    return merger.linear_fc2(F.gelu(merger.linear_fc1(joined)))


# Text


class Reader:
    """The text blocks."""

    def __init__(self, model: Qwen3VLForConditionalGeneration) -> None:
        self.text = model.model.language_model
        self.embeddings = self.text.embed_tokens.weight
        self._masks: dict[tuple[int, torch.dtype], Tensor] = {}

    def turns(self, positions: Tensor) -> tuple[Tensor, Tensor]:
        """Positions [3, B, T] -> cosines and sines [B, 1, T, head]."""
        cos, sin = self.text.rotary_emb(torch.zeros(1), positions)
        return cos[:, None], sin[:, None]

    def __call__(self, ids: Tensor, cos: Tensor, sin: Tensor, places: Tensor, seen: Tensor, deepstack: Sequence[Tensor]) -> Tensor:
        """Last hidden states [B, T, D], normed. `places` are the flat indices of the pictures' tokens, `seen` [n, D]."""
        rows, length = ids.shape
        stream = F.embedding(ids, self.embeddings)
        stream = stream.reshape(rows * length, -1).index_copy(0, places, seen.to(stream.dtype)).view(rows, length, -1)
        if torch.is_autocast_enabled("cpu"):
            stream = stream.to(torch.get_autocast_dtype("cpu"))
        for i, block in enumerate(self.text.layers):
            stream = stream + self._attention(block.self_attn, _normed(block.input_layernorm, stream), cos, sin)
            hidden = _normed(block.post_attention_layernorm, stream)
            stream = stream + block.mlp.down_proj(F.silu(block.mlp.gate_proj(hidden)) * block.mlp.up_proj(hidden))
            if i < len(deepstack):
                flat = stream.reshape(rows * length, -1)
                stream = flat.index_add(0, places, deepstack[i].to(stream.dtype)).view(rows, length, -1)
        return _normed(self.text.norm, stream)

    def _attention(self, layer: nn.Module, stream: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        """Written out: the library's kernel is slow to differentiate on a CPU at such sizes."""
        rows, length, _ = stream.shape
        heads = lambda projected: projected.view(rows, length, -1, HEAD)  # noqa: E731
        query = _turned(_normed(layer.q_norm, heads(layer.q_proj(stream))).transpose(1, 2), cos, sin)
        key = _turned(_normed(layer.k_norm, heads(layer.k_proj(stream))).transpose(1, 2), cos, sin)
        value = heads(layer.v_proj(stream)).transpose(1, 2)
        groups = layer.num_key_value_groups
        key, value = (part.repeat_interleave(groups, 1).reshape(-1, length, HEAD) for part in (key, value))
        query = (query * HEAD**-0.5).reshape(-1, length, HEAD)
        weights = torch.baddbmm(self._mask(length, query.dtype), query, key.transpose(1, 2)).softmax(-1)
        mixed = torch.bmm(weights, value).view(rows, -1, length, HEAD)
        return layer.o_proj(mixed.transpose(1, 2).reshape(rows, length, -1))

    def _mask(self, length: int, dtype: torch.dtype) -> Tensor:
        if (length, dtype) not in self._masks:
            self._masks[length, dtype] = torch.full((length, length), -1e4, dtype=dtype).triu(1)[None]
        return self._masks[length, dtype]


def positions_of(ids: Sequence[int], picture_token: int) -> list[tuple[int, int, int]]:
    """Interleaved positions in time, height and width, as the library's `get_rope_index` counts them."""
    places: list[tuple[int, int, int]] = []
    at, i = 0, 0
    high, wide = GRID[1] // 2, GRID[2] // 2
    while i < len(ids):
        if ids[i] == picture_token:
            places += [(at, at + row, at + column) for row in range(high) for column in range(wide)]
            at, i = at + max(high, wide), i + TOKENS
        else:
            places.append((at, at, at))
            at, i = at + 1, i + 1
    return places


def _normed(norm: nn.Module, stream: Tensor) -> Tensor:
    return F.rms_norm(stream, (stream.shape[-1],), norm.weight.to(stream.dtype), norm.variance_epsilon)


def _turned(part: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    first, second = part.chunk(2, -1)
    return part * cos.to(part.dtype) + torch.cat((-second, first), -1) * sin.to(part.dtype)

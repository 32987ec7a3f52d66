#!/usr/bin/env python3
"""A model in torch behind JSON lines: it samples, tells log-probabilities, and trains by weighted sums of them.

One request a line on standard input, one answer a line on standard output, in order: {"id", "op", ...} is answered by
{"id", "result", "seconds"} or {"id", "error": {"code", "message", "retryable"}}. Standard error is the log. Arrays are
base64 of little-endian numbers: ids int32, all else float32. Needs torch and transformers; pictures need Pillow too.

The loss stays with the caller: a trainer that tells log-probabilities and follows the gradient of their weighted sum
serves every loss. What is trained is one of four kinds:

    vector     added to the output of one block, at all tokens or at the answer's only
    rank-one   the same vector, its length at each token set by a fixed linear function of the block's MLP
    lora       low-rank matrices beside the linear layers named
    all        all weights

For the first two, the residual stream below the vector never depends on it, whichever vector is added. So it is
kept: sampling fills it, and log-probabilities and gradients run only the blocks above. Answers to one prompt share a
row, so the prompt runs once. Of a vector at the answer's tokens, the prompt's keys and values in the blocks above do
not depend either: they are kept too, and the prompt never runs again. What is kept is bounded in bytes; beyond, what
was used longest ago is forgotten and computed again when it is needed.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import io
import json
import os
import re
import sys
import time
import traceback
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
import transformers
from torch import Tensor, nn
from transformers import AutoConfig, AutoModelForCausalLM, AutoModelForImageTextToText, AutoTokenizer, DynamicCache

Json = dict[str, Any]


class Refused(Exception):
    """A request that cannot be met. Nothing has changed."""

    def __init__(self, code: str, message: str, retryable: bool = False) -> None:
        super().__init__(message)
        self.code = code
        self.retryable = retryable


def encode(array: Any, kind: str = "<f4") -> str:
    return base64.b64encode(np.ascontiguousarray(np.asarray(array), dtype=kind).tobytes()).decode("ascii")


def decode(text: str, kind: str = "<f4") -> np.ndarray:
    return np.frombuffer(base64.b64decode(text), dtype=kind).copy()


# What stands before an answer


@dataclass
class Pictures:
    """What the vision tower made of the pictures of a context."""

    features: Tensor  # [P, width]
    places: Tensor  # [T] bool: the tokens that stand for them
    deepstack: list[Tensor]  # [P, width] for each block that they enter again


# Keys and values of a prompt but its last token in some blocks, each [heads, T - 1, head].
Past = list[tuple[Tensor, Tensor]]


@dataclass(eq=False)
class Context:
    """A prompt: its tokens, their positions, its pictures, and the kept stream of it and of answers to it."""

    ids: Tensor  # [T]
    positions: Tensor  # [T], or [3, T] in time, height and width
    pictures: Pictures | None = None
    below: Tensor | None = None  # [T, width], the stream below the vector; [1, width] where `past` is kept
    gate: Tensor | None = None  # [T] or [1], for rank-one
    past: Past | None = None  # of the blocks above the vector
    answers: dict[bytes, Kept] = field(default_factory=dict)
    used: int = 0  # when it was last used

    @property
    def next(self) -> int:
        """The position of the first token of an answer."""
        return int(self.positions.max()) + 1

    def forget(self) -> None:
        self.below, self.gate, self.past, self.answers = None, None, None, {}

    @property
    def bytes(self) -> int:
        """What is kept of it."""
        pairs = [t for pair in self.past or [] for t in pair]
        own = [self.below, self.gate, *pairs, *[t for k in self.answers.values() for t in (k.below, k.gate)]]
        return sum(t.numel() * t.element_size() for t in own if t is not None)


@dataclass
class Kept:
    """The stream below the vector at an answer's tokens but the last, which predicts nothing."""

    below: Tensor  # [A - 1, width]
    gate: Tensor | None  # [A - 1]


@dataclass(frozen=True)
class Sample:
    """An answer to a context, as ids with the one that ended it."""

    context: Context
    ids: np.ndarray  # [A]

    @property
    def key(self) -> bytes:
        return self.ids.tobytes()

    def __len__(self) -> int:
        return len(self.context.ids) + len(self.ids)


@dataclass
class Row:
    """A prompt and answers to it, one behind the other: each of them sees the prompt and itself."""

    context: Context
    samples: list[Sample] = field(default_factory=list)
    indices: list[int] = field(default_factory=list)  # where the samples stand in their batch

    @property
    def spans(self) -> list[tuple[int, int]]:
        """From where to where each answer's tokens but the last stand."""
        found, at = [], len(self.context.ids)
        for sample in self.samples:
            found.append((at, at + len(sample.ids) - 1))
            at = found[-1][1]
        return found

    def __len__(self) -> int:
        return len(self.context.ids) + sum(len(s.ids) - 1 for s in self.samples)


# What is trained


@dataclass(frozen=True)
class Steer:
    """A vector to add to the output of a block."""

    vector: Tensor  # [width], differentiable where it is trained
    block: int
    at_answers: bool  # at each prompt's last token and at answers; otherwise at all tokens
    gated: bool = False  # whether the function of `rank-one` sets its length at each token


class Absent(nn.Module):
    """Takes the place of a block that is not to run. It keeps the plain attributes that a model looks up on its blocks."""

    def __init__(self, block: nn.Module) -> None:
        super().__init__()
        for name, value in vars(block).items():
            if isinstance(value, (str, int)) and not name.startswith("_"):
                setattr(self, name, value)

    def forward(self, hidden_states: Tensor, *_: Any, **__: Any) -> Tensor:
        return hidden_states


class LowRank:
    """Low-rank matrices beside some linear layers: y = W x + scale · B (A x). Named `<layer>.lora_A` and `.lora_B`."""

    def __init__(self, layers: dict[str, nn.Linear], parameters: dict[str, Tensor], scales: dict[str, float]) -> None:
        self.on = False
        self.layers, self.parameters, self.scales = layers, parameters, scales
        self._hooks = [layer.register_forward_hook(self._hook(name)) for name, layer in layers.items()]

    @staticmethod
    def begun(layers: dict[str, nn.Linear], rank: int, alpha: float, seed: int) -> LowRank:
        """At the start of training: A is random, B zero."""
        parameters: dict[str, Tensor] = {}
        random = torch.Generator().manual_seed(seed)
        for name, layer in layers.items():
            device = layer.weight.device
            a = torch.randn(rank, layer.in_features, generator=random) / layer.in_features**0.5
            parameters[f"{name}.lora_A"] = a.to(device).requires_grad_()
            parameters[f"{name}.lora_B"] = torch.zeros(layer.out_features, rank, device=device).requires_grad_()
        return LowRank(layers, parameters, {name: alpha / rank for name in layers})

    def remove(self) -> None:
        for hook in self._hooks:
            hook.remove()

    def product(self, name: str) -> Tensor:
        """What is added to a layer's weights."""
        a, b = (self.parameters[f"{name}.lora_{side}"] for side in "AB")
        return self.scales[name] * b @ a

    def norm(self) -> float:
        """Euclidean norm of all that is added to weights."""
        total = 0.0
        for name, scale in self.scales.items():
            a, b = (self.parameters[f"{name}.lora_{side}"].detach().double() for side in "AB")
            total += scale**2 * float(((b.T @ b) * (a @ a.T)).sum())
        return total**0.5

    def _hook(self, name: str) -> Callable[..., Tensor | None]:
        def added(_layer: nn.Module, args: tuple[Tensor, ...], output: Tensor) -> Tensor | None:
            if not self.on:
                return None
            a, b = (self.parameters[f"{name}.lora_{side}"].to(output.dtype) for side in "AB")
            return output + self.scales[name] * (args[0] @ a.T) @ b.T

        return added


def read_lora(folder: str, stack: nn.Module) -> LowRank:
    """The matrices of PEFT's folder, each beside the layer that it names. Refuses what is more than such matrices."""
    from safetensors import SafetensorError, safe_open

    try:
        with open(os.path.join(folder, "adapter_config.json"), encoding="utf-8") as file:
            config: Json = json.load(file)
        with safe_open(os.path.join(folder, "adapter_model.safetensors"), "pt") as file:
            tensors = {key: file.get_tensor(key).float() for key in file.keys()}
    except (OSError, ValueError, SafetensorError) as error:
        raise Refused("broken-file", f"{folder} cannot be read as PEFT's folder: {error}") from error

    def other(what: str) -> Refused:
        return Refused("other-adapter", f"{folder} is not low-rank matrices beside linear layers of text blocks alone: {what}")

    if config.get("peft_type") != "LORA":
        raise other(f"its type is {config.get('peft_type')}")
    if config.get("use_dora") or config.get("layer_replication"):
        raise other("it has DoRA's magnitudes" if config.get("use_dora") else "it repeats blocks")
    begun = config.get("init_lora_weights")
    if isinstance(begun, str) and re.match("pissa|olora|loftq|corda", begun):
        raise other(f"it belongs to weights that {begun} has changed (PEFT saves it for unchanged ones with path_initial_model_for_weight_conversion)")
    device = next(stack.parameters()).device
    layers: dict[str, nn.Linear] = {}
    parameters: dict[str, Tensor] = {}
    scales: dict[str, float] = {}
    for key in tensors:
        found = re.fullmatch(r"(?:base_model\.model\.)?(?P<full>(?P<above>.*?)(?P<layer>layers\.\d+\..+))\.lora_(?P<side>[AB])\.weight", key)
        layer = None
        if found and not re.search(r"vis|audio", found["above"]):
            with contextlib.suppress(AttributeError):
                layer = stack.get_submodule(found["layer"])
        if not found or not isinstance(layer, nn.Linear):
            raise other(f"{key} is beside none")
        name = found["layer"]
        pair = [tensors.get(key[: -len("A.weight")] + side + ".weight") for side in "AB"]
        if pair[0] is None or pair[1] is None or pair[0].shape[0] != pair[1].shape[-1]:
            raise other(f"{key} lacks its partner")
        if pair[0].shape[1] != layer.in_features or pair[1].shape[0] != layer.out_features:
            shape = f"{layer.out_features} × {layer.in_features}"
            raise other(f"{key} is for a layer of {pair[1].shape[0]} × {pair[0].shape[1]}, and the model's is {shape}: it is of another model")
        alphas = {pattern: value for pattern, value in (config.get("alpha_pattern") or {}).items() if re.match(rf"(.*\.)?({pattern})$", found["full"])}
        alpha, rank = next(iter(alphas.values()), config.get("lora_alpha", 8)), len(pair[0])
        layers[name] = layer
        scales[name] = alpha / (rank**0.5 if config.get("use_rslora") else rank)
        parameters |= {f"{name}.lora_A": pair[0].to(device), f"{name}.lora_B": pair[1].to(device)}
    if not layers:
        raise other("it has none")
    return LowRank(layers, parameters, scales)


class Adam:
    """Adam with decoupled weight decay over named tensors, in float32. The rate is that of a single number."""

    def __init__(self, parameters: dict[str, Tensor]) -> None:
        self.parameters = parameters
        self.steps = 0
        self.first = {name: torch.zeros_like(p, dtype=torch.float32) for name, p in parameters.items()}
        self.second = {name: torch.zeros_like(p, dtype=torch.float32) for name, p in parameters.items()}
        self.clear()

    def clear(self) -> None:
        for p in self.parameters.values():
            p.grad = None

    def gradient(self, name: str) -> Tensor:
        grad = self.parameters[name].grad
        return torch.zeros_like(self.first[name]) if grad is None else grad.float()

    @torch.no_grad()
    def step(self, rate: float, limit: float | None, betas: tuple[float, float], decay: float) -> tuple[float, float, float]:
        """The gradient's norm before clipping, the norm of the change, and that of the weights after it."""
        norm = sum(float(self.gradient(n).norm()) ** 2 for n in self.parameters) ** 0.5
        shrink = 1.0 if limit is None or norm <= limit else limit / norm
        self.steps += 1
        moved = length = 0.0
        for name, p in self.parameters.items():
            g = self.gradient(name) * shrink
            first = self.first[name].mul_(betas[0]).add_(g, alpha=1 - betas[0])
            second = self.second[name].mul_(betas[1]).addcmul_(g, g, value=1 - betas[1])
            direction = (first / (1 - betas[0] ** self.steps)) / ((second / (1 - betas[1] ** self.steps)).sqrt() + 1e-8)
            change = rate * (direction + decay * p.float())
            p.sub_(change.to(p.dtype))
            moved += float(change.norm()) ** 2
            length += float(p.float().norm()) ** 2
        self.clear()
        return norm, moved**0.5, length**0.5


# The network


class Network:
    """A model with one block that can be steered, its contexts, and what is kept of them."""

    def __init__(self, folder: str, dtype: str, device: str, attention: str, row_tokens: int, answer_tokens: int, keep_bytes: int) -> None:
        source = source_of(folder)
        config = AutoConfig.from_pretrained(folder, **source)
        self.sees = getattr(config, "vision_config", None) is not None
        self.text_config = config.get_text_config()
        self.device = torch.device(("cuda" if torch.cuda.is_available() else "cpu") if device == "auto" else device)
        self.dtype: torch.dtype = getattr(torch, dtype)
        family = AutoModelForImageTextToText if self.sees else AutoModelForCausalLM
        model = family.from_pretrained(folder, **source, dtype=self.dtype, attn_implementation=attention)
        self.model = model.to(self.device).eval().requires_grad_(False)
        self.tokenizer = AutoTokenizer.from_pretrained(folder, **source)
        self.text = self._text_stack()
        self.blocks = list(self.text.layers)
        self.width: int = self.text_config.hidden_size
        self.head = self.model.get_output_embeddings()
        self.embedding = self.text.get_input_embeddings()
        self.deep = 0
        if self.sees:
            from transformers import AutoImageProcessor

            # The default of these families needs torchvision; this one needs Pillow.
            self.images = AutoImageProcessor.from_pretrained(folder, backend="pil")
            self.deep = len(getattr(config.vision_config, "deepstack_visual_indexes", None) or [])
        kinds = getattr(self.text_config, "layer_types", None) or []
        # A block with a running state or a sliding window cannot leave a sibling answer out.
        self.packs = all("full" in kind for kind in kinds)
        ends = [self.tokenizer.eos_token_id, self.model.generation_config.eos_token_id, self.text_config.eos_token_id]
        self.ends = {e for end in ends for e in (end if isinstance(end, list) else [end]) if e is not None}
        self.id = hash_of(folder)
        self.row_tokens, self.answer_tokens, self.keep_bytes = row_tokens, answer_tokens, keep_bytes
        self.contexts: dict[str, Context] = {}
        self.calls = {"whole": 0, "below": 0, "above": 0}
        self.positions = 0  # tokens that blocks ran on so far, padding included
        self.forgotten = 0  # contexts whose kept stream was given up for room
        self.clock = 0
        self.keeps = False
        self.altered = False  # whether matrices beside layers are on, for which nothing that is kept is right
        self.at_answers = False
        self._where: Tensor | None = None  # [B, T] bool of the pass; all tokens where it is None
        self._seen: list[Tensor] | None = None  # streams below the vector, when they are wanted
        self.functional: Tensor | None = None  # [intermediate] in float32; its value at each token is the gate
        self._functional: Tensor | None = None  # the same as the model computes
        self._gates: Tensor | None = None  # [B, T] of the last pass
        self._hooks: list[Any] = []

    def _text_stack(self) -> nn.Module:
        """The module that embeds tokens and holds the text blocks."""
        count = self.text_config.num_hidden_layers

        def is_stack(module: nn.Module) -> bool:
            layers = getattr(module, "layers", None)
            return isinstance(layers, nn.ModuleList) and len(layers) == count and hasattr(module, "embed_tokens")

        found = [module for module in self.model.modules() if is_stack(module)]
        if len(found) != 1:
            raise Refused("unsupported-model", f"Expected one stack of {count} text blocks, got {len(found)}")
        return found[0]

    # Steering

    def steer_at(self, block: int, at_answers: bool, keeps: bool) -> None:
        """The block whose output a vector is added to, and whether at answers only. Forgets what was kept."""
        if not 0 <= block < len(self.blocks):
            raise Refused("bad-request", f"Expected `block` from 0 to {len(self.blocks) - 1}, got {block}")
        for hook in self._hooks:
            hook.remove()
        self.block, self.at_answers = block, at_answers
        self._hooks = [self.blocks[block].register_forward_hook(self._see)]
        self.upper = nn.ModuleList([Absent(b) if i <= block else b for i, b in enumerate(self.blocks)])
        self.lower = nn.ModuleList([b if i <= block else Absent(b) for i, b in enumerate(self.blocks)])
        # Pictures enter the first blocks again, behind each: the stream is final only above those.
        self.keeps = keeps and block >= self.deep
        # Only attention over the whole row can do with keys and values that were computed earlier.
        self.reuses = self.keeps and at_answers and self.packs
        self.functional = self._functional = None
        self.forget()

    def gate_by(self, functional: Tensor) -> None:
        """From here on the vector is multiplied by this function of the inputs of the block's last MLP layer."""
        self.functional, self._functional = functional.to(self.device), functional.to(self.device, self.dtype)

        def read(_module: nn.Module, args: tuple[Tensor, ...]) -> None:
            self._gates = args[0] @ self._functional

        self._hooks.append(self.down_projection().register_forward_pre_hook(read))
        self.forget()

    def down_projection(self) -> nn.Linear:
        layer = getattr(getattr(self.blocks[self.block], "mlp", None), "down_proj", None)
        if not isinstance(layer, nn.Linear):
            raise Refused("unsupported-model", f"Block {self.block} has no single `mlp.down_proj`: train a vector instead")
        return layer

    def forget(self) -> None:
        for context in self.contexts.values():
            context.forget()

    def trim(self, spared: Iterable[Context] = ()) -> None:
        """Forgets what is kept of contexts, the one used longest ago first, until the rest is within the bytes allowed."""
        held = {id(c): c.bytes for c in self.contexts.values()}
        total, kept = sum(held.values()), {id(c) for c in spared}
        for context in sorted(self.contexts.values(), key=lambda c: c.used):
            if total <= self.keep_bytes:
                return
            if id(context) not in kept and held[id(context)] > 0:
                context.forget()
                self.forgotten += 1
                total -= held[id(context)]

    def _touch(self, contexts: Iterable[Context]) -> None:
        self.clock += 1
        for context in contexts:
            context.used = self.clock

    def _see(self, _block: nn.Module, _args: Any, output: Any) -> None:
        if self._seen is not None:
            self._seen.append((output[0] if isinstance(output, tuple) else output).detach())

    def _steered(self, stream: Tensor, steer: Steer, where: Tensor | None, gates: Tensor | None) -> Tensor:
        added = steer.vector.to(stream.dtype).expand_as(stream)
        if steer.gated and self._functional is not None:
            added = gates[..., None] * added
        return stream + (added if where is None else added * where[..., None])

    @contextlib.contextmanager
    def _during(
        self, blocks: nn.ModuleList | None = None, steers: Iterable[Steer] = (), where: Tensor | None = None, see: bool = False
    ) -> Iterator[list[Tensor]]:
        """A pass through some blocks only, with vectors, seeing the stream below the trained one."""

        def adding(steer: Steer) -> Callable[..., Any]:
            def hook(_block: nn.Module, _args: Any, output: Any) -> Any:
                stream = output[0] if isinstance(output, tuple) else output
                stream = self._steered(stream, steer, self._where, self._gates)
                return (stream, *output[1:]) if isinstance(output, tuple) else stream

            return hook

        whole, seen = self.text.layers, []
        hooks = [self.blocks[steer.block].register_forward_hook(adding(steer)) for steer in steers]
        self.text.layers = whole if blocks is None else blocks
        self._where, self._seen = where, seen if see else None
        try:
            yield seen
        finally:
            self.text.layers, self._where, self._seen = whole, None, None
            for hook in hooks:
                hook.remove()

    def _leaves_stream(self, steer: Steer | None) -> bool:
        """Whether what is kept is the same with that vector as without one."""
        return steer is None or (steer.block >= self.block and (steer.at_answers or not self.reuses))

    def _trains(self, steer: Steer | None) -> bool:
        """Whether a vector stands where the trained one does, so that only the blocks above need to run."""
        return steer is None or (steer.block == self.block and steer.at_answers == self.at_answers)

    # Contexts

    def add(self, name: str, messages: list[Json], template: Json, prefix: str) -> int:
        """Reads a prompt, its pictures included. `prefix` begins each answer and is no part of it. Its tokens."""
        pictures: list[bytes] = []
        plain = [{"role": m["role"], "content": self._content(m["parts"], pictures)} for m in messages]
        text = self.tokenizer.apply_chat_template(plain, tokenize=False, add_generation_prompt=True, **template) + prefix
        context = self._with_pictures(text, pictures) if pictures else Context(*self._tokens(text))
        limit = getattr(self.text_config, "max_position_embeddings", None)
        if limit and len(context.ids) >= limit:
            raise Refused("context-overflow", f"The prompt has {len(context.ids)} tokens, the model reads {limit}")
        self.contexts[name] = context
        return len(context.ids)

    def _content(self, parts: list[Json], pictures: list[bytes]) -> str | list[Json]:
        found: list[Json] = []
        for part in parts:
            if part["type"] == "text":
                found.append({"type": "text", "text": part["text"]})
            elif part["type"] == "image" and self.sees:
                pictures.append(base64.b64decode(part["data"]))
                found.append({"type": "image"})
            else:
                raise Refused("bad-request", f"This model takes no part of type {part['type']!r}")
        # A template of a model without eyes expects a string.
        if not pictures or not self.sees:
            return "\n\n".join(part["text"] for part in found if "text" in part)
        return found

    def _tokens(self, text: str) -> tuple[Tensor, Tensor]:
        ids = torch.tensor(self.tokenizer(text, add_special_tokens=False)["input_ids"])
        return ids, torch.arange(len(ids))

    def _with_pictures(self, text: str, pictures: list[bytes]) -> Context:
        from PIL import Image, UnidentifiedImageError

        try:
            opened = [Image.open(io.BytesIO(bytes_)).convert("RGB") for bytes_ in pictures]
        except UnidentifiedImageError as error:
            raise Refused("bad-picture", f"A picture cannot be read: {error}") from error
        made = self.images(images=opened, return_tensors="pt")
        grid = made["image_grid_thw"]
        token = self.tokenizer.decode([self.model.config.image_token_id])
        halves = text.split(token)
        if len(halves) != len(pictures) + 1:
            raise Refused("bad-request", f"The chat template has {len(halves) - 1} places for {len(pictures)} pictures")
        merged = self.images.merge_size**2
        text = halves[0] + "".join(token * (int(g.prod()) // merged) + half for g, half in zip(grid, halves[1:]))
        ids, _ = self._tokens(text)
        places = ids == self.model.config.image_token_id
        outer = self.model.model
        with torch.no_grad():
            seen = outer.get_image_features(made["pixel_values"].to(self.device, self.dtype), grid.to(self.device), return_dict=True)
        deepstack = [torch.cat(list(d)) if isinstance(d, (list, tuple)) else d for d in getattr(seen, "deepstack_features", None) or []]
        positions, _ = outer.get_rope_index(ids[None], places[None].int(), image_grid_thw=grid)
        return Context(ids, positions[:, 0], Pictures(torch.cat(list(seen.pooler_output)), places, deepstack))

    def of(self, name: str) -> Context:
        if name not in self.contexts:
            raise Refused("unknown-context", f"There is no context {name!r}: send it first")
        return self.contexts[name]

    # Rows

    def _rows(self, batch: list[Sample]) -> list[Row]:
        if not self.packs:
            return [Row(s.context, [s], [i]) for i, s in enumerate(batch)]
        rows: dict[int, Row] = {}
        for i, sample in enumerate(batch):
            row = rows.setdefault(id(sample.context), Row(sample.context))
            row.samples.append(sample)
            row.indices.append(i)
        return list(rows.values())

    def _embedded(self, row: Row) -> Tensor:
        """[T, width]"""
        tails = [torch.from_numpy(s.ids[:-1].astype(np.int64)) for s in row.samples]
        stream = self.embedding(torch.cat([row.context.ids, *tails]).to(self.device))
        if (pictures := row.context.pictures) is not None:
            stream[: len(pictures.places)][pictures.places.to(self.device)] = pictures.features.to(stream.dtype)
        return stream

    def _place(self, context: Context, lengths: list[int]) -> Tensor:
        """[4, T] for a model with eyes: in the text, then in time, height and width; otherwise [1, T]."""
        after = [torch.arange(n) for n in lengths]
        own = torch.cat([torch.arange(len(context.ids)), *[len(context.ids) + a for a in after]])
        if not self.sees:
            return own[None]
        prompt = context.positions.expand(3, -1)
        return torch.cat([own[None], torch.cat([prompt, *[(context.next + a).expand(3, -1) for a in after]], 1)])

    def _stacked(self, streams: list[Tensor]) -> Tensor:
        """[B, T, width], padded on the left, so that what follows is aligned."""
        length = max(len(s) for s in streams)
        return torch.stack([nn.functional.pad(s, (0, 0, length - len(s), 0)) for s in streams])

    def _stacked_places(self, places: list[Tensor]) -> Tensor:
        length = max(p.shape[1] for p in places)
        stacked = torch.stack([nn.functional.pad(p, (length - p.shape[1], 0)) for p in places], 1).to(self.device)
        return stacked if self.sees else stacked[0]

    def _mask(self, rows: list[Row], length: int) -> Tensor:
        """[B, T] of what is no padding; [B, 1, T, T] where answers share a row, none of which sees another."""
        if all(len(row.samples) <= 1 for row in rows):
            return torch.tensor([[0] * (length - len(r)) + [1] * len(r) for r in rows], device=self.device)
        sees = torch.ones(length, length, dtype=torch.bool, device=self.device).tril().repeat(len(rows), 1, 1)
        for i, row in enumerate(rows):
            shift = length - len(row)
            sees[i, shift:, :shift] = False
            for start, end in row.spans:
                sees[i, shift + start : shift + end, shift + len(row.context.ids) : shift + start] = False
        lowest = torch.finfo(self.dtype).min
        return torch.zeros(sees.shape, dtype=self.dtype, device=self.device).masked_fill(~sees, lowest)[:, None]

    def _answers(self, rows: list[Row], length: int) -> Tensor:
        """[B, T] where a vector at answers is added: at each prompt's last token and behind it."""
        first = torch.tensor([length - len(r) + len(r.context.ids) - 1 for r in rows], device=self.device)
        return torch.arange(length, device=self.device)[None] >= first[:, None]

    def _deepstack(self, contexts: list[tuple[Context, int]], length: int) -> Json:
        """What enters the first blocks again, for rows of (context, length) padded on the left."""
        with_pictures = [c.pictures for c, _ in contexts if c.pictures is not None]
        if not self.deep or not with_pictures:
            return {}
        masks = torch.zeros(len(contexts), length, dtype=torch.bool)
        for i, (context, own) in enumerate(contexts):
            if context.pictures is not None:
                masks[i, length - own : length - own + len(context.ids)] = context.pictures.places
        features = [torch.cat([p.deepstack[k] for p in with_pictures]) for k in range(self.deep)]
        return {"visual_pos_masks": masks.to(self.device), "deepstack_visual_embeds": features}

    def _run(
        self, rows: list[Row], streams: list[Tensor], blocks: nn.ModuleList | None, steers: Iterable[Steer] = (), see: bool = False
    ) -> tuple[Tensor, list[Tensor]]:
        """Last hidden states [B, T, width] of rows whose streams enter some blocks, and the stream seen below the vector."""
        stacked = self._stacked(streams)
        length = stacked.shape[1]
        self.positions += stacked.shape[0] * length
        places = self._stacked_places([self._row_places(r) for r in rows])
        deep = {} if blocks is self.upper else self._deepstack([(r.context, len(r)) for r in rows], length)
        steers = list(steers)
        where = self._answers(rows, length) if any(s.at_answers for s in steers) else None
        with self._during(blocks, steers, where, see) as seen:
            hidden = self.text(
                inputs_embeds=stacked, attention_mask=self._mask(rows, length), position_ids=places, use_cache=False, **deep
            ).last_hidden_state
        return hidden, seen

    def _row_places(self, row: Row) -> Tensor:
        return self._place(row.context, [len(s.ids) - 1 for s in row.samples])

    def _run_behind(
        self, rows: list[Row], streams: list[Tensor], pasts: list[Past], blocks: nn.ModuleList | None, steers: Iterable[Steer] = ()
    ) -> Tensor:
        """As `_run`, from each prompt's last token on, behind its keys and values in the blocks that run, the last ones."""
        stacked = self._stacked(streams)
        new, past = stacked.shape[1], max(len(r.context.ids) - 1 for r in rows)
        self.positions += stacked.shape[0] * new
        cache = DynamicCache(config=self.text_config)
        for i in range(-len(pasts[0]), 0):
            pairs = [own[i] for own in pasts]
            keys, values = ([nn.functional.pad(p[k], (0, 0, past - p[k].shape[1], 0)) for p in pairs] for k in (0, 1))
            cache.update(torch.stack(keys), torch.stack(values), len(self.blocks) + i)
        places = self._stacked_places([self._row_places(r)[:, len(r.context.ids) - 1 :] for r in rows])
        with self._during(blocks, steers):
            return self.text(
                inputs_embeds=stacked, attention_mask=self._mask_behind(rows, past, new), position_ids=places, past_key_values=cache, use_cache=True
            ).last_hidden_state

    def _mask_behind(self, rows: list[Row], past: int, new: int) -> Tensor:
        """[B, 1, new, past + new]: each answer sees its prompt and itself."""
        sees = torch.zeros(len(rows), new, past + new, dtype=torch.bool, device=self.device)
        own = torch.ones(new, new, dtype=torch.bool, device=self.device).tril()
        for i, row in enumerate(rows):
            shift = new - len(row)  # from places in the row to places among the new tokens
            first = shift + len(row.context.ids) - 1
            sees[i, first:, past - len(row.context.ids) + 1 : past] = True
            sees[i, first:, past + first :] = own[first:, first:]
            for start, end in row.spans:
                sees[i, shift + start : shift + end, past + first + 1 : past + shift + start] = False
        lowest = torch.finfo(self.dtype).min
        return torch.zeros(sees.shape, dtype=self.dtype, device=self.device).masked_fill(~sees, lowest)[:, None]

    # The kept stream

    @torch.no_grad()
    def keep(self, samples: Iterable[Sample]) -> None:
        """Fills what is missing of the stream below the vector."""
        samples = list(samples)
        self._touch(s.context for s in samples)
        missing = [s for s in samples if s.context.below is None or (len(s.ids) > 1 and s.key not in s.context.answers)]
        for indices in self.batches(missing):
            self.calls["below"] += 1
            rows = self._rows([missing[i] for i in indices])
            _, (stream,) = self._run(rows, [self._embedded(r) for r in rows], self.lower, see=True)
            for i, row in enumerate(rows):
                own = stream[i, -len(row) :]
                gate = None if self._functional is None else self._gates[i, -len(row) :]
                self._store(row.context, own, gate)
                for sample, (start, end) in zip(row.samples, row.spans):
                    row.context.answers[sample.key] = Kept(own[start:end].clone(), None if gate is None else gate[start:end].clone())
        if self.reuses:
            for context in [c for c in {id(s.context): s.context for s in samples}.values() if c.past is None]:
                context.past = self._past(context, self.block + 1)
        self.trim(s.context for s in samples)

    @torch.no_grad()
    def _past(self, context: Context, block: int) -> Past:
        """Keys and values of a prompt from a block on, by a pass of its own."""
        row = Row(context)
        cache = DynamicCache(config=self.text_config)
        self.calls["whole"] += 1
        self.positions += len(row)
        with self._during():
            self.text(
                inputs_embeds=self._stacked([self._embedded(row)]),
                attention_mask=self._mask([row], len(row)),
                position_ids=self._stacked_places([self._row_places(row)]),
                past_key_values=cache,
                use_cache=True,
                **self._deepstack([(context, len(row))], len(row)),
            )
        return self._past_in(cache, 0, context, block)

    def _past_in(self, cache: DynamicCache, row: int, context: Context, block: int) -> Past:
        """Keys and values of a prompt, which ends where the row does, but those of its last token."""
        own = slice(-len(context.ids), -1)
        return [(layer.keys[row, :, own].clone(), layer.values[row, :, own].clone()) for layer in cache.layers[block:]]

    def _store(self, context: Context, stream: Tensor, gate: Tensor | None) -> None:
        if context.below is None:
            own = slice(len(context.ids) - 1 if self.reuses else 0, len(context.ids))
            context.below = stream[own].clone()
            context.gate = None if gate is None else gate[own].clone()

    def _kept_row(self, row: Row) -> tuple[Tensor, Tensor | None]:
        kept = [row.context.answers[s.key] for s in row.samples if len(s.ids) > 1]
        gates = [row.context.gate, *[k.gate for k in kept]]
        return torch.cat([row.context.below, *[k.below for k in kept]]), None if self._functional is None else torch.cat(gates)

    # Log-probabilities

    def scores(self, batch: list[Sample], steers: list[Steer], kept: bool = True) -> list[Tensor]:
        """Log-probabilities of one batch, [A] a sample; differentiable by the vectors and by trained weights."""
        rows = self._rows(batch)
        if kept and self.keeps and not self.altered and all(self._trains(steer) for steer in steers):
            self.keep(batch)
            self.calls["above"] += 1
            streams = [self._added(row, steers) for row in rows]
            if self.reuses:
                hidden = self._run_behind(rows, streams, [r.context.past for r in rows], self.upper)
            else:
                hidden, _ = self._run(rows, streams, self.upper)
            self.trim()
        else:
            self.calls["whole"] += 1
            hidden, _ = self._run(rows, [self._embedded(r) for r in rows], None, steers)
        return self._read(batch, rows, hidden)

    def scores_behind(self, batch: list[Sample], steers: list[Steer]) -> list[Tensor]:
        """As `scores` of vectors at answers, behind any blocks: the gradient does not run through the prompts."""
        rows = self._rows(batch)
        streams = [self._embedded(row)[len(row.context.ids) - 1 :] for row in rows]
        hidden = self._run_behind(rows, streams, [self._past(row.context, 0) for row in rows], None, steers)
        return self._read(batch, rows, hidden)

    def _added(self, row: Row, steers: list[Steer]) -> Tensor:
        """The kept stream of a row with the vectors added."""
        stream, gate = self._kept_row(row)
        where = self._answers([row], len(row))[0] if self.at_answers and not self.reuses else None
        for steer in steers:
            stream = self._steered(stream, steer, where, gate)
        return stream

    def _read(self, batch: list[Sample], rows: list[Row], hidden: Tensor) -> list[Tensor]:
        """Each token is predicted where the one before it stands: an answer's first at the end of the prompt."""
        found: dict[int, Tensor] = {}
        for i, row in enumerate(rows):
            shift = hidden.shape[1] - len(row)
            last = shift + len(row.context.ids) - 1
            for k, (start, end) in zip(row.indices, row.spans):
                places = [last, *range(shift + start, shift + end)]
                logits = self.head(hidden[i, places]).float()
                wanted = torch.from_numpy(batch[k].ids.astype(np.int64)).to(self.device)
                found[k] = logits.gather(1, wanted[:, None])[:, 0] - torch.logsumexp(logits, 1)
        return [found[k] for k in range(len(batch))]

    def batches(self, samples: list[Sample]) -> Iterator[list[int]]:
        """Indices of samples that run together: those of one context, then those alike in length."""
        order = sorted(range(len(samples)), key=lambda i: (len(samples[i].context.ids), id(samples[i].context), len(samples[i].ids)))
        batch: list[int] = []
        longest = answers = 0
        for i in order:
            longest = max(longest, len(samples[i]))
            if batch and (longest * (len(batch) + 1) > self.row_tokens or answers + len(samples[i].ids) > self.answer_tokens):
                yield batch
                batch, longest, answers = [], len(samples[i]), 0
            batch.append(i)
            answers += len(samples[i].ids)
        if batch:
            yield batch

    # Sampling

    @torch.no_grad()
    def sample(self, names: list[str], seeds: list[int | str], n: int, most: int, draw: Draw, steer: Steer | None) -> list[list[Json]]:
        """`n` answers to each context, of at most `most` tokens. The stream below the vector is kept on the way."""
        contexts = [self.of(name) for name in names]
        self._touch(contexts)
        streams = self._stacked([self._embedded(Row(c)) for c in contexts])
        length = streams.shape[1]
        keeps = self.keeps and not self.altered and self._leaves_stream(steer)
        self.positions += len(contexts) * length
        mask = self._mask([Row(c) for c in contexts], length)
        places = self._stacked_places([self._place(c, []) for c in contexts])
        deep = self._deepstack([(c, len(c.ids)) for c in contexts], length)
        cache = DynamicCache(config=self.text_config)
        where = self._answers([Row(c) for c in contexts], length) if steer is not None and steer.at_answers else None
        with self._during(None, [] if steer is None else [steer], where, see=True) as seen:
            hidden = self.text(
                inputs_embeds=streams, attention_mask=mask, position_ids=places, past_key_values=cache, use_cache=True, **deep
            ).last_hidden_state[:, -1]
            if keeps:
                for i, context in enumerate(contexts):
                    own = len(context.ids)
                    self._store(context, seen[0][i, -own:], None if self._functional is None else self._gates[i, -own:])
                    if self.reuses and context.past is None:
                        context.past = self._past_in(cache, i, context, self.block + 1)
            seen.clear()
            if n > 1:
                # Caches with a running state have no other method that repeats their rows.
                cache.reorder_cache(torch.arange(len(contexts), device=self.device).repeat_interleave(n))
            answers = [Answer(contexts[i], uniforms_of(seed, k, most)) for i, seed in enumerate(seeds) for k in range(n)]
            self._where = None  # what follows is the answer
            self._continue(answers, hidden.repeat_interleave(n, 0), mask.repeat_interleave(n, 0), cache, most, draw, seen)
        for answer in answers:
            if keeps and len(answer.ids) > 1:
                gate = None if self._functional is None else torch.stack(answer.gates)
                answer.context.answers[np.array(answer.ids, dtype="<i4").tobytes()] = Kept(torch.stack(answer.below), gate)
        self.trim()
        told = [answer.told(self.tokenizer) for answer in answers]
        return [told[i * n : (i + 1) * n] for i in range(len(contexts))]

    def _continue(self, answers: list[Answer], hidden: Tensor, mask: Tensor, cache: DynamicCache, most: int, draw: Draw, seen: list[Tensor]) -> None:
        """Draws token after token until every answer has ended."""
        live = answers
        for step in range(most):
            logits = self.head(hidden).float()
            tokens = draw.choose(logits, torch.stack([a.uniforms[step] for a in live]).to(self.device))
            own = torch.log_softmax(logits, -1).gather(1, tokens[:, None])[:, 0]
            for answer, token, logprob in zip(live, tokens.tolist(), own.tolist()):
                answer.ids.append(token)
                answer.logprobs.append(logprob)
                answer.ended = token in self.ends
            still = [i for i, answer in enumerate(live) if not answer.ended]
            if not still or step + 1 == most:
                return
            if len(still) < len(live):
                kept = torch.tensor(still, device=self.device)
                cache.reorder_cache(kept)
                mask, tokens, live = mask[kept], tokens[kept], [live[i] for i in still]
            mask = torch.cat([mask, mask.new_ones(len(mask), 1)], 1)
            self.positions += len(live)
            rows = [[len(a.context.ids) + step, *([a.context.next + step] * 3 if self.sees else [])] for a in live]
            places = torch.tensor(rows, device=self.device).T[..., None]
            hidden = self.text(
                inputs_embeds=self.embedding(tokens)[:, None],
                attention_mask=mask,
                position_ids=places if self.sees else places[0],
                past_key_values=cache,
                use_cache=True,
            ).last_hidden_state[:, -1]
            for i, answer in enumerate(live):
                answer.below.append(seen[0][i, 0])
                if self._functional is not None:
                    answer.gates.append(self._gates[i, 0])
            seen.clear()


@dataclass
class Answer:
    """An answer while it is drawn."""

    context: Context
    uniforms: Tensor  # [most], what its tokens are drawn with
    ids: list[int] = field(default_factory=list)
    logprobs: list[float] = field(default_factory=list)
    below: list[Tensor] = field(default_factory=list)
    gates: list[Tensor] = field(default_factory=list)
    ended: bool = False

    def told(self, tokenizer: Any) -> Json:
        return {
            "text": tokenizer.decode(self.ids, skip_special_tokens=True),
            "tokens": [tokenizer.decode([i]) for i in self.ids],
            "ids": encode(self.ids, "<i4"),
            "logprobs": encode(self.logprobs),
            "finish": "stop" if self.ended else "length",
        }


def uniforms_of(seed: int | str, index: int, count: int) -> Tensor:
    """[count] numbers in [0, 1) that the tokens of an answer are drawn with."""
    digest = hashlib.sha256(f"{seed}/{index}".encode()).digest()
    random = torch.Generator().manual_seed(int.from_bytes(digest[:7], "big"))
    return torch.rand(count, generator=random, dtype=torch.float64)


@dataclass(frozen=True)
class Draw:
    """How tokens are drawn."""

    temperature: float
    top_p: float
    top_k: int
    # Tokens that are sorted first; the rest only where a draw may fall among them.
    likeliest: int = 512

    def choose(self, logits: Tensor, uniforms: Tensor) -> Tensor:
        """One token a row: the likeliest at temperature 0, otherwise by the inverse of the distribution."""
        if self.temperature == 0:
            return logits.argmax(-1)
        chances = torch.softmax(logits.double() / self.temperature, -1)
        # A draw hardly ever leaves the likeliest few hundred, and sorting all costs more than the network of a small model.
        count = min(self.likeliest, chances.shape[1])
        drawn, inside = self._draw(*chances.topk(count), uniforms, count == chances.shape[1])
        if not inside.all():
            rest = ~inside
            drawn[rest], _ = self._draw(*chances[rest].sort(-1, descending=True), uniforms[rest], True)
        return drawn

    def _draw(self, chances: Tensor, places: Tensor, uniforms: Tensor, are_all: bool) -> tuple[Tensor, Tensor]:
        """A token a row by chances in falling order, and whether the tokens left out could not have changed it."""
        before = chances.cumsum(-1) - chances
        inside = torch.full_like(uniforms, are_all, dtype=torch.bool)
        if self.top_p < 1:
            inside |= before[:, -1] >= self.top_p
            chances = chances.masked_fill(before >= self.top_p, 0)
        if 0 < self.top_k <= chances.shape[1]:
            inside[:] = True
            chances = chances.masked_fill(torch.arange(chances.shape[1], device=chances.device) >= self.top_k, 0)
        sums = chances.cumsum(-1)
        total = torch.where(inside, sums[:, -1], 1.0)
        if self.top_p == 1 and not self.top_k:
            inside |= uniforms < sums[:, -1]
        at = torch.searchsorted(sums, (uniforms * total)[:, None], right=True)
        return places.gather(1, at.clamp_max(chances.shape[1] - 1))[:, 0], inside


def source_of(folder: str) -> dict[str, str]:
    """What `from_pretrained` needs besides a folder: the name of its file if that is in GGUF, which is dequantised."""
    names = sorted(os.listdir(folder))
    files = [name for name in names if name.endswith(".gguf")]
    if "config.json" in names:
        return {}
    if len(files) != 1:
        raise Refused("bad-request", f"Expected config.json and weights, or one GGUF file, in {folder}, got {names}")
    return {"gguf_file": files[0]}


def hash_of(folder: str) -> str:
    """The first 12 hexadecimal digits of a hash of the configuration and the weights."""
    digest = hashlib.sha256()
    for name in sorted(os.listdir(folder)):
        if name.endswith((".safetensors", ".bin", ".gguf")) or name in ("config.json", "adapter_config.json"):
            with open(os.path.join(folder, name), "rb") as file:
                while chunk := file.read(1 << 22):
                    digest.update(chunk)
    return digest.hexdigest()[:12]


# The operations


class Worker:
    """One open model, what is trained of it, and a method for each operation."""

    def __init__(self) -> None:
        self.opened: Network | None = None
        self.train: Json = {}
        self.lora: LowRank | None = None  # what is trained, where that is low-rank matrices
        self.held: dict[str, LowRank] = {}  # by what was read: matrices that answers are written with

    @property
    def network(self) -> Network:
        if self.opened is None:
            raise Refused("bad-request", "No model is open: send `open` first")
        return self.opened

    def op_open(
        self,
        model: str,
        train: Json | None = None,
        dtype: str = "float32",
        device: str = "auto",
        attention: str = "sdpa",
        threads: int | None = None,
        rowTokens: int = 16384,
        answerTokens: int = 2048,
        keepBytes: int = 2 << 30,
    ) -> Json:
        """Loads a folder of weights. `train`: {kind, block, at, rank, alpha, targets, seed}."""
        if not os.path.isdir(model):
            raise Refused("bad-request", f"Expected a folder of weights, got {model}")
        if threads:
            torch.set_num_threads(threads)
        self.opened = Network(model, dtype, device, attention, rowTokens, answerTokens, keepBytes)
        self.lora = None
        self.held = {}
        self._train(train or {})
        return self._told()

    def op_train(self, train: Json) -> Json:
        """Trains something else of the open model, from its start."""
        if "all" in (self.train["kind"], train.get("kind")):
            raise Refused("bad-request", "All weights are trained from the start or not at all: open the model again")
        self._train(train)
        return self._told()

    def _train(self, train: Json) -> None:
        self.train = {"kind": "vector", "at": "all", "block": int(0.47 * len(self.network.blocks)), **train}
        self._begin()

    def _told(self) -> Json:
        """What is open, and what of it is trained."""
        network = self.network
        return {
            **{"model": network.id, "block": network.block, "blocks": len(network.blocks), "width": network.width},
            "at": "answer" if network.at_answers else "all",
            "vocabulary": network.text_config.vocab_size,
            "architecture": re.sub(r"_text$", "", network.text_config.model_type).replace("_", ""),
            "contextTokens": getattr(network.text_config, "max_position_embeddings", None),
            "parameters": sum(p.numel() for p in network.model.parameters()),
            "trained": sum(p.numel() for p in self.adam.parameters.values()),
            "can": {"images": network.sees, "keepsStream": network.keeps, "packsAnswers": network.packs},
            "device": str(network.device),
            "dtype": str(network.dtype).removeprefix("torch."),
            "versions": {"torch": torch.__version__, "transformers": transformers.__version__, "python": sys.version.split()[0]},
        }

    def _begin(self) -> None:
        """Makes what is trained, at its start."""
        network, kind = self.network, self.train["kind"]
        if kind not in ("vector", "rank-one", "lora", "all"):
            raise Refused("bad-request", f"Expected `train.kind` vector, rank-one, lora or all, got {kind!r}")
        steers = kind in ("vector", "rank-one")
        network.steer_at(self.train["block"], self.train["at"] == "answer", steers)
        if self.lora is not None:
            self.lora.remove()
        self.lora = None
        if steers:
            parameters = {"vector": torch.zeros(network.width, device=network.device).requires_grad_()}
        elif kind == "lora":
            self.lora = LowRank.begun(self._targets(), self.train.get("rank", 8), self.train.get("alpha", 8), self.train.get("seed", 0))
            parameters = self.lora.parameters
        else:
            parameters = {name: p.requires_grad_() for name, p in network.model.named_parameters()}
        self.adam = Adam(parameters)

    def _targets(self) -> dict[str, nn.Linear]:
        pattern = re.compile(self.train.get("targets", r"\.(q_proj|k_proj|v_proj|o_proj|gate_proj|up_proj|down_proj)$"))
        stack = self.network.text
        found = {n: m for n, m in stack.named_modules() if isinstance(m, nn.Linear) and pattern.search(n)}
        if not found:
            raise Refused("bad-request", f"No linear layer of the model has a name that {pattern.pattern!r} finds")
        return found

    def op_context(self, context: str, messages: list[Json], template: Json | None = None, prefix: str = "") -> Json:
        return {"tokens": self.network.add(context, messages, template or {}, prefix)}

    def op_encode(self, texts: list[str]) -> Json:
        """Answers as ids, with the token that ends one: for texts that were not drawn."""
        tokenizer = self.network.tokenizer
        rows = [[*tokenizer(text, add_special_tokens=False)["input_ids"], tokenizer.eos_token_id] for text in texts]
        return {"answers": [{"ids": encode(ids, "<i4"), "tokens": [tokenizer.decode([i]) for i in ids]} for ids in rows]}

    def op_drop(self, contexts: list[str] | None = None) -> Json:
        for name in list(self.network.contexts) if contexts is None else contexts:
            self.network.contexts.pop(name, None)
        return {}

    def op_sample(
        self,
        contexts: list[str],
        n: int = 1,
        temperature: float = 1.0,
        topP: float = 1.0,
        topK: int = 0,
        maxTokens: int = 64,
        seeds: list[int | str] | None = None,
        adapter: Any = None,
    ) -> Json:
        """Answers to contexts, `n` to each. A context's draws depend on its own seed alone."""
        network = self.network
        draw = Draw(temperature, topP, topK)
        seeds = seeds or [0] * len(contexts)
        lengths = [len(network.of(name).ids) + maxTokens for name in contexts]
        order = sorted(range(len(contexts)), key=lambda i: lengths[i])
        found: dict[int, list[Json]] = {}
        with self._with(adapter) as steer:

            def some(group: list[int]) -> None:
                made = network.sample([contexts[i] for i in group], [seeds[i] for i in group], n, maxTokens, draw, steer)
                found.update(zip(group, made))

            at = 0
            while at < len(order):
                count = 1
                while at + count < len(order) and lengths[order[at + count]] * (count + 1) * n <= 2 * network.row_tokens:
                    count += 1
                self._in_memory(some, order[at : at + count])
                at += count
        return {"completions": [found[i] for i in range(len(contexts))]}

    @contextlib.contextmanager
    def _with(self, adapter: Any) -> Iterator[Steer | None]:
        """`None`: without what is trained; "trained": with it; {values, scale, block, at}: with a vector of these values;
        {lora}: with the matrices of PEFT's folder."""
        kind, network = self.train["kind"], self.network
        if isinstance(adapter, dict) and "lora" in adapter:
            held = self._held(adapter["lora"])
            held.on = network.altered = True
            try:
                yield None
            finally:
                held.on = network.altered = False
            return
        if isinstance(adapter, dict):
            if kind == "all":
                raise Refused("bad-request", "Expected no vector where all weights are trained")
            values = torch.from_numpy(decode(adapter["values"])).to(network.device)
            if len(values) != network.width:
                raise Refused("bad-request", f"Expected a vector of {network.width} numbers, got {len(values)}")
            block, at = adapter.get("block", network.block), adapter.get("at", self.train["at"])
            if not 0 <= block < len(network.blocks):
                raise Refused("bad-request", f"Expected `block` from 0 to {len(network.blocks) - 1}, got {block}")
            gated = kind == "rank-one" and block == network.block and adapter.get("gated", True)
            yield Steer(adapter.get("scale", 1.0) * values, block, at == "answer", gated)
            return
        if kind == "all" and adapter is None and self.adam.steps > 0:
            raise Refused("bad-request", "The initial weights are gone after a step: open the model again")
        if self.lora is not None:
            self.lora.on = adapter == "trained"
        try:
            vector = self.adam.parameters.get("vector") if adapter == "trained" else None
            yield None if vector is None else Steer(vector, network.block, network.at_answers, gated=kind == "rank-one")
        finally:
            if self.lora is not None:
                self.lora.on = False

    def _held(self, folder: str, most: int = 4) -> LowRank:
        """The matrices of a folder, read once; the few that were used last are held."""
        try:
            stat = os.stat(os.path.join(folder, "adapter_model.safetensors"))
        except OSError as error:
            raise Refused("broken-file", f"{folder} cannot be read as PEFT's folder: {error}") from error
        key = f"{folder} {stat.st_mtime_ns} {stat.st_size}"
        held = self.held.pop(key, None) or read_lora(folder, self.network.text)
        self.held[key] = held
        while len(self.held) > most:
            self.held.pop(next(iter(self.held))).remove()
        return held

    def op_lora(self, path: str) -> Json:
        """Whether PEFT's folder fits the model; what it adds."""
        held = self._held(path)
        return {"path": path, "revision": hash_of(path), "norm": held.norm(), "layers": len(held.layers)}

    def _in_memory(self, work: Callable[[list[Any]], None], items: list[Any]) -> None:
        """Does work on items together, or on halves of them where they do not fit into memory."""
        try:
            work(items)
            return
        except (torch.OutOfMemoryError, MemoryError):
            if len(items) == 1:
                raise
        except RuntimeError as error:
            if not re.search("can't allocate memory|not enough memory", str(error)) or len(items) == 1:
                raise
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
        print(f"out of memory with {len(items)} at once: half of them", file=sys.stderr)
        half = len(items) // 2
        self._in_memory(work, items[:half])
        self._in_memory(work, items[half:])

    def _samples(self, samples: list[Json]) -> list[Sample]:
        found = [Sample(self.network.of(s["context"]), decode(s["ids"], "<i4")) for s in samples]
        if any(len(s.ids) == 0 for s in found):
            raise Refused("bad-request", "A sample without tokens has no log-probability")
        return found

    def op_logprobs(self, samples: list[Json], adapter: Any = "trained", kept: bool = True) -> Json:
        given = self._samples(samples)
        found: list[str] = [""] * len(given)
        with self._with(adapter) as steer, torch.no_grad():
            steers = [] if steer is None else [steer]

            def some(indices: list[int]) -> None:
                for i, scores in zip(indices, self.network.scores([given[i] for i in indices], steers, kept)):
                    found[i] = encode(scores.cpu())

            for indices in self.network.batches(given):
                self._in_memory(some, indices)
        return {"logprobs": found}

    def op_accumulate(self, samples: list[Json], weights: list[str], kept: bool = True) -> Json:
        """Adds the gradient of the weighted sum, all of it or nothing."""
        given = self._samples(samples)
        factors = [torch.from_numpy(decode(w)).to(self.network.device) for w in weights]
        if [len(f) for f in factors] != [len(s.ids) for s in given]:
            raise Refused("bad-request", "Expected a weight for each token of each sample")
        before = {name: None if p.grad is None else p.grad.clone() for name, p in self.adam.parameters.items()}
        parameters = list(self.adam.parameters.values())

        def some(indices: list[int]) -> None:
            scores = self.network.scores([given[i] for i in indices], steers, kept)
            total = sum((s * factors[i]).sum() for i, s in zip(indices, scores))
            # All gradients or none: half of a batch that did not fit into memory must not count twice.
            for p, gradient in zip(parameters, torch.autograd.grad(total, parameters, allow_unused=True)):
                if gradient is not None:
                    p.grad = gradient if p.grad is None else p.grad.add_(gradient)

        try:
            with self._with("trained") as steer:
                steers = [] if steer is None else [steer]
                for indices in self.network.batches(given):
                    self._in_memory(some, indices)
        except BaseException:
            for name, p in self.adam.parameters.items():
                p.grad = before[name]
            raise
        return {}

    def op_step(
        self, learningRate: float, maxGradientNorm: float | None = None, betas: tuple[float, float] = (0.9, 0.999), weightDecay: float = 0.0
    ) -> Json:
        gradient, update, norm = self.adam.step(learningRate, maxGradientNorm, betas, weightDecay)
        if self.train["kind"] == "all":
            self.network.forget()
        return {"gradientNorm": gradient, "updateNorm": update, "norm": norm}

    def op_gradient(self) -> Json:
        """The accumulated gradient, all tensors behind each other."""
        return {"values": encode(torch.cat([self.adam.gradient(n).flatten() for n in self.adam.parameters]).cpu())}

    def op_snapshot(self) -> Json:
        """The trained vector. For `lora` and `all`: `save` or `export`."""
        return {"values": encode(self._vector().detach().cpu()), "steps": self.adam.steps}

    def op_set(self, values: str) -> Json:
        vector, given = self._vector(), torch.from_numpy(decode(values))
        if given.shape != vector.shape:
            raise Refused("bad-request", f"Expected {len(vector)} values, got {len(given)}")
        with torch.no_grad():
            vector.copy_(given)
        return {}

    def _vector(self) -> Tensor:
        if "vector" not in self.adam.parameters:
            raise Refused("bad-request", f"There is no vector where {self.train['kind']} is trained")
        return self.adam.parameters["vector"]

    def op_reset(self) -> Json:
        """Back to the start of training. All weights are read again by `open`."""
        if self.train["kind"] == "all":
            raise Refused("bad-request", "All weights are trained: open the model again")
        if self.lora is not None:
            self._begin()
            return {}
        self._vector().data.zero_()
        self.adam = Adam(self.adam.parameters)
        return {}

    @torch.no_grad()
    def op_scale(self, factor: float) -> Json:
        """Multiplies what is trained: a vector, or what low-rank matrices add."""
        if self.train["kind"] == "all":
            raise Refused("bad-request", "Whole weights cannot be multiplied")
        for name, p in self.adam.parameters.items():
            if name.endswith("lora_B") or name == "vector":
                p.mul_(factor)
        return {}

    def op_block(self, block: int, at: str | None = None) -> Json:
        """Another block for the vector, or other tokens. It starts at zero again."""
        self._vector()
        self.network.steer_at(block, (at or self.train["at"]) == "answer", True)
        self.train |= {"block": block, "at": at or self.train["at"]}
        return self.op_reset()

    def op_agreement(self, samples: list[Json], weights: list[str], halves: list[int], at: str | None = None) -> Json:
        """Where samples agree on a direction: the gradient of the weighted sum by a vector behind each block, of two halves
        of the samples apart, as cosine and norms a block. `null` for blocks behind which pictures enter again."""
        self._vector()
        network = self.network
        given = self._samples(samples)
        factors = [torch.from_numpy(decode(w)).to(network.device) for w in weights]
        at_answers = (at or self.train["at"]) == "answer"
        sums = [[torch.zeros(network.width, device=network.device) for _ in network.blocks] for _ in (0, 1)]
        for half in (0, 1):

            def some(indices: list[int]) -> None:
                vectors = [torch.zeros(network.width, device=network.device, requires_grad=True) for _ in network.blocks]
                steers = [Steer(vector, block, at_answers) for block, vector in enumerate(vectors)]
                batch = [given[i] for i in indices]
                behind = at_answers and network.packs
                scores = network.scores_behind(batch, steers) if behind else network.scores(batch, steers, False)
                total = sum((s * factors[i]).sum() for i, s in zip(indices, scores))
                for own, gradient in zip(sums[half], torch.autograd.grad(total, vectors)):
                    own += gradient

            chosen = [i for i, own in enumerate(halves) if own == half]
            for indices in network.batches([given[i] for i in chosen]):
                self._in_memory(some, [chosen[i] for i in indices])
        found = [
            {"cosine": float(torch.cosine_similarity(a, b, dim=0)), "norms": [float(a.norm()), float(b.norm())]} if block >= network.deep else None
            for block, (a, b) in enumerate(zip(*sums))
        ]
        return {"blocks": found}

    def _about(self) -> dict[str, str]:
        told = {key: self.train.get(key) for key in ("kind", "block", "at", "rank", "targets")}
        return {"model": self.network.id, "train": json.dumps(told), "steps": str(self.adam.steps)}

    def op_save(self, path: str) -> Json:
        """What is trained, the accumulated gradient and the optimiser's state: a whole file or none."""
        from safetensors.torch import save_file

        adam = self.adam
        tensors: dict[str, Tensor] = {}
        for name, p in adam.parameters.items():
            tensors |= {f"value/{name}": p.detach(), f"gradient/{name}": adam.gradient(name)}
            tensors |= {f"first/{name}": adam.first[name], f"second/{name}": adam.second[name]}
        save_file({key: t.contiguous().cpu() for key, t in tensors.items()}, f"{path}.new", metadata=self._about())
        os.replace(f"{path}.new", path)
        return {"path": path, "revision": hash_of_file(path)}

    def op_load(self, path: str) -> Json:
        from safetensors import SafetensorError, safe_open

        adam = self.adam
        try:
            with safe_open(path, "pt") as file:
                about = file.metadata() or {}
                if {**about, "steps": ""} != {**self._about(), "steps": ""}:
                    raise Refused("other-training", f"{path} is of another model or of other settings: {about}")
                tensors = {key: file.get_tensor(key) for key in file.keys()}
        except (SafetensorError, FileNotFoundError) as error:
            raise Refused("broken-file", f"{path} cannot be read: {error}") from error
        for name, p in adam.parameters.items():
            p.data.copy_(tensors[f"value/{name}"])
            p.grad = tensors[f"gradient/{name}"].to(p.device, p.dtype)
            adam.first[name].copy_(tensors[f"first/{name}"])
            adam.second[name].copy_(tensors[f"second/{name}"])
        adam.steps = int(about["steps"])
        return {"steps": adam.steps}

    def op_export(self, path: str, merged: bool = False, scale: float = 1.0) -> Json:
        """Writes a folder: the whole model where all weights are trained or `merged` asks for it; PEFT's for low-rank
        matrices and for `rank-one`, which is such matrices beside a block's last projection."""
        os.makedirs(path, exist_ok=True)
        if self.train["kind"] == "all" or (merged and self.lora is not None):
            self.network.model.save_pretrained(path, state_dict=self._weights())
            self.network.tokenizer.save_pretrained(path)
            if self.network.sees:
                self.network.images.save_pretrained(path)
            return {"path": path, "revision": hash_of(path), "norm": None}
        if self.lora is not None:
            lora = self.lora
            matrices, alpha, norm = lora.parameters, next(iter(lora.scales.values())), lora.norm()
            alpha *= next(iter(lora.parameters.values())).shape[0]
        elif self.train["kind"] == "rank-one":
            name, functional = f"layers.{self.network.block}.mlp.down_proj", self.network.functional
            if functional is None:
                raise Refused("bad-request", "`rank-one` is matrices once its function is known: send `calibrate` first")
            vector = self._vector().detach()
            matrices, alpha, norm = {f"{name}.lora_A": functional[None], f"{name}.lora_B": vector[:, None]}, 1.0, float(vector.norm())
        else:
            raise Refused("bad-request", "A vector is told by `snapshot`")
        self._export_lora(path, matrices, alpha * scale)
        return {"path": path, "revision": hash_of(path), "norm": norm * scale}

    def _stack(self) -> str:
        """The name of the text stack in the model."""
        (name,) = (name for name, module in self.network.model.named_modules() if module is self.network.text)
        return name

    @torch.no_grad()
    def _weights(self) -> dict[str, Tensor]:
        """All weights, the products of low-rank matrices added to those they stand beside."""
        weights = self.network.model.state_dict()
        for name, layer in self.lora.layers.items() if self.lora else ():
            weights[f"{self._stack()}.{name}.weight"] = layer.weight + self.lora.product(name).to(layer.weight.dtype)
        return weights

    def _export_lora(self, path: str, matrices: dict[str, Tensor], alpha: float) -> None:
        from safetensors.torch import save_file

        stack = self._stack()
        tensors = {f"base_model.model.{stack}.{name}.weight": p.detach().float().contiguous().cpu() for name, p in matrices.items()}
        save_file(tensors, os.path.join(path, "adapter_model.safetensors"), metadata={"format": "pt"})
        config = {
            "peft_type": "LORA",
            "task_type": "CAUSAL_LM",
            "r": next(iter(matrices.values())).shape[0],
            "lora_alpha": alpha,
            "target_modules": sorted({f"{stack}.{name.rsplit('.', 1)[0]}" for name in matrices}),
            "bias": "none",
        }
        with open(os.path.join(path, "adapter_config.json"), "w", encoding="utf-8") as file:
            json.dump(config, file, indent=2)

    @torch.no_grad()
    def op_calibrate(self, contexts: list[str]) -> Json:
        """For `rank-one`: the linear function of the MLP's inputs that is nearest to 1 at the contexts' tokens.

        The first token of a context counts too, though its stream is often a hundred times as long as the others: left
        out, its value could be anything, and all tokens attend to it. The deviation is measured on the contexts that were
        left out of the fit: every other one.
        """
        if self.train["kind"] != "rank-one":
            raise Refused("bad-request", "Only `rank-one` has a function to calibrate")
        network = self.network
        seen: list[Tensor] = []
        hook = network.down_projection().register_forward_pre_hook(lambda _, args: seen.append(args[0][0].double().cpu()))
        try:
            for name in contexts:
                row = Row(network.of(name))
                network._run([row], [network._embedded(row)], network.lower)
        finally:
            hook.remove()
        if len(seen) < 2:
            raise Refused("bad-request", f"Expected two contexts or more, got {len(seen)}")
        inputs = torch.cat(seen[::2])
        gram = inputs.T @ inputs / len(inputs)
        gram += 1e-6 * gram.diagonal().mean() * torch.eye(len(gram), dtype=gram.dtype)
        functional = torch.linalg.solve(gram, inputs.mean(0))
        functional /= inputs.mean(0) @ functional
        values = torch.cat(seen[1::2]) @ functional
        network.gate_by(functional.float())
        return {"values": encode(functional), "mean": float(values.mean()), "deviation": float(values.std()), "tokens": len(values)}

    def op_gate(self, values: str) -> Json:
        """For `rank-one`: sets the function that `calibrate` told earlier."""
        if self.train["kind"] != "rank-one":
            raise Refused("bad-request", "Only `rank-one` has a gate")
        self.network.steer_at(self.network.block, self.network.at_answers, True)
        self.network.gate_by(torch.from_numpy(decode(values)))
        return {}

    def op_streamnorm(self, contexts: list[str]) -> Json:
        """Mean and median length of the stream that the vector is added to, first tokens left out."""
        network = self.network
        found: list[Tensor] = []
        with torch.no_grad():
            for name in contexts:
                row = Row(network.of(name))
                _, (stream,) = network._run([row], [network._embedded(row)], network.lower, see=True)
                found.append(stream[0, 1:].float().norm(dim=-1))
        lengths = torch.cat(found)
        return {"mean": float(lengths.mean()), "median": float(lengths.median())}

    def op_stats(self) -> Json:
        """Passes through the network so far, and what is kept in memory."""
        network = self.network
        return {
            "calls": network.calls,
            "positions": network.positions,
            "contexts": len(network.contexts),
            "keptBytes": sum(c.bytes for c in network.contexts.values()),
            "keepBytes": network.keep_bytes,
            "forgotten": network.forgotten,
            "cpuSeconds": time.process_time(),
        }

    def handle(self, request: Json) -> Json:
        operation = request.pop("op", None)
        method = getattr(self, f"op_{operation}", None)
        if method is None:
            raise Refused("bad-request", f"There is no operation {operation!r}")
        try:
            return method(**request)
        except TypeError as error:
            if method.__name__ not in str(error):
                raise
            raise Refused("bad-request", str(error)) from error
        except KeyError as error:
            raise Refused("bad-request", f"The request lacks {error}") from error


def hash_of_file(path: str) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:12]


def answer(worker: Worker, line: str) -> Json:
    """The answer to one request; a failure is an answer too."""
    identity: Any = None

    def failed(code: str, message: str, retryable: bool = False) -> Json:
        return {"id": identity, "error": {"code": code, "message": message, "retryable": retryable}}

    try:
        request = json.loads(line)
        identity = request.pop("id", None)
        started = time.perf_counter()
        result = worker.handle(request)
        return {"id": identity, "result": result, "seconds": round(time.perf_counter() - started, 4)}
    except Refused as refused:
        return failed(refused.code, str(refused), refused.retryable)
    except json.JSONDecodeError as error:
        return failed("bad-request", f"The request is no JSON: {error}")
    except (torch.OutOfMemoryError, MemoryError) as error:
        return failed("out-of-memory", str(error).splitlines()[0] if str(error) else "out of memory")
    except Exception as error:  # the caller decides what a failure means
        traceback.print_exc()
        return failed("internal", f"{type(error).__name__}: {error}")


def main() -> None:
    # Libraries print to standard output too: that goes to the log, never between the answers.
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    worker = Worker()
    for line in sys.stdin:
        if line.strip():
            answers.write(json.dumps(answer(worker, line)) + "\n")
            answers.flush()


if __name__ == "__main__":
    main()

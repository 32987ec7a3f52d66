#!/usr/bin/env python3
"""DPO on a job's pairs by TRL: python train.py. It reads job.json and pairs.jsonl beside it, and writes result/."""

import json
import math
import os
from pathlib import Path
from typing import Any

import torch
from datasets import Dataset, Image, List
from peft import BeftConfig, LoraConfig, PeftConfig
from transformers import AutoConfig, AutoModelForCausalLM, AutoModelForImageTextToText, AutoProcessor, AutoTokenizer
from trl import DPOConfig, DPOTrainer

FOLDER = Path(__file__).resolve().parent
JOB: dict[str, Any] = json.loads((FOLDER / "job.json").read_text())
SETTINGS: dict[str, Any] = JOB["settings"]
LINEAR = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
# Prompts that the stream's length is measured on.
MEASURED = 16


def texts(row: dict[str, Any], processing: Any, tokenizer: Any) -> dict[str, Any]:
    """A row as TRL's plain text: the prompt as the product sends it, and each answer with the token that ends it."""
    arguments = row.get("chat_template_kwargs", {})
    prompt = processing.apply_chat_template(row["prompt"], tokenize=False, add_generation_prompt=True, **arguments)
    pictures = row.get("images", [])
    # TRL adds the token that begins a text to texts without pictures.
    begin = tokenizer.bos_token
    if begin and not pictures and tokenizer("")["input_ids"][:1] == [tokenizer.bos_token_id]:
        prompt = prompt.removeprefix(begin)
    found: dict[str, Any] = {"prompt": prompt + JOB["prefix"]}
    for side in ("chosen", "rejected"):
        answer = row[side][0]["content"].removeprefix(JOB["prefix"])
        # A template may open the thinking that an answer begins with.
        if prompt.endswith("<think>\n"):
            answer = answer.removeprefix("<think>").lstrip("\n")
        found[side] = answer + tokenizer.eos_token
    if pictures:
        found["images"] = [str(FOLDER / path) for path in pictures]
    return found


def adapter(model: torch.nn.Module) -> PeftConfig | None:
    """What is trained beside the frozen weights; nothing where all weights are."""
    if JOB["kind"] == "all":
        return None
    if JOB["kind"] == "lora":
        lora = SETTINGS["lora"]
        # The picture tower stays as it is.
        targets = [n for n, m in model.named_modules() if isinstance(m, torch.nn.Linear) and n.rsplit(".", 1)[-1] in LINEAR and "visual" not in n]
        return LoraConfig(r=lora["rank"], lora_alpha=lora["alpha"], lora_dropout=0.0, target_modules=targets, task_type="CAUSAL_LM")
    return BeftConfig(target_modules=[projection(model)[0]], task_type="CAUSAL_LM")


def projection(model: torch.nn.Module) -> tuple[str, torch.nn.Module]:
    """The last projection of the block's MLP."""
    ending = f"layers.{JOB['block']}.mlp.down_proj"
    found = [(name, module) for name, module in model.named_modules() if name.endswith(ending) and "visual" not in name]
    if len(found) != 1 or not isinstance(found[0][1], torch.nn.Linear):
        raise SystemExit(f"Expected one linear layer {ending}, got {[name for name, _ in found]}: a block of experts has none. Export the job with --kind lora.")
    return found[0]


@torch.no_grad()
def learning_rate(model: torch.nn.Module, rows: list[dict[str, Any]], processing: Any) -> float:
    """The rate by which the vector may reach its share of the stream's length: Adam moves each number by about the rate."""
    rate = SETTINGS["rate"]
    if "learningRate" in rate:
        return rate["learningRate"]
    lengths: list[torch.Tensor] = []
    block = model.get_submodule(projection(model)[0].removesuffix(".mlp.down_proj"))

    def measure(_module: torch.nn.Module, _args: Any, output: Any) -> None:
        stream = output[0] if isinstance(output, tuple) else output
        # The first token's stream is often a hundred times as long as the others.
        lengths.append(stream[0, 1:].float().norm(dim=-1))

    hook = block.register_forward_hook(measure)
    prompts = list({row["prompt"]: row for row in rows}.values())
    for row in prompts[:: math.ceil(len(prompts) / MEASURED)]:
        pictures = {"images": [[picture(path) for path in row["images"]]]} if "images" in row else {}
        inputs = processing(text=[row["prompt"]], return_tensors="pt", add_special_tokens="images" not in row, **pictures)
        model(**inputs.to(model.device))
    hook.remove()
    mean = float(torch.cat(lengths).mean())
    width = model.config.get_text_config().hidden_size
    steps = SETTINGS["steps"]
    # How many steps at the whole rate all of them add up to.
    whole = sum(math.sqrt(1 - i / steps) if SETTINGS["decay"] == "root" else 1.0 for i in range(steps))
    found = rate["share"] * mean / (whole * math.sqrt(width))
    print(f"mean length of the stream {mean:.1f}, learning rate {found:.2e}")
    return found


def losses() -> dict[str, Any]:
    """DPO and the likelihood term, by their weights."""
    weights = {"sigmoid": SETTINGS["preference"], "sft": SETTINGS["likelihood"]}
    used = {name: float(weight) for name, weight in weights.items() if weight > 0}
    return {"loss_type": list(used), "loss_weights": list(used.values())}


def schedule() -> dict[str, Any]:
    if SETTINGS["decay"] == "none":
        return {"lr_scheduler_type": "constant"}
    return {"lr_scheduler_type": "polynomial", "lr_scheduler_kwargs": {"power": 0.5, "lr_end": 0.0}}


def picture(path: str) -> Any:
    from PIL import Image as Picture

    return Picture.open(path).convert("RGB")


def main() -> None:
    rows = [json.loads(line) for line in (FOLDER / "pairs.jsonl").read_text().splitlines()]
    folder, config = JOB["model"], AutoConfig.from_pretrained(JOB["model"])
    sees = getattr(config, "vision_config", None) is not None
    with_pictures = any("images" in row for row in rows)
    processing = AutoProcessor.from_pretrained(folder) if with_pictures else AutoTokenizer.from_pretrained(folder)
    tokenizer = getattr(processing, "tokenizer", processing)
    family = AutoModelForImageTextToText if sees else AutoModelForCausalLM
    gpu = torch.cuda.is_available()
    half = gpu and torch.cuda.is_bf16_supported()
    # Steps on all weights are too small for 16 bits.
    model = family.from_pretrained(folder, dtype=torch.bfloat16 if half and JOB["kind"] != "all" else torch.float32)
    if gpu:
        model = model.to(f"cuda:{os.environ.get('LOCAL_RANK', 0)}")
    given = [texts(row, processing, tokenizer) for row in rows]
    rate = learning_rate(model.eval(), given, processing)
    ordered = Dataset.from_list([given[i] for step in JOB["order"] for i in step])
    if with_pictures:
        ordered = ordered.cast_column("images", List(Image()))
    processes = int(os.environ.get("WORLD_SIZE", 1))
    at_once = min(SETTINGS["pairsAtOnce"], SETTINGS["pairsPerStep"])
    trainer = DPOTrainer(
        model=model,
        args=DPOConfig(
            output_dir=str(FOLDER / "result"),
            max_steps=SETTINGS["steps"],
            per_device_train_batch_size=at_once,
            gradient_accumulation_steps=max(1, SETTINGS["pairsPerStep"] // (at_once * processes)),
            train_sampling_strategy="sequential",
            beta=SETTINGS["beta"],
            learning_rate=rate,
            **losses(),
            **schedule(),
            weight_decay=0.0,
            max_grad_norm=0.0,
            max_length=None,
            bf16=half,
            use_cpu=not gpu,
            gradient_checkpointing=gpu,
            logging_steps=1,
            save_strategy="no",
            report_to="none",
            disable_tqdm=True,
        ),
        train_dataset=ordered,
        processing_class=processing,
        peft_config=adapter(model),
    )
    trainer.train()
    trainer.save_model()
    steps = [entry for entry in trainer.state.log_history if "loss" in entry]
    (FOLDER / "result" / "losses.jsonl").write_text("".join(json.dumps(entry) + "\n" for entry in steps))


if __name__ == "__main__":
    main()

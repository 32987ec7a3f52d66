"""Runs a job's train.py where there is no torchvision: python run_job.py JOB_DIR.

The processor of Qwen3-VL wants one for videos, which needs torchvision. This one does without: no job has videos.
"""

import os
import runpy
import sys

os.environ.update(HF_HUB_OFFLINE="1", TOKENIZERS_PARALLELISM="false", OMP_NUM_THREADS="1")
import torch
from transformers import AutoProcessor, AutoTokenizer, Qwen3VLProcessor
from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import Qwen2VLImageProcessorPil

torch.set_num_threads(1)


class WithoutVideos(Qwen3VLProcessor):
    def __init__(self, image_processor=None, tokenizer=None, chat_template=None, **_):
        super().__init__(image_processor, tokenizer, None, chat_template=chat_template)

    @classmethod
    def get_attributes(cls):
        return ["image_processor", "tokenizer"]

    def check_argument_for_proper_class(self, name, argument):
        return None if name == "video_processor" else super().check_argument_for_proper_class(name, argument)


def from_pretrained(folder, **_):
    tokenizer = AutoTokenizer.from_pretrained(folder)
    return WithoutVideos(Qwen2VLImageProcessorPil.from_pretrained(folder), tokenizer, chat_template=tokenizer.chat_template)


AutoProcessor.from_pretrained = from_pretrained
runpy.run_path(os.path.join(sys.argv[1], "train.py"), run_name="__main__")

"""A raw response of each family in both modes, as its model writes after its own prompt: reasoning R, answer A."""

_THINK = ("<think>\nR\n</think>\n\nA", "A")
_OPENED = ("R\n</think>\n\nA", "A")

RAW: dict[str, tuple[str, str | None]] = {
    "apriel_1_6": ("R\n[BEGIN FINAL RESPONSE]\nA\n[END FINAL RESPONSE]\n<|end|>", None),
    "cogito": (_THINK[0] + "<|eot_id|>", "A<|im_end|>"),
    "cohere2_moe": (
        "R<|END_THINKING|><|START_TEXT|>A<|END_TEXT|><|END_OF_TURN_TOKEN|>",
        "<|START_TEXT|>A<|END_TEXT|><|END_OF_TURN_TOKEN|>",
    ),
    "command_a_reasoning": (
        "<|START_THINKING|>R<|END_THINKING|><|START_RESPONSE|>A<|END_RESPONSE|><|END_OF_TURN_TOKEN|>",
        "<|START_RESPONSE|>A<|END_RESPONSE|>",
    ),
    "deepseek_r1": (_OPENED[0] + "<｜end▁of▁sentence｜>", None),
    "deepseek_v3_1": ("R</think>A<｜end▁of▁sentence｜>", "A<｜end▁of▁sentence｜>"),
    "deepseek_v4": ("R</think>A<｜end▁of▁sentence｜>", "A<｜end▁of▁sentence｜>"),
    "ernie_4_5": ("R\n</think>\n\n<response>\nA\n</response>\n</s>", None),
    "exaone_4": (_OPENED[0] + "[|endofturn|]", "A[|endofturn|]"),
    "gemma_4": ("<|channel>thought\nR\n<channel|>A<turn|>", "A<turn|>"),
    "glm_4_5": ("\n<think>R</think>\nA<|user|>", "\nA<|user|>"),
    "glm_4_7": ("R</think>A<|user|>", "A<|user|>"),
    "glm_5_2": ("R</think>A<|user|>", "A<|user|>"),
    "glm_5_3": ("R</think>A<|user|>", None),
    "gpt_oss": (
        "<|channel|>analysis<|message|>R<|end|><|start|>assistant<|channel|>final<|message|>A<|return|>",
        None,
    ),
    "granite_3_3": ("<think>R</think>\n<response>A</response><|end_of_text|>", "A<|end_of_text|>"),
    "hermes_4": (_THINK[0] + "<|im_end|>", "A<|eot_id|>"),
    "hunyuan_a13b": (
        "<think>\nR\n</think>\n<answer>\nA\n</answer><|eos|>",
        "<think>\n\n</think>\n<answer>\nA\n</answer><|eos|>",
    ),
    "hy3": ("R</think:opensource>A<｜hy_eos:opensource｜>", "A<｜hy_eos:opensource｜>"),
    "intern_s1": (_THINK[0] + "<|im_end|>", "A<|im_end|>"),
    "k_exaone": (_OPENED[0] + "<|endofturn|>", "A<|endofturn|>"),
    "kat_v1": (
        "It is hard.\n</judge>\n\n<think_on>\n<think>\nR\n</think>\n\n<answer>\nA\n</answer><|im_end|>",
        None,
    ),
    "kimi_k2": ("<think>R</think>A<|im_end|>", "A<|im_end|>"),
    "kimi_k2_5": ("R</think>A<|im_end|>", "A<|im_end|>"),
    "kimi_k3": (
        "R<|close|>think<|sep|><|open|>response<|sep|>A<|close|>response<|sep|><|close|>message<|sep|><|end_of_msg|>",
        "A<|close|>response<|sep|><|close|>message<|sep|><|end_of_msg|>",
    ),
    "ling_3": ("R</think>A<|role_end|>", "A<|role_end|>"),
    "llama_nemotron": (_THINK[0] + "<|eot_id|>", "A<|eot_id|>"),
    "longcat_flash": ("R\n</longcat_think>\nA</longcat_s>", "A</longcat_s>"),
    "magistral": ("[THINK]R[/THINK]A</s>", None),
    "mimo_v2": (_THINK[0] + "<|im_end|>", "A<|im_end|>"),
    "minimax_m2": (_OPENED[0] + "[e~[", None),
    "minimax_m3": ("R</mm:think>A[e~[", "A[e~["),
    "ministral_3": ("[THINK]R[/THINK]A</s>", "A</s>"),
    "nemotron_3": (_OPENED[0] + "<|im_end|>", "A<|im_end|>"),
    "nemotron_nano_v2": (_OPENED[0] + "<SPECIAL_12>", "A<SPECIAL_12>"),
    "olmo_3": ("R</think>A<|im_end|>", "A<|im_end|>"),
    "phi_4_reasoning": ("<think>R</think>A<|end|>", None),
    "qwen3": (_THINK[0] + "<|im_end|>", "A<|im_end|>"),
    "qwen3_2507": (_OPENED[0] + "<|im_end|>", "A<|im_end|>"),
    "qwen3_5": (_OPENED[0] + "<|im_end|>", "A<|im_end|>"),
    "qwen3_8": (_OPENED[0] + "<|im_end|>", "A<|im_end|>"),
    "qwen3_8_max": (_OPENED[0] + "<|im_end|>", None),
    "reka_flash": ("<reasoning>\nR\n</reasoning>\nA <sep>", None),
    "seed_oss": ("<seed:think>\nR</seed:think>A<seed:eos>", "A<seed:eos>"),
    "smollm3": ("<think>\nR\n</think>\nA<|im_end|>", "A<|im_end|>"),
    "solar_open": ("<|think|>R<|end|><|begin|>assistant<|content|>A<|end|>", "<|content|>A<|end|>"),
    "step_3_5": (_OPENED[0] + "<|im_end|>", None),
}
"""Null where the family has no think-off."""

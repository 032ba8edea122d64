"""Which real template is of which family, and where a copy differs from the maker's."""

TEMPLATES = {
    "apriel_1_6": ["llama.cpp/Apriel-1.6-15b-Thinker-fixed"],
    "cohere2_moe": ["llama.cpp/Cohere2MoE"],
    "deepseek_r1": ["Xinference/deepseek-r1", "Xinference/deepseek-r1-distill-qwen", "TRL/deepseek_r1_distill"],
    "deepseek_v3_1": [
        "Xinference/Deepseek-V3.1",
        "Xinference/DeepSeek-V3.2",
        "llama.cpp/deepseek-ai-DeepSeek-V3.1",
        "llama.cpp/deepseek-ai-DeepSeek-V3.2",
    ],
    "deepseek_v4": ["llama.cpp/deepseek-ai-DeepSeek-V4", "llama.cpp/deepseek-ai-DeepSeek-V4-Flash-0731"],
    "exaone_4": ["axolotl/exaone4"],
    "gemma_4": ["llama.cpp/google-gemma-4-31B-it", "llama.cpp/google-gemma-4-31B-it-interleaved", "TRL/gemma4"],
    "glm_4_5": ["llama.cpp/GLM-4.6", "Xinference/GLM-4.6", "Xinference/glm-4.5", "TRL/glm4moe"],
    "glm_4_7": [
        "llama.cpp/GLM-4.7-Flash",
        "Xinference/GLM-4.7",
        "Xinference/GLM-4.7-Flash",
        "Xinference/glm-5",
        "Xinference/glm-5.1",
    ],
    "glm_5_2": ["Xinference/glm-5.2"],
    "glm_5_3": ["Xinference/glm-5.3"],
    "gpt_oss": ["llama.cpp/openai-gpt-oss-120b", "Xinference/gpt-oss", "TRL/gptoss"],
    "granite_3_3": ["llama.cpp/ibm-granite-granite-3.3-2B-Instruct"],
    "hy3": ["llama.cpp/tencent-Hy3"],
    "kat_v1": ["Xinference/KAT-V1"],
    "kimi_k2": ["llama.cpp/Kimi-K2-Thinking", "llama.cpp/Kimi-K2-Instruct"],
    "kimi_k2_5": ["Xinference/Kimi-K2.5"],
    "kimi_k3": ["llama.cpp/Kimi-K3"],
    "ling_3": ["llama.cpp/inclusionai-ling-3.0-flash", "Xinference/Ling-3.0-flash", "Xinference/Ling-3.0-tiny"],
    "minimax_m2": ["llama.cpp/MiniMax-M2", "Xinference/MiniMax-M2", "Xinference/MiniMax-M2.7"],
    "minimax_m3": ["llama.cpp/MiniMax-M3", "Xinference/MiniMax-M3"],
    "ministral_3": ["llama.cpp/mistralai-Ministral-3-14B-Reasoning-2512"],
    "nemotron_3": ["llama.cpp/NVIDIA-Nemotron-3-Nano-30B-A3B-BF16", "TRL/nemotron_3_nano"],
    "nemotron_nano_v2": ["llama.cpp/NVIDIA-Nemotron-Nano-v2"],
    "qwen3": ["llama.cpp/Qwen-Qwen3-0.6B", "Xinference/qwen3", "TRL/qwen3"],
    "qwen3_2507": [
        "Xinference/Qwen3-Thinking",
        "Xinference/Qwen3-Next-Thinking",
        "Xinference/Qwen3-Instruct",
        "TRL/qwen3_instruct_2507",
    ],
    "qwen3_5": [
        "llama.cpp/Qwen3.5-4B",
        "Xinference/qwen3.5",
        "Xinference/qwen3.6",
        "TRL/qwen3_5_think",
        "TRL/qwen3_5_nothink",
        "TRL/qwen3_6",
    ],
    "qwen3_8": ["Xinference/qwen3.8", "TRL/qwen3_8"],
    "qwen3_8_max": ["Xinference/qwen3.8-max"],
    "seed_oss": ["llama.cpp/ByteDance-Seed-OSS", "Xinference/seed-oss"],
    "smollm3": ["llama.cpp/HuggingFaceTB-SmolLM3-3B"],
    "solar_open": ["llama.cpp/upstage-Solar-Open-100B"],
    "step_3_5": ["llama.cpp/StepFun3.5-Flash"],
}
"""Of a family of two models, those of think-off have `nstruct` in their names."""

WITHOUT = {
    "cogito", "command_a_reasoning", "ernie_4_5", "hermes_4", "hunyuan_a13b", "intern_s1", "k_exaone", "llama_nemotron",
    "longcat_flash", "magistral", "mimo_v2", "olmo_3", "phi_4_reasoning", "reka_flash",
}  # fmt: skip
"""Families of whose templates none of the packages has a copy."""

OTHER_TAILS = {
    "llama.cpp/deepseek-ai-DeepSeek-V3.1": "<think></think>",
    "llama.cpp/deepseek-ai-DeepSeek-V3.2": "<think></think>",
    "TRL/gemma4": "",
}
"""What copies end a think-off prompt in where the maker's template does otherwise."""

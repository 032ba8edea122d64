"""Fields of a request that a recipe does not set in free mappings, and what it sets in their place."""

OF_A_ROLLOUT = {
    "n": "each rollout is a request of its own, so that it can be resumed; set sample.n",
    "seed": "each rollout has a seed of its own; set the run's seed",
    "stream": "responses are taken whole",
    "messages": "they are the prompt",
    "prompt": "it is the request's",
    "model": "it is the engine's",
}
"""Those that would undo what makes a request a rollout; engines refuse them, too."""

_OF_SAMPLING = "it is a key of `sampling` itself"

OF_THE_RECIPE = OF_A_ROLLOUT | {
    "max_tokens": _OF_SAMPLING,
    "max_completion_tokens": "set sampling.max_tokens, and max_tokens_field in the engine",
    "temperature": _OF_SAMPLING,
    "top_p": _OF_SAMPLING,
    "best_of": "each rollout is a request of its own; set sample.n",
    "stop": "a response ends where the model ends it, or it could not be told from one that was cut off",
    "stream_options": "responses are taken whole",
    "logprobs": "nothing reads them",
    "top_logprobs": "nothing reads them",
    "prompt_logprobs": "nothing reads them",
    "echo": "it would put the prompt into the response",
}
"""Those, and what has a key of its own or would make a response another thing than it is taken for."""

OF_VLLM = {
    "chat_template_kwargs": "it is a key of the role itself",
    "skip_special_tokens": "control tokens tell reasoning and answer apart",
    "output_kind": "responses are taken whole",
}
"""Further ones in an engine of type vllm, which takes none of them there."""

OF_THE_TEMPLATE = {
    "messages": "they are the prompt",
    "conversation": "it is the prompt",
    "tokenize": "the engine turns the prompt into tokens",
    "add_generation_prompt": "the prompt ends where the response begins; set response_prefix",
    "continue_final_message": "set response_prefix",
}
"""Arguments of the chat template that the engine gives it."""

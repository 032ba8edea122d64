"""Runs the plug-in inside verl's own functions; prints one JSON object a result. Run with verl on the path.

Standard input: `{"launches": {method: overrides}, "rollouts": [[row, text, whether it ended], …], "solutions":
[right, wrong of row 0], "rl": file, "switched": {"overrides": …, "text": of row 0}}`.
"""

import asyncio
import contextlib
import json
import sys

import numpy as np
import ray
import torch
import transfer_queue as tq
from hydra import compose, initialize_config_module
from omegaconf import OmegaConf
from transformers import AutoTokenizer
from verl import DataProto
from verl.experimental.agent_loop.agent_loop import (
    AgentLoopOutput,
    DictConfigWrap,
    _agent_loop_registry,
)
from verl.trainer.constants_ppo import get_ppo_ray_runtime_env
from verl.trainer.ppo.core_algos import get_adv_estimator_fn
from verl.trainer.ppo.ray_trainer import compute_advantage
from verl.trainer.ppo.reward import get_custom_reward_fn, load_reward_manager
from verl.trainer.ppo.utils import need_critic, need_reference_policy
from verl.trainer.ppo.v1 import get_trainer_cls
from verl.utils.config import validate_config
from verl.utils.dataset.rl_dataset import RLHFDataset
from verl.utils.import_utils import load_class_from_fqn
from verl.utils.tensordict_utils import list_of_dict_to_tensordict
from verl.workers.rollout.replica import TokenOutput


def main() -> None:
    job = json.load(sys.stdin)
    with initialize_config_module("verl.trainer.config", version_base=None):
        configs = {name: compose("ppo_trainer", overrides=words) for name, words in job["launches"].items()}
        switched = compose("ppo_trainer", overrides=job["switched"]["overrides"])
    with contextlib.redirect_stdout(sys.stderr):
        results = run(job, configs, switched)
    for result in results:
        print(json.dumps(result))


def run(job, configs, switched):
    first = next(iter(configs.values()))
    tokenizer = AutoTokenizer.from_pretrained(first.actor_rollout_ref.model.path)
    columns = RLHFDataset(job["rl"], tokenizer, OmegaConf.create({"filter_overlong_prompts_workers": 1}))
    rows = [columns[at] for at in range(len(columns))]
    yielded = [composed(name, config) for name, config in configs.items()]
    yielded.append({"kind": "reward", "graded": graded(first, rows[0], job["solutions"])})
    yielded.append(answered_alone(switched, rows[0], job["switched"]["text"]))
    ray.init(address="local", num_cpus=2, include_dashboard=False, log_to_driver=False)
    queue = OmegaConf.merge(
        first.transfer_queue, {"enable": True, "backend": {"SimpleStorage": {"num_data_storage_units": 1}}}
    )
    tq.init(queue)
    for name, config in configs.items():
        if config.algorithm.hipo_data.format == "hipo":
            yielded.append(trained(name, config, tokenizer, rows, job["rollouts"]))
        if config.actor_rollout_ref.rollout.agent.default_agent_loop == "hipo_data_forced":
            yielded.append(forced(name, config, rows[0]))
    tq.close()
    ray.shutdown()
    yielded.append({"kind": "modules", "loaded": sorted({name.partition(".")[0] for name in sys.modules})})
    return yielded


def composed(name, config):
    """verl's own checks of the config, and what its workers would be started with."""
    validate_config(config, need_reference_policy(config), need_critic(config))
    runtime = OmegaConf.merge(get_ppo_ray_runtime_env(config), config.ray_kwargs.ray_init.runtime_env)
    return {
        "kind": "config",
        "method": name,
        "trainer": get_trainer_cls(config.trainer.v1.trainer_mode).__name__,
        "estimator": get_adv_estimator_fn(config.algorithm.adv_estimator).__module__,
        "plugin": runtime.env_vars.VERL_USE_EXTERNAL_MODULES,
        "actor": OmegaConf.to_container(config.actor_rollout_ref.actor, resolve=True)["loss_agg_mode"],
    }


def graded(config, row, solutions):
    """Scores of a right and a wrong solution, by the function as verl's loader finds it."""
    config = OmegaConf.merge(
        config, {"reward": {"custom_reward_function": {"path": "pkg://hipo_data.trainer.verl.reward"}}}
    )
    score = get_custom_reward_fn(config)
    return [
        score(
            data_source=row["data_source"],
            solution_str=solution,
            ground_truth=row["reward_model"]["ground_truth"],
            extra_info={**row["extra_info"], "num_turns": 2, "rollout_reward_scores": {}},
        )
        for solution in solutions
    ]


def managed(manager, row, ids):
    """What the reward manager says of one rollout, as verl's reward workers ask it."""
    data = DataProto.from_dict(
        tensors={
            "responses": torch.tensor([ids]),
            "attention_mask": torch.ones((1, len(ids) + 3), dtype=torch.long),
        },
        non_tensors={key: np.array([row[key]], dtype=object) for key in row},
    )
    return asyncio.run(manager.run_single(data))


def answered_alone(config, row, text):
    """The reward of a response behind a prompt that a switch of the chat template ended."""
    tokenizer = AutoTokenizer.from_pretrained(config.actor_rollout_ref.model.path)
    ids = [*tokenizer(text, add_special_tokens=False)["input_ids"], tokenizer.convert_tokens_to_ids("<|im_end|>")]
    info = managed(load_reward_manager(config, tokenizer), row, ids)["reward_extra_info"]
    return {"kind": "switched", "info": info}


def trained(name, config, tokenizer, rows, rollouts):
    """Rewards from the reward manager, and the advantages that the trainer leaves in verl's queue."""
    trainer_class = get_trainer_cls(config.trainer.v1.trainer_mode)
    trainer = object.__new__(trainer_class)
    from hipo_data.trainer.verl.trainers import check

    trainer.config, trainer._hipo_data = config, check(config)
    trainer.global_steps, trainer.total_training_steps = 1, 4
    manager = load_reward_manager(config, tokenizer)
    end = tokenizer.convert_tokens_to_ids("<|im_end|>")
    keys, fields, tags, ids_of = [], [], [], []
    for session, (at, text, ended) in enumerate(rollouts):
        ids = tokenizer(text, add_special_tokens=False)["input_ids"] + [end] * ended
        row = rows[at]
        scored = managed(manager, row, ids)
        output = AgentLoopOutput(
            prompt_ids=[1, 2, 3], response_ids=ids, response_mask=[1] * len(ids), reward_score=scored["reward_score"],
            metrics={}, extra_fields={"reward_extra_info": scored["reward_extra_info"]}, num_turns=2,
        )  # fmt: skip
        field = output.as_dict()
        field |= {"uid": f"u{at}", "data_source": row["data_source"], "old_log_probs": torch.full((len(ids),), -0.5)}
        keys.append(f"u{at}_{session}_0")
        fields.append(field)
        tags.append({})
        ids_of.append(ids)
    # What verl adds where a batch does not divide among its workers.
    padding = {**fields[0], "uid": "pad", "responses": torch.tensor([end]), "response_mask": torch.tensor([0])}
    padding |= {"rm_scores": torch.tensor([0.0]), "old_log_probs": torch.tensor([0.0])}
    keys.append("pad_0_0")
    fields.append(padding)
    tags.append({"is_padding": True})
    batch = tq.kv_batch_put(keys=keys, partition_id=name, fields=list_of_dict_to_tensordict(fields), tags=tags)
    metrics = {}
    batch = trainer._compute_advantage(batch, metrics)
    found = tq.kv_batch_get(keys=batch.keys, partition_id=name, select_fields=["advantages", "old_log_probs"])
    tq.kv_clear(keys=keys, partition_id=name)
    infos = [each["extra_fields"]["reward_extra_info"] for each in fields[:-1]]
    return {
        "kind": "advantages",
        "method": name,
        "ids": ids_of,
        "rewards": [float(each["rm_scores"].sum()) for each in fields[:-1]],
        "advantages": [each.tolist() for each in found["advantages"].unbind()],
        "old_log_probs": [each.tolist() for each in found["old_log_probs"].unbind()],
        "direct": direct(config, fields[:-1]),
        "metrics": metrics,
        "infos": infos,
    }


def direct(config, fields):
    """The same through `compute_advantage` alone, given a padded DataProto; or what it says where nothing is lent."""
    from hipo_data.schemas.errors import UserError
    from hipo_data.trainer.verl.reports import REPORT, Lent, lent, parse_report

    def padded(key):
        return torch.nn.utils.rnn.pad_sequence([each[key] for each in fields], batch_first=True)

    data = DataProto.from_dict(
        tensors={"response_mask": padded("response_mask"), "token_level_rewards": padded("rm_scores")},
        non_tensors={"uid": np.array([each["uid"] for each in fields], dtype=object)},
    )
    estimator = config.algorithm.adv_estimator
    try:
        compute_advantage(data, estimator, config=config.algorithm)
    except UserError as error:
        said = str(error)
    reports = [parse_report(each["extra_fields"]["reward_extra_info"][REPORT]) for each in fields]
    with lent(Lent(reports, ["all"] * len(reports), progress=0.25)):
        data = compute_advantage(data, estimator, config=config.algorithm)
    assert torch.equal(data.batch["advantages"], data.batch["returns"])
    return {"advantages": data.batch["advantages"].tolist(), "alone": said}


class Server:
    """Stands for the inference engine: writes three tokens, the last of them one that it is to stop at, and notes what
    it was asked."""

    def __init__(self):
        self.asked = []

    async def generate(self, **request):
        self.asked.append(request)
        last = request["sampling_params"].get("stop_token_ids", [7])[0]
        return TokenOutput(token_ids=[5, 6, last], log_probs=[-1.0, -2.0, -3.0])


def forced(name, config, row):
    tokenizer = AutoTokenizer.from_pretrained(config.actor_rollout_ref.model.path)
    loop_class = load_class_from_fqn(_agent_loop_registry["hipo_data_forced"]["_target_"])
    server = Server()
    arguments = {
        "trainer_config": DictConfigWrap(config), "server_manager": server, "tokenizer": tokenizer, "processor": None,
        "dataset_cls": RLHFDataset, "data_config": DictConfigWrap(config.data),
    }  # fmt: skip

    async def rolled():
        loop = loop_class(**arguments)
        count = config.actor_rollout_ref.rollout.n
        outputs = [
            await loop.run({"temperature": 1.0}, session_id=session, raw_prompt=row["raw_prompt"],
                           extra_info={**row["extra_info"], "split": split})
            for split, session in (("train", 0), ("train", count - 1), ("validation", 0))
        ]  # fmt: skip
        return outputs

    outputs = asyncio.run(rolled())
    return {
        "kind": "forced",
        "method": name,
        "prompts": [tokenizer.decode(each["prompt_ids"]) for each in server.asked],
        "stops": [each["sampling_params"].get("stop_token_ids") for each in server.asked],
        "responses": [tokenizer.decode(each.response_ids) for each in outputs],
        "prompt_texts": [tokenizer.decode(each.prompt_ids) for each in outputs],
        "logprobs": [each.response_logprobs for each in outputs],
        "lengths": [len(each.response_ids) for each in outputs],
    }


if __name__ == "__main__":
    main()

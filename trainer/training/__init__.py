"""SFT and RL on TRL: configuration, data, loops, checkpoints."""

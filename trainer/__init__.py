"""Thin SFT and RL on top of TRL, and the advantage and reward mathematics."""

"""What a training step says about itself: scores, rollouts, shaping."""

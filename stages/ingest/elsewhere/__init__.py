"""Files of rollouts that other tools wrote, one tool a file: from what the tool wrote to one row a rollout"""

"""What a hybrid model gets right and what it spends: questions, answers, verdicts, figures and their page."""

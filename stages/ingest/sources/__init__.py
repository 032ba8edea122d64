"""Source datasets: one adapter a file, from a row as the dataset has it to a problem."""

"""Training: a loop to read, the run it writes, and what it takes to go on after a crash."""

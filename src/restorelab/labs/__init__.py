"""Chapters as labs: the version that a class is given (`release`), and the grading of what comes back (`grade`).

Grading takes four kinds of processes. The *command* reads the folder, keeps the journal and writes tables; each of its *judges* holds
the checks and the hidden tests, and has a *nursery*, which has imported torch and never saw a hidden test; the nursery forks a
*sandbox* for every exercise of every submission. A learner's code runs in sandboxes alone: questions go in, answers come out.
"""

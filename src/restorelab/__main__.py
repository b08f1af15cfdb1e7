"""`python -m restorelab`: what `torchrun -m restorelab train ...` starts."""

from restorelab.cli import main

main()

"""How shapes and types in signatures are checked during tests: as Python means them, with 3 accepted for a float.

Constructors of recipe steps are left out: their values come from outside, and they answer bad ones with sentences of their own,
which the tests want to read.
"""

from beartype import BeartypeConf, beartype

_check = beartype(conf=BeartypeConf(is_pep484_tower=True))


def checked(function):
    own_words = function.__module__.startswith("restorelab.degrade") and function.__qualname__.endswith("__init__")
    return function if own_words else _check(function)

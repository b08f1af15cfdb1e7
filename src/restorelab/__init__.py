"""restorelab: image restoration, taught on full implementations.

Nothing is imported here, so that `import restorelab.image` costs no more than what it needs.
"""

__version__ = "0.2.0"

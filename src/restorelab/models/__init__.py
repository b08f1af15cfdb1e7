"""One file per system; each reads top to bottom and stands alone."""

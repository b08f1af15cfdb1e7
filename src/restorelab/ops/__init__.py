"""Pure tensor operations that more than one room needs."""

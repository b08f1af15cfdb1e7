"""Clean pictures, and the degraded ones made from them."""

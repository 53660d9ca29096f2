"""Long measurements; their dated results are in the docs."""

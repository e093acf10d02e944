"""The training engine: one Accelerate loop that runs a method's phases. Names no method."""

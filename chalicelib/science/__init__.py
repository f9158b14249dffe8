"""Arrays in, arrays out: the numerics of the pipeline, free of AWS, clocks and the environment."""

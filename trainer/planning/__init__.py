"""What a run will take before it is started: figures in, figures out, and each with where it comes from."""

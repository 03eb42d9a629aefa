"""Training jobs, run for real: data down, the container's entry point, artefacts up."""

"""One place that tells a run: what is told, in which order, in which words and units, whatever the surface."""

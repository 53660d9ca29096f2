"""The servers that ``benchmarks.speed`` measures, a tiny file each; each prints its port."""

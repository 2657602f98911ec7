"""Load: side-by-side benchmarks in ``bench``."""

"""How fast the cores are: exact counters, and clocks that compare within one process."""

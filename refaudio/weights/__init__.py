"""Checkpoints in and out: a table per upstream layout, strict loading, weight norm folded, nothing unpickled.

`files` reads and writes, `tables` renames and reshapes, `weight_norm` folds, `load` holds a model to what was read.
"""

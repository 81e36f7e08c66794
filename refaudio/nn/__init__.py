"""What every network here is built from: attention, rotary angles, norms and snake, in any float dtype.

Statistics and angles are taken in promote_types(dtype, float32): bfloat16 gains, float64 stays float64 end to end.
"""

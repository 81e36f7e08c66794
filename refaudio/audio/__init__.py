"""The waveform: (C, N) float32 in [-1, 1] with its rate. Nothing is implemented here yet."""

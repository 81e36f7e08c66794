"""Our models beside other people's on the same weights: `python -m refaudio.conformance.parity` writes PARITY.md."""

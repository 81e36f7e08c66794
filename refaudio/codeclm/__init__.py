"""Language models over codec codes (B, T, K): K codebooks a frame, delayed against each other into rows.

`refaudio.codeclm.delay` turns codes into rows and back; `refaudio.codeclm.patterns` has the published delays.
"""

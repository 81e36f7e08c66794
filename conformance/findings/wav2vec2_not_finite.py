"""One NaN or infinite sample makes every feature of a clip NaN in Wav2Vec2FeatureExtractor, without a word.

transformers, zero_mean_unit_var_norm: mean and variance of the clip are not finite, and all of it is divided by them.
"""

import sys

import numpy as np
import transformers
from transformers import Wav2Vec2FeatureExtractor

transformers.logging.set_verbosity_error()
np.seterr(all="ignore")
extractor = Wav2Vec2FeatureExtractor()


def broken(value: float) -> str:
    audio = np.sin(np.arange(1000, dtype=np.float32))
    audio[500] = value
    try:
        features = extractor(audio, sampling_rate=16000)["input_values"][0]
    except ValueError as error:
        return f"ValueError: {error}"
    return f"{int(np.isnan(features).sum())} of {features.size} features are NaN"


got = [broken(float("nan")), broken(float("inf"))]
print(f"transformers {transformers.__version__}: 1000 samples, of which one is NaN; then one infinite")
print("got ", got)
print("want an error")
sys.exit(0 if got == ["1000 of 1000 features are NaN"] * 2 else 1)

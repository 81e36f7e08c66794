"""A text that mentions <pad>, or holds a byte 0, 1 or 2, is read as padding or as a change of speaker.

transformers, DiaTokenizer: the pad token is matched inside the user's text, and control bytes are ids like all others, where
0 pads, 1 is [S1] and 2 is [S2]. The calls are the documented ones.
"""

import sys

import transformers
from transformers import DiaTokenizer

tokenizer = DiaTokenizer()
text = "[S1] write <pad> here,\x02 please"
got = tokenizer(text)["input_ids"]
want = [1, *text.removeprefix("[S1]").encode()]
print(f"transformers {transformers.__version__}: {text!r} has one speaker, and no padding")
print("got ", got, f"with {got.count(0)} padding ids and {got.count(2)} calls of speaker 2")
print("want", want, "or a refusal of the byte 2")
sys.exit(0 if got.count(0) and got.count(2) else 1)

"""`python -m refaudio` is `refaudio`."""

import sys

from .cli import main

sys.exit(main())

"""`python -m xenolith`."""

import sys

from xenolith.cli.main import main

sys.exit(main(sys.argv[1:]))

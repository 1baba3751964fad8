"""What the generators share: each prints a JSON list of texts, in the order in which the tool
would send them; judge.py splits them into statements."""

import json
import sys


def write(texts):
    json.dump(texts, sys.stdout, indent=1)
